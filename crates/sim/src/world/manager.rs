//! A manager in memory: the domain over all facts of one account, and what the shell around it does.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::Transmit;
use seatpool_domain::command::{Action, CoTermination, OrderLine};
use seatpool_domain::opening::Opening;
use seatpool_domain::{
    Actor, Catalogue, Command, Context, Event, Ids, Outcome, Policy, Refused, Workset, apply,
};
use seatpool_proto::message::{Refusal, VERSION};
use seatpool_proto::{
    AccountId, IdCertificate, LotKind, ProblemCode, Quantity, Request, RequestBody, Response, ResponseBody,
    Sha256, Term, TokenId, VirtualAccountId,
};
use uuid::Uuid;

/// Ids in the order in which they are asked for.
#[derive(Debug)]
struct Counting(u128);

impl Ids for Counting {
    fn uuid(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }

    fn certificate_serial(&mut self) -> [u8; 16] {
        self.0 += 1;
        let mut serial = self.0.to_be_bytes();
        serial[0] = 1;
        serial
    }
}

/// A manager of one account.
#[derive(Debug)]
pub struct Manager {
    /// Everything that is known of the account.
    pub facts: Workset,
    /// All events, in order.
    pub events: Vec<Event>,
    /// The account's only virtual account.
    pub virtual_account: VirtualAccountId,
    token: TokenId,
    catalogue: Catalogue,
    policy: Policy,
    ids: Counting,
    /// What each stand-in certificate says.
    certificates: BTreeMap<Vec<u8>, IdCertificate>,
    orders: u32,
}

impl Manager {
    /// A manager with a new account and one registration token.
    pub fn new(now: Timestamp) -> Self {
        let catalogue = Catalogue::from_toml([Catalogue::SHIPPED]).expect("the catalogue that ships");
        let policy = Policy::default();
        let mut ids = Counting(0);
        let virtual_account = VirtualAccountId(ids.uuid());
        let opening = Opening {
            id: AccountId(Uuid::from_u128(7)),
            default_virtual_account: virtual_account,
            domain: "example.com".to_owned(),
            name: "Example".to_owned(),
            export_permitted: false,
            universal_permitted: false,
            administrator: None,
            actor: Actor::User("anna".to_owned()),
            source: None,
        };
        let mut facts = opening.into_workset(now).expect("the account's domain and name are valid");
        facts.settle();
        let mut manager = Self {
            facts,
            events: Vec::new(),
            virtual_account,
            token: TokenId(Uuid::nil()),
            catalogue,
            policy,
            ids,
            certificates: BTreeMap::new(),
            orders: 0,
        };
        manager.new_token(now);
        manager
    }

    /// Makes a token; the one that registrations stand for from now on. It allows export-controlled functionality where
    /// the account is permitted it.
    pub fn new_token(&mut self, now: Timestamp) {
        let action = Action::CreateToken {
            virtual_account: self.virtual_account,
            description: "pair".to_owned(),
            expires_after_days: 365,
            uses_max: None,
            export_controlled: self.facts.account.export_permitted,
        };
        let outcome = self.submit(action, now).expect("a token may be made");
        let Outcome::Token(token) = outcome else { panic!("a token was asked for: {outcome:?}") };
        self.token = token;
    }

    /// Decides a command of an administrator, an instance or a job, and keeps its events.
    pub fn submit(&mut self, action: Action, now: Timestamp) -> Result<Outcome, Refused> {
        let mut context =
            Context { now, catalogue: &self.catalogue, policy: &self.policy, ids: &mut self.ids };
        let command = Command { actor: Actor::User("anna".to_owned()), source: None, action };
        let outcome = apply(command, &mut self.facts, &mut context);
        self.events.append(&mut self.facts.events);
        self.facts.settle();
        outcome
    }

