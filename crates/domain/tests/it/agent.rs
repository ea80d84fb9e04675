//! An honest agent as the manager sees it: it numbers its requests, names the last answer that it holds, and
//! lists what it sent since.

use jiff::Timestamp;
use seatpool_domain::command::Action;
use seatpool_domain::{Actor, Outcome, Refused};
use seatpool_proto::message::{
    Authorization, AuthorizationRequest, FamilyUsage, IdCertificateRenewalRequest, Interval, Product,
    Registration, TagUsage, TierUsage,
};
use seatpool_proto::{
    AccountId, IdCertificate, Nonce, ProblemCode, ProductInstanceId, Request, RequestBody, RequestId,
    Response, ResponseBody, Sha256, TokenId, Udi, limits,
};
use uuid::Uuid;

use crate::world::{World, q, tag};

#[derive(Clone, Debug)]
pub struct Agent {
    pub udi: Udi,
    pub key: Vec<u8>,
    pub product_type: String,
    pub account: Option<AccountId>,
    pub instance: Option<ProductInstanceId>,
    /// Serial number of the certificate that it signs under.
    pub serial: String,
    pub sequence: u64,
    pub held: Option<Sha256>,
    pub unanswered: Vec<RequestId>,
    /// Where its request ids come from.
    pub next_id: u128,
}

