//! One conversation between an agent and a manager, from registration to deregistration.

use jiff::Timestamp;
use seatpool_crypto::P256Key;
use seatpool_proto::message::{
    Authorization, AuthorizationRequest, AuthorizationStatus, Deregistered, FamilyUsage, Home,
    IdCertificateRenewalRequest, Interval, IssuedCertificate, Product, Refusal, Registered, Registration,
    TagAnswer, TagComing, TagExplanation, TagStatus, TagUsage, TierUsage, VERSION,
};
use seatpool_proto::{
    Nonce, ProblemCode, Quantity, Request, RequestBody, RequestId, Response, ResponseBody, Sha256,
    SignedRequest, SignedResponse, Signer as _, Udi,
};
use uuid::Uuid;

use crate::material::{FIRST_INSTANCE, Material, PRODUCT, SECOND_INSTANCE};

/// A message of the page.
pub(crate) struct Example {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) words: &'static str,
    pub(crate) text: String,
    pub(crate) body: String,
}

/// The agent's side of the conversation, with the manager's answers filled in.
struct Conversation<'a> {
    material: &'a Material,
    examples: Vec<Example>,
    /// The agent's present key and certificate.
    identity: &'static str,
    instance: &'static str,
    sequence: u64,
    last_answer: Option<Sha256>,
    unanswered: Vec<RequestId>,
    registered: bool,
}

pub(crate) fn examples(material: &Material) -> Vec<Example> {
    let mut c = Conversation {
        material,
        examples: Vec::new(),
        identity: "agent-1",
        instance: FIRST_INSTANCE,
        sequence: 0,
        last_answer: None,
        unanswered: Vec::new(),
        registered: false,
    };
    c.register();
    c.report();
    c.refused_report();
    c.renew_certificate();
    c.renew_authorization();
    c.register_again();
    c.deregister();
    c.examples
}

