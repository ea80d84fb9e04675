//! An agent by hand: it makes requests, signs them, and checks what comes back as docs/protocol.md says.

use jiff::{SignedDuration, Timestamp};
use seatpool_crypto::{Anchors, P256Key, P256Verifier, Purpose};
use seatpool_proto::message::{
    Authorization, AuthorizationRequest, IdCertificateRenewalRequest, Interval, Product, Registration,
    TagUsage,
};
use seatpool_proto::{
    AccountId, Nonce, ProblemCode, ProductInstanceId, Quantity, Request, RequestBody, RequestId, Response,
    ResponseBody, Sha256, SignedRequest, SignedResponse, Signer as _, Udi, Verifier as _,
};

use super::{Manager, TAG, new_uuid, now};

/// One product instance.
pub(crate) struct Agent {
    pub(crate) key: P256Key,
    pub(crate) udi: Udi,
    pub(crate) sequence: u64,
    pub(crate) last_answer: Option<Sha256>,
    pub(crate) account: Option<AccountId>,
    pub(crate) instance: Option<ProductInstanceId>,
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) retry_after: Option<u64>,
    pub(crate) bytes: Vec<u8>,
}

impl Agent {
    pub(crate) fn new(serial: &str) -> Self {
        Self {
            key: P256Key::generate().unwrap(),
            udi: Udi::new("UCCX", serial, None).unwrap(),
            sequence: 0,
            last_answer: None,
            account: None,
            instance: None,
            certificates: Vec::new(),
        }
    }

    /// The same state in another place: a copied disk.
    pub(crate) fn copy(&self) -> Self {
        Self {
            key: P256Key::from_pkcs8(&self.key.to_pkcs8()).unwrap(),
            udi: self.udi.clone(),
            sequence: self.sequence,
            last_answer: self.last_answer,
            account: self.account,
            instance: self.instance,
            certificates: self.certificates.clone(),
        }
    }

    /// A new request; the sequence goes on.
    pub(crate) fn request(&mut self, body: RequestBody) -> Request {
        self.sequence += 1;
        Request {
            version: 1,
            request_id: RequestId(new_uuid()),
            nonce: Nonce(seatpool_crypto::random_bytes()),
            sequence: self.sequence,
            sent_at: now(),
            last_answer: self.last_answer,
            unanswered: Vec::new(),
            account_id: self.account,
            product_instance_id: self.instance,
            udi: self.udi.clone(),
            body,
        }
    }

    pub(crate) fn registration(&self, token: &str, force: bool) -> RequestBody {
        RequestBody::Registration(Registration {
            token: token.to_owned(),
            public_key: self.key.public_key().to_vec(),
            force,
            product: Product {
                name: "Unified CCX".into(),
                kind: "unified-ccx".into(),
                version: Some("15.0".into()),
            },
            host_name: Some("ccx.example.com".into()),
        })
    }

    pub(crate) fn signed(&self, request: &Request) -> SignedRequest {
        self.signed_text(request.to_text())
    }

    /// Signs any text with the agent's key and certificates.
    pub(crate) fn signed_text(&self, text: String) -> SignedRequest {
        SignedRequest::sign(text, &self.key, self.certificates.clone()).unwrap()
    }

    /// Registers and takes up what the answer says.
    pub(crate) async fn register(&mut self, manager: &Manager, token: &str) -> Response {
        let body = self.registration(token, false);
        let request = self.request(body);
        let signed = self.signed(&request);
        let answer = manager.send(&signed).await;
        self.accept(manager, &request, &answer)
    }

    pub(crate) fn report(peak: u64) -> RequestBody {
        let end = now();
        RequestBody::Authorization(AuthorizationRequest {
            interval: Interval { start: end.checked_sub(SignedDuration::from_mins(15)).unwrap(), end },
            scheduled: true,
            usage: vec![TagUsage {
                tag: TAG.parse().unwrap(),
                peak: Quantity::new(peak).unwrap(),
                locked: None,
            }],
            families: Vec::new(),
        })
    }

    pub(crate) fn renewal(&self) -> RequestBody {
        RequestBody::IdCertificateRenewal(IdCertificateRenewalRequest {
            public_key: self.key.public_key().to_vec(),
        })
    }