    /// Deposits perpetual licences.
    pub fn order(&mut self, tag: &str, count: u64, now: Timestamp) {
        self.orders += 1;
        let line = OrderLine {
            tag: super::tag(tag),
            quantity: Quantity::of(count),
            kind: LotKind::Perpetual,
            term: Term { starts_at: now, ends_at: None },
            dates: seatpool_domain::lot::NamedDates::default(),
            subscription_id: None,
            co_termination: CoTermination::Own,
        };
        let (virtual_account, order_id) = (self.virtual_account, format!("order-{}", self.orders));
        let order = Action::Order { virtual_account, order_id, lines: vec![line] };
        self.submit(order, now).expect("a known licence may be deposited");
    }

    /// When the next instance's usage is dropped for want of contact.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.facts.instances.values().filter(|row| row.counted).filter_map(|row| row.authorized_until).min()
    }

    /// The job that drops it.
    pub fn expire(&mut self, now: Timestamp) {
        let is_due = |until: Timestamp| until <= now;
        let counted = self.facts.instances.values().filter(|row| row.counted);
        let instances =
            counted.filter(|row| row.authorized_until.is_some_and(is_due)).map(|row| row.id).collect();
        self.submit(Action::ExpireAuthorizations { instances }, now).expect("a job is never refused");
    }

    /// The answer to a request, through its text both ways, with the text's hash.
    pub fn answer(&mut self, transmit: &Transmit, now: Timestamp) -> (Response, Sha256) {
        let request = Request::from_text(&transmit.request.to_text()).expect("within the protocol's limits");
        let (request_id, nonce) = (request.request_id, request.nonce);
        let text = self.decide(transmit, request, now).unwrap_or_else(|refused| {
            let Refused::Agent { code, detail, sequence } = refused else { panic!("{refused}") };
            Response {
                version: VERSION,
                request_id,
                nonce,
                signed_at: now,
                sequence,
                body: ResponseBody::Refusal(Refusal::new(code, detail)),
            }
            .to_text()
        });
        (Response::from_text(&text).expect("an answer of this version"), Sha256::of(&text))
    }

    fn decide(&mut self, transmit: &Transmit, request: Request, now: Timestamp) -> Result<String, Refused> {
        let leaf = |certificates: &[Vec<u8>]| {
            let certificate = certificates.first().and_then(|leaf| self.certificates.get(leaf));
            certificate.cloned()
        };
        // Only these lead to a certificate, for which the request is needed once more.
        let issues =
            matches!(request.body, RequestBody::Registration(_) | RequestBody::IdCertificateRenewal(_));
        let kept = issues.then(|| request.clone());
        let action = if let RequestBody::Registration(_) = &request.body {
            let proof = transmit.co_signing.as_ref().and_then(|key| leaf(&key.certificates));
            // "Valid or ended less than 365 days ago".
            let proof = proof.filter(|proof| now < proof.not_after + SignedDuration::from_hours(24 * 365));
            Action::Register { request, token: self.token, proof }
        } else {
            let certificate = leaf(&transmit.signing.certificates).expect("a certificate of this manager");
            if certificate.not_after <= now {
                let code = ProblemCode::CertificateExpired;
                return Err(Refused::Agent { code, detail: String::new(), sequence: 0 });
            }
            Action::Ask { request, certificate }
        };
        match self.submit(action, now)? {
            Outcome::Answer { text, .. } => Ok(text),
            Outcome::Issue { instance, pending, product } => {
                let der = format!("certificate {}", pending.record.serial).into_bytes();
                assert_eq!(Sha256::of(&pending.public_key), pending.record.key_hash);
                let certificate = IdCertificate {
                    product_instance_id: instance,
                    product,
                    serial: pending.record.serial,
                    not_before: pending.record.not_before,
                    not_after: pending.record.not_after,
                    public_key: pending.public_key,
                };
                self.certificates.insert(der.clone(), certificate);
                let request = kept.expect("only a request for a certificate is answered by one");
                let finish = Action::FinishIssuance { instance, request, certificates: vec![der] };
                match self.submit(finish, now)? {
                    Outcome::Answer { text, .. } => Ok(text),
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }
}