impl Conversation<'_> {
    fn register(&mut self) {
        let at = "2026-11-22T09:00:00Z";
        let request = self.request(at, registration(&self.key("agent-1"), "2.0.1"));
        let signed = SignedRequest::sign(request.to_text(), &self.key("agent-1"), vec![]).unwrap();
        let words = "Signed by the new key; no certificates, since there is none yet.";
        self.ask("registration", "Registration", words, &request, &signed);
        let made = self.registered(FIRST_INSTANCE, "agent-1", "2027-05-21T09:00:00Z", "2027-11-21T23:59:59Z");
        let words = "`last_answer` of the next request is the SHA-256 of this answer's text.";
        self.answer("registration-answer", "Answer to the registration", words, &request, at, made);
        self.registered = true;
    }

    fn report(&mut self) {
        let at = "2026-11-22T10:45:00Z";
        let request = self.request(at, report("2026-11-22T10:30:00Z", at));
        let words = "Usage is locked: the pool has been short of Standard licences for five reports. `families` \
                     carries the cumulative peaks, so the 118 of `CCX_FLEX_STANDARD` include Premium seats.";
        let signed = self.sign(&request);
        self.ask(
            "authorization",
            "Authorization: a usage report with a family and locked usage",
            words,
            &request,
            &signed,
        );
        let tag = |tag: &str, status, owned, in_use, short| TagAnswer {
            tag: tag.parse().unwrap(),
            status,
            owned: Quantity::of(owned),
            in_use: Quantity::of(in_use),
            short: Quantity::of(short),
            explanation: (short > 0).then(|| explained(short)),
        };
        let body = ResponseBody::Authorization(Authorization {
            status: AuthorizationStatus::OutOfCompliance,
            authorized_until: "2027-02-20T10:45:01Z".parse().unwrap(),
            renew_at: "2026-12-22T10:45:01Z".parse().unwrap(),
            tags: vec![
                tag("CCX_FLEX_PREMIUM", TagStatus::InCompliance, 20, 12, 0),
                tag("CCX_FLEX_STANDARD", TagStatus::OutOfCompliance, 80, 118, 30),
                tag("CCX_SERVER", TagStatus::InCompliance, 1, 0, 0),
            ],
            home: home(),
            exports_ended: Vec::new(),
            exports: Vec::new(),
        });
        let words =
            "The pool owns 20 + 80 and must cover 130 (the locked figure): 30 Standard licences are missing.";
        self.answer(
            "authorization-answer",
            "Answer to the usage report",
            words,
            &request,
            "2026-11-22T10:45:01Z",
            body,
        );
    }

    fn refused_report(&mut self) {
        let at = "2026-11-25T11:00:00Z";
        let request = self.request(at, report("2026-11-22T10:45:00Z", at));
        let words = "The agent's clock is three days ahead.";
        let signed = self.sign(&request);
        self.ask("skewed", "A request that is refused", words, &request, &signed);
        let refusal = Refusal::new(
            ProblemCode::ClockSkew,
            "It says 2026-11-25T11:00:00Z, here it is 2026-11-22T11:00:00Z.",
        );
        self.unanswered.push(request.request_id);
        let words = "HTTP status 400. The refusal is signed and bound to the request, so its `signed_at` can be \
                     taken as the present time. It does not become `last_answer`.";
        let body = ResponseBody::Refusal(refusal);
        self.answer("refusal", "A refusal", words, &request, "2026-11-22T11:00:00Z", body);
    }

    fn renew_certificate(&mut self) {
        // A report whose answer never came, and a new request after it.
        let lost =
            self.request("2027-05-21T08:45:00Z", report("2027-05-21T08:30:00Z", "2027-05-21T08:45:00Z"));
        self.unanswered.push(lost.request_id);
        let at = "2027-05-21T09:00:00Z";
        let new = self.key("agent-2");
        let body = RequestBody::IdCertificateRenewal(IdCertificateRenewalRequest {
            public_key: new.public_key().to_vec(),
        });
        let request = self.request(at, body);
        let signed = self.sign(&request).co_sign(&new, vec![]).unwrap();
        let words = "With a new key, which co-signs. `unanswered` names the refused request and a report whose answer was lost.";
        self.ask("id-certificate-renewal", "ID-certificate renewal", words, &request, &signed);
        self.identity = "agent-2";
        let issued = self.issued("agent-2", "2027-11-17T09:00:00Z", "2028-05-19T23:59:59Z");
        let words = "From here on the agent signs with the new key, under the new certificate.";
        let body = ResponseBody::IdCertificateRenewal(issued);
        self.answer(
            "id-certificate-renewal-answer",
            "Answer to the renewal",
            words,
            &request,
            "2027-05-21T09:00:01Z",
            body,
        );
    }

    fn renew_authorization(&mut self) {
        let at = "2027-06-20T10:45:00Z";
        let request = self.request(at, RequestBody::AuthorizationRenewal {});
        let words = "No fields beyond the header: usage stays as last reported.";
        let signed = self.sign(&request);
        self.ask("authorization-renewal", "Authorization renewal", words, &request, &signed);
        let body = ResponseBody::Authorization(Authorization {
            status: AuthorizationStatus::NoLicensesInUse,
            authorized_until: "2027-09-18T10:45:00Z".parse().unwrap(),
            renew_at: "2027-07-20T10:45:00Z".parse().unwrap(),
            tags: vec![],
            home: home(),
            exports_ended: Vec::new(),
            exports: Vec::new(),
        });
        let words = "The same type as the answer to a usage report.";
        self.answer(
            "authorization-renewal-answer",
            "Answer to the authorization renewal",
            words,
            &request,
            at,
            body,
        );
    }

    fn register_again(&mut self) {
        let at = "2027-06-21T09:00:00Z";
        let key = self.key("agent-3");
        let request = self.request(at, registration(&key, "2.1.0"));
        let older = self.key(self.identity);
        let signed = SignedRequest::sign(request.to_text(), &key, vec![]).unwrap();
        let signed = signed.co_sign(&older, self.chain(self.identity)).unwrap();
        let words = "The same device registers again. The older key co-signs under its certificate, which proves \
                     that it is the same instance: it takes its old place, without `force`.";
        self.ask("re-registration", "Re-registration with proof", words, &request, &signed);
        self.identity = "agent-3";
        self.instance = SECOND_INSTANCE;
        let made =
            self.registered(SECOND_INSTANCE, "agent-3", "2027-12-18T09:00:00Z", "2028-06-19T23:59:59Z");
        let words = "A new product instance id and certificate; the older registration has ended.";
        self.answer("re-registration-answer", "Answer to the re-registration", words, &request, at, made);
    }

    fn deregister(&mut self) {
        let at = "2027-06-30T18:00:00Z";
        let request = self.request(at, RequestBody::Deregistration {});
        let words = "Everything is given back at once.";
        let signed = self.sign(&request);
        self.ask("deregistration", "Deregistration", words, &request, &signed);
        let body = ResponseBody::Deregistration(Deregistered {
            product_instance_id: SECOND_INSTANCE.parse().unwrap(),
        });
        let words = "Forget the certificate and the ids now; keep the sequence number.";
        self.answer("deregistration-answer", "Answer to the deregistration", words, &request, at, body);
    }

    fn key(&self, name: &str) -> P256Key {
        self.material.key(name)
    }

    fn chain(&self, leaf: &str) -> Vec<Vec<u8>> {
        vec![self.material.certificate(leaf), self.material.certificate("issuing")]
    }

    /// The next request; ids and nonces count up, so that they can be told apart by eye.
    fn request(&mut self, at: &str, body: RequestBody) -> Request {
        self.sequence += 1;
        let n = self.sequence;
        Request {
            version: VERSION,
            request_id: RequestId(Uuid::from_u128(0x019a_b2c0_8a10_7000_8000_0000_0000_0e00 + u128::from(n))),
            nonce: Nonce(Sha256::of(format!("nonce {n}")).0[..16].try_into().unwrap()),
            sequence: n,
            sent_at: at.parse().unwrap(),
            last_answer: self.last_answer,
            unanswered: self.unanswered.clone(),
            account_id: self.registered.then(|| home().account_id),
            product_instance_id: self.registered.then(|| self.instance.parse().unwrap()),
            udi: Udi::new("UCCX", "9ESB1GLP9PQ", Some("564d0f2c-6f8e-4f3e-9d6a-2b7c1e0a9b51".into()))
                .unwrap(),
            body,
        }
    }

    fn sign(&self, request: &Request) -> SignedRequest {
        SignedRequest::sign(request.to_text(), &self.key(self.identity), self.chain(self.identity)).unwrap()
    }

    fn ask(
        &mut self,
        name: &'static str,
        title: &'static str,
        words: &'static str,
        request: &Request,
        signed: &SignedRequest,
    ) {
        let body = String::from_utf8(signed.to_bytes()).unwrap();
        self.examples.push(Example { name, title, words, text: request.to_text(), body });
    }

    fn answer(
        &mut self,
        name: &'static str,
        title: &'static str,
        words: &'static str,
        request: &Request,
        at: &str,
        body: ResponseBody,
    ) {
        let response = Response {
            version: VERSION,
            request_id: request.request_id,
            nonce: request.nonce,
            signed_at: at.parse().unwrap(),
            sequence: if matches!(body, ResponseBody::Refusal(_)) {
                request.sequence - 1
            } else {
                request.sequence
            },
            body,
        };
        let text = response.to_text();
        if response.is_success() {
            self.last_answer = Some(Sha256::of(&text));
            self.unanswered.clear();
        }
        let signed = SignedResponse::sign(text.clone(), &self.key("signing"), self.chain("signing")).unwrap();
        let body = String::from_utf8(signed.to_bytes()).unwrap();
        self.examples.push(Example { name, title, words, text, body });
    }

    fn registered(&self, instance: &str, leaf: &str, renew_at: &str, expires_at: &str) -> ResponseBody {
        ResponseBody::Registration(Registered {
            product_instance_id: instance.parse().unwrap(),
            home: home(),
            export_controlled: true,
            certificate: self.issued(leaf, renew_at, expires_at),
        })
    }

    fn issued(&self, leaf: &str, renew_at: &str, expires_at: &str) -> IssuedCertificate {
        let instant = |text: &str| -> Timestamp { text.parse().unwrap() };
        IssuedCertificate {
            certificates: self.chain(leaf),
            renew_at: instant(renew_at),
            expires_at: instant(expires_at),
        }
    }
}