/// `(tag, own peak, locked)`.
pub type Figure = (&'static str, u64, Option<u64>);

impl Agent {
    pub fn new(number: u8) -> Self {
        Self {
            udi: Udi::new("UCCX", format!("SN{number}"), None).unwrap(),
            key: vec![number; 8],
            product_type: "unified-ccx".into(),
            account: None,
            instance: None,
            serial: String::new(),
            sequence: 0,
            held: None,
            unanswered: Vec::new(),
            next_id: u128::from(number) << 64,
        }
    }

    pub fn id(&self) -> ProductInstanceId {
        self.instance.expect("registered")
    }

    /// The next request, which counts as unanswered from now on.
    pub fn request(&mut self, body: RequestBody, now: Timestamp) -> Request {
        self.sequence += 1;
        self.next_id += 1;
        let request = Request {
            version: 1,
            request_id: RequestId(Uuid::from_u128(self.next_id)),
            nonce: Nonce([self.sequence.to_be_bytes()[7]; 16]),
            sequence: self.sequence,
            sent_at: now,
            last_answer: self.held,
            unanswered: self.unanswered.clone(),
            account_id: self.account,
            product_instance_id: self.instance,
            udi: self.udi.clone(),
            body,
        };
        self.unanswered.push(request.request_id);
        if self.unanswered.len() > limits::UNANSWERED_MAX {
            self.unanswered.remove(0);
        }
        request
    }

    /// Takes in a successful answer.
    pub fn receive(&mut self, text: &str) -> ResponseBody {
        let response = Response::from_text(text).unwrap();
        assert_eq!(response.to_text(), text);
        self.held = Some(Sha256::of(text));
        self.sequence = self.sequence.max(response.sequence);
        self.unanswered.clear();
        if let ResponseBody::Registration(registered) = &response.body {
            self.instance = Some(registered.product_instance_id);
            self.account = Some(registered.home.account_id);
        }
        response.body
    }

    pub fn certificate(&self) -> IdCertificate {
        IdCertificate {
            product_instance_id: self.id(),
            product: "Contact Centre".into(),
            serial: self.serial.clone(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::MAX,
            public_key: self.key.clone(),
        }
    }

    pub fn registration(&mut self, force: bool, now: Timestamp) -> Request {
        let body = RequestBody::Registration(Registration {
            token: "text".into(),
            public_key: self.key.clone(),
            force,
            product: Product {
                name: "Contact Centre".into(),
                kind: self.product_type.clone(),
                version: Some("12.5".into()),
            },
            host_name: Some(format!("{}.example.com", self.udi.sn.to_lowercase())),
        });
        self.request(body, now)
    }

    /// Registers for the first time, with all phases and no loss.
    pub fn register(&mut self, world: &mut World, token: TokenId) -> Result<ProductInstanceId, Refused> {
        self.register_with(world, token, None, false)
    }

    pub fn register_with(
        &mut self,
        world: &mut World,
        token: TokenId,
        proof: Option<IdCertificate>,
        force: bool,
    ) -> Result<ProductInstanceId, Refused> {
        let request = self.registration(force, world.now);
        let action = Action::Register { request: request.clone(), token, proof };
        let outcome = world.submit_as(Actor::Instance(self.udi.to_string()), action)?;
        self.finish(world, request, outcome)?;
        Ok(self.id())
    }

    /// Has the certificate signed and the answer delivered.
    pub fn finish(
        &mut self,
        world: &mut World,
        request: Request,
        outcome: Outcome,
    ) -> Result<ResponseBody, Refused> {
        let Outcome::Issue { instance, pending, .. } = outcome else { panic!("{outcome:?}") };
        let certificates = vec![pending.record.serial.clone().into_bytes()];
        let action = Action::FinishIssuance { instance, request, certificates };
        let outcome = world.submit_as(Actor::Instance(instance.to_string()), action)?;
        let Outcome::Answer { text, .. } = outcome else { panic!("{outcome:?}") };
        self.serial = pending.record.serial;
        Ok(self.receive(&text))
    }

    /// Delivers a request, and says what the manager made of it.
    pub fn deliver(&self, world: &mut World, request: &Request) -> Result<Outcome, Refused> {
        let action = Action::Ask { request: request.clone(), certificate: self.certificate() };
        world.submit_as(Actor::Instance(self.id().to_string()), action)
    }

    /// Sends a request and gets the answer.
    pub fn ask(&mut self, world: &mut World, body: RequestBody) -> Result<ResponseBody, ProblemCode> {
        let request = self.request(body, world.now);
        match self.deliver(world, &request) {
            Ok(Outcome::Answer { text, .. }) => Ok(self.receive(&text)),
            Ok(issue @ Outcome::Issue { .. }) => {
                self.finish(world, request, issue).map_err(|refused| code_of(&refused))
            }
            Ok(other) => panic!("{other:?}"),
            Err(refused) => Err(code_of(&refused)),
        }
    }

    /// Reports own peaks, and for the family `flex` the cumulative peaks that go with them when all are used at
    /// one moment.
    pub fn report(&mut self, world: &mut World, usage: &[Figure]) -> Result<Authorization, ProblemCode> {
        match self.ask(world, usage_report(usage, world.now))? {
            ResponseBody::Authorization(answer) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }

    pub fn renew_authorization(&mut self, world: &mut World) -> Result<Authorization, ProblemCode> {
        match self.ask(world, RequestBody::AuthorizationRenewal {})? {
            ResponseBody::Authorization(answer) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }

    pub fn renew_certificate(&mut self, world: &mut World) -> Result<ResponseBody, ProblemCode> {
        let body = IdCertificateRenewalRequest { public_key: self.key.clone() };
        self.ask(world, RequestBody::IdCertificateRenewal(body))
    }

    pub fn deregister(&mut self, world: &mut World) -> Result<ResponseBody, ProblemCode> {
        self.ask(world, RequestBody::Deregistration {})
    }
}

pub fn usage_report(usage: &[Figure], now: Timestamp) -> RequestBody {
    let mut tiers = Vec::new();
    let (mut peak, mut locked, mut any_locked) = (0, 0, false);
    for name in ["P", "S", "E"] {
        let Some((_, own, own_locked)) = usage.iter().find(|(tag, ..)| *tag == name) else { continue };
        peak += own;
        locked += own_locked.unwrap_or(*own);
        any_locked |= own_locked.is_some();
        tiers.push(TierUsage {
            tag: tag(name),
            cumulative_peak: q(peak),
            locked: any_locked.then_some(q(locked)),
        });
    }
    let families = FamilyUsage { family: "flex".parse().unwrap(), tiers };
    RequestBody::Authorization(AuthorizationRequest {
        interval: Interval { start: now, end: now },
        scheduled: true,
        usage: usage
            .iter()
            .map(|(name, peak, locked)| TagUsage { tag: tag(name), peak: q(*peak), locked: locked.map(q) })
            .collect(),
        families: if families.tiers.is_empty() { vec![] } else { vec![families] },
    })
}

pub fn code_of(refused: &Refused) -> ProblemCode {
    match refused {
        Refused::Agent { code, .. } => *code,
        other => panic!("{other}"),
    }
}