    /// Sends a request and takes up its successful answer.
    pub(crate) async fn ask(&mut self, manager: &Manager, body: RequestBody) -> Response {
        let request = self.request(body);
        let answer = manager.send(&self.signed(&request)).await;
        self.accept(manager, &request, &answer)
    }

    /// Reports a peak; what the manager says of it.
    pub(crate) async fn report_ok(&mut self, manager: &Manager, peak: u64) -> Authorization {
        match self.ask(manager, Self::report(peak)).await.body {
            ResponseBody::Authorization(authorization) => authorization,
            other => panic!("{other:?}"),
        }
    }

    /// Checks a successful answer and takes it up.
    pub(crate) fn accept(&mut self, manager: &Manager, request: &Request, answer: &Answer) -> Response {
        let response = answer.signed(manager, request.request_id, request.nonce);
        assert_eq!(answer.status, 200, "{response:?}");
        assert!(response.is_success(), "{response:?}");
        let envelope = SignedResponse::from_bytes(&answer.bytes).unwrap();
        self.last_answer = Some(Sha256::of(envelope.response.as_bytes()));
        match &response.body {
            ResponseBody::Registration(registered) => {
                self.account = Some(registered.home.account_id);
                self.instance = Some(registered.product_instance_id);
                self.certificates.clone_from(&registered.certificate.certificates);
            }
            ResponseBody::IdCertificateRenewal(issued) => self.certificates.clone_from(&issued.certificates),
            _ => {}
        }
        response
    }
}

impl Answer {
    /// The answer's text, once its signature, chain, id and nonce are checked.
    pub(crate) fn signed(&self, manager: &Manager, request: RequestId, nonce: Nonce) -> Response {
        assert_eq!(self.content_type, "application/json", "{}", String::from_utf8_lossy(&self.bytes));
        let envelope = SignedResponse::from_bytes(&self.bytes).unwrap();
        let anchors = Anchors::new([manager.root.clone()]).unwrap();
        anchors.verify(&envelope.signature.certificates, Purpose::Manager, now()).unwrap();
        let (_, leaf) = x509_parser::parse_x509_certificate(&envelope.signature.certificates[0]).unwrap();
        let key = leaf.public_key().raw;
        let signature = &envelope.signature;
        P256Verifier
            .verify(&signature.algorithm, key, envelope.response.as_bytes(), &signature.value)
            .unwrap();
        let response = Response::from_text(&envelope.response).unwrap();
        assert_eq!((response.request_id, response.nonce), (request, nonce));
        response
    }

    /// The code of a signed refusal, whose HTTP status is the documented one.
    pub(crate) fn refusal(&self, manager: &Manager, request: RequestId, nonce: Nonce) -> ProblemCode {
        let response = self.signed(manager, request, nonce);
        let ResponseBody::Refusal(refusal) = response.body else { panic!("{response:?}") };
        assert_eq!(self.status, refusal.code.http_status());
        assert!(!refusal.message.is_empty() && !refusal.action.is_empty());
        refusal.code
    }

    /// The code of an unsigned `application/problem+json`.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.content_type, "application/problem+json");
        let problem: serde_json::Value = serde_json::from_slice(&self.bytes).unwrap();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], format!("urn:seatpool:problem:{}", problem["code"].as_str().unwrap()));
        assert!(["title", "detail", "action"].iter().all(|field| problem[field].is_string()));
        problem["code"].as_str().unwrap().to_owned()
    }
}

impl Manager {
    pub(crate) async fn send(&self, request: &SignedRequest) -> Answer {
        self.send_bytes("/licservice/license", "application/json", request.to_bytes()).await
    }

    pub(crate) async fn send_bytes(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        self.try_send(path, content_type, body).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Answer, reqwest::Error> {
        let response = self
            .http
            .post(format!("{}{path}", self.url))
            .header("content-type", content_type)
            .body(body)
            .send()
            .await?;
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        Ok(Answer {
            status: response.status().as_u16(),
            content_type: header("content-type").unwrap_or_default(),
            retry_after: header("retry-after").map(|seconds| seconds.parse().unwrap()),
            bytes: response.bytes().await?.to_vec(),
        })
    }
}

/// A time a few moments from another.
pub(crate) fn later(than: Timestamp, seconds: i64) -> Timestamp {
    than.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}