fn home() -> Home {
    Home {
        account_id: "019ab2c0-8a10-7000-8000-000000000001".parse().unwrap(),
        smart_account: "Example Corporation".into(),
        virtual_account: "Contact centre".into(),
    }
}

fn registration(key: &P256Key, version: &str) -> RequestBody {
    RequestBody::Registration(Registration {
        token: "ZXhhbXBsZS1yZWdpc3RyYXRpb24tdG9rZW4=".into(),
        public_key: key.public_key().to_vec(),
        force: false,
        product: Product { name: PRODUCT.into(), kind: "unified-ccx".into(), version: Some(version.into()) },
        host_name: Some("ccx1.example.com".into()),
    })
}

fn report(start: &str, end: &str) -> RequestBody {
    let usage = |tag: &str, peak, locked: Option<u64>| TagUsage {
        tag: tag.parse().unwrap(),
        peak: Quantity::of(peak),
        locked: locked.map(Quantity::of),
    };
    let tier = |tag: &str, peak, locked| TierUsage {
        tag: tag.parse().unwrap(),
        cumulative_peak: Quantity::of(peak),
        locked: Some(Quantity::of(locked)),
    };
    RequestBody::Authorization(AuthorizationRequest {
        interval: Interval { start: start.parse().unwrap(), end: end.parse().unwrap() },
        scheduled: true,
        usage: vec![
            usage("CCX_FLEX_PREMIUM", 12, Some(12)),
            usage("CCX_FLEX_STANDARD", 108, Some(120)),
            usage("CCX_SERVER", 0, None),
        ],
        families: vec![FamilyUsage {
            family: "ccx-flex".parse().unwrap(),
            tiers: vec![tier("CCX_FLEX_PREMIUM", 12, 12), tier("CCX_FLEX_STANDARD", 118, 130)],
        }],
    })
}

/// The explanation of the licence that is short.
fn explained(short: u64) -> TagExplanation {
    TagExplanation {
        why: vec![
            format!("118 are in use, 80 are owned, 8 come from higher licenses: {short} are short."),
            "8 of CCX Flex Premium Agent, which nobody else needs here, stand in for it.".into(),
        ],
        since: Some("2026-11-22T09:45:01Z".parse().unwrap()),
        next: vec![TagComing {
            what: "Locked usage ends with the first report after the pool is covered.".into(),
            at: None,
        }],
        what_to_do: vec![format!(
            "Have {short} more of CCX Flex Standard Agent moved to Contact centre from another virtual account, or \
             ordered."
        )],
    }
}
