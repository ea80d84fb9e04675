//! A manager that accepts every request of an agent, and remembers what was asked.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::message::{
    Authorization, AuthorizationStatus, Deregistered, ExportAuthorized, ExportReturned, Home,
    IssuedCertificate, Refusal, Registered, TagAnswer, TagStatus,
};
use seatpool_proto::{
    AccountId, ProblemCode, ProductInstanceId, Quantity, Request, RequestBody, Response, ResponseBody,
    SignedRequest, Signer as _,
};

use crate::manager::{Answer, Manager};
use crate::vendor::{Issued, Vendor, YEAR};

/// What is wrong with the certificates that are issued.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misissue {
    Nothing,
    OtherKey,
    OtherInstance,
    OtherUse,
    NoCertificate,
}

impl Misissue {
    /// Every fault, with a piece of what is told of it.
    pub(crate) const FAULTS: [(Self, &str); 4] = [
        (Self::OtherKey, "is for another key"),
        (Self::OtherInstance, "is for the product instance 00000000-0000-0000-0000-000000000003"),
        (Self::OtherUse, "does not follow the ID-certificate profile"),
        (Self::NoCertificate, "holds no certificate"),
    ];
}

pub(crate) struct Scripted {
    pub(crate) vendor: Arc<Vendor>,
    pub(crate) manager: Manager,
    pub(crate) asked: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    pub(crate) fn start() -> Self {
        let vendor = Arc::new(Vendor::demonstration());
        let tls = vendor.tls(&["localhost"], YEAR);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let manager =
            Manager::start(&tls, accepts(Arc::clone(&vendor), Arc::clone(&asked), Misissue::Nothing));
        Self { vendor, manager, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/licservice/license", self.manager.port())
    }

    /// Refuses everything from here on, signed.
    pub(crate) fn refuse(&self, code: ProblemCode) {
        let signing = self.vendor.signing(YEAR);
        self.manager.answer_by(move |body| {
            let request = read(body);
            let refusal = ResponseBody::Refusal(Refusal::new(code, ""));
            Answer::new(code.http_status(), signing.answer(&response(&request, refusal)))
        });
    }

    /// Accepts everything from here on.
    pub(crate) fn accept(&self) {
        self.issue(Misissue::Nothing);
    }

    /// Accepts everything from here on, and issues certificates with that fault.
    pub(crate) fn issue(&self, fault: Misissue) {
        self.manager.answer_by(accepts(Arc::clone(&self.vendor), Arc::clone(&self.asked), fault));
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().iter().map(|request| request.body.kind()).collect()
    }
}

fn read(body: &[u8]) -> Request {
    Request::from_text(&SignedRequest::from_bytes(body).unwrap().request).unwrap()
}

fn now() -> Timestamp {
    seatpool_agentd::clock::Clock::real().now()
}

fn response(request: &Request, body: ResponseBody) -> Response {
    Response {
        version: 1,
        request_id: request.request_id,
        nonce: request.nonce,
        signed_at: now(),
        sequence: request.sequence,
        body,
    }
}

fn accepts(
    vendor: Arc<Vendor>,
    asked: Arc<Mutex<Vec<Request>>>,
    fault: Misissue,
) -> impl Fn(&[u8]) -> Answer + Send + Sync + 'static {
    let signing = vendor.signing(YEAR);
    move |body| {
        let request = read(body);
        let answer = answer(&vendor, &signing, &request, fault);
        asked.lock().unwrap().push(request);
        answer
    }
}

fn answer(vendor: &Vendor, signing: &Issued, request: &Request, fault: Misissue) -> Answer {
    let days = |days: i64| now() + SignedDuration::from_hours(24 * days);
    let home = || Home {
        account_id: AccountId(uuid::Uuid::from_u128(1)),
        smart_account: "Example".into(),
        virtual_account: "Default".into(),
    };
    let product_instance_id = ProductInstanceId(uuid::Uuid::from_u128(2));
    let certificate = |id, public_key: &[u8]| vendor.id_certificate(id, "Contact Centre", public_key, YEAR);
    let issue = |public_key: &[u8]| IssuedCertificate {
        certificates: match fault {
            Misissue::Nothing => certificate(product_instance_id, public_key),
            Misissue::OtherKey => certificate(product_instance_id, signing.key.public_key()),
            Misissue::OtherInstance => certificate(ProductInstanceId(uuid::Uuid::from_u128(3)), public_key),
            Misissue::OtherUse => signing.chain.clone(),
            Misissue::NoCertificate => Vec::new(),
        },
        renew_at: days(180),
        expires_at: days(364),
    };
    let body = match &request.body {
        RequestBody::Registration(registration) => ResponseBody::Registration(Registered {
            product_instance_id,
            home: home(),
            export_controlled: true,
            certificate: issue(&registration.public_key),
        }),
        RequestBody::Authorization(report) => ResponseBody::Authorization(Authorization {
            status: AuthorizationStatus::Authorized,
            authorized_until: days(90),
            renew_at: days(30),
            tags: report
                .usage
                .iter()
                .map(|usage| TagAnswer {
                    tag: usage.tag.clone(),
                    status: TagStatus::InCompliance,
                    owned: Quantity::of(100),
                    in_use: usage.peak,
                    short: Quantity::ZERO,
                    explanation: None,
                })
                .collect(),
            home: home(),
            exports_ended: Vec::new(),
            exports: Vec::new(),
        }),
        RequestBody::AuthorizationRenewal {} => ResponseBody::Authorization(Authorization {
            status: AuthorizationStatus::NoLicensesInUse,
            authorized_until: days(90),
            renew_at: days(30),
            tags: Vec::new(),
            home: home(),
            exports_ended: Vec::new(),
            exports: Vec::new(),
        }),
        RequestBody::IdCertificateRenewal(renewal) => {
            ResponseBody::IdCertificateRenewal(issue(&renewal.public_key))
        }
        RequestBody::ExportRequest(asked) => ResponseBody::ExportRequest(ExportAuthorized {
            feature: asked.feature.clone(),
            tag: asked.tag.clone(),
            authorization_key: "EXPORT-1".to_owned(),
            authorized_until: None,
        }),
        RequestBody::ExportReturn(asked) => ResponseBody::ExportReturn(ExportReturned {
            feature: asked.feature.clone(),
            tag: asked.tag.clone(),
        }),
        RequestBody::Deregistration {} => ResponseBody::Deregistration(Deregistered { product_instance_id }),
    };
    Answer::new(200, signing.answer(&response(request, body)))
}
