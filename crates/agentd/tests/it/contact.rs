//! Every cause of a failed contact, by name, over real sockets.

use core::time::Duration;

use jiff::{SignedDuration, Timestamp};
use seatpool_agentd::transport::{
    Destination, Failure, Instants, Proxy, Stage, Timeouts, Trust, Verified, contact,
};
use seatpool_proto::message::Refusal;
use seatpool_proto::{Nonce, ProblemCode, RequestId, Response, ResponseBody};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::manager::{Answer, Manager};
use crate::proxy::Tinyproxy;
use crate::vendor::{Days, Issued, Vendor, YEAR};

fn now() -> Timestamp {
    seatpool_agentd::clock::Clock::real().now()
}

fn present() -> Instants {
    Instants { local: now(), estimate: now() }
}

fn response() -> Response {
    Response {
        version: 1,
        request_id: RequestId(uuid::Uuid::nil()),
        nonce: Nonce([7; 16]),
        signed_at: now(),
        sequence: 3,
        body: ResponseBody::Refusal(Refusal::new(ProblemCode::TokenExpired, "")),
    }
}

async fn ask(url: &str, proxy: Option<&Proxy>, trust: &Trust) -> Result<Verified, Failure> {
    ask_at(url, proxy, trust, present()).await
}

async fn ask_at(
    url: &str,
    proxy: Option<&Proxy>,
    trust: &Trust,
    instants: Instants,
) -> Result<Verified, Failure> {
    let limit = Duration::from_secs(20);
    let timeouts = Timeouts { resolve: limit, connect: limit, proxy: limit, tls: limit, answer: limit };
    contact(&Destination::parse(url)?, proxy, b"{}".to_vec(), trust, instants, &timeouts).await
}

fn signs(signing: Issued) -> impl Fn(&[u8]) -> Answer + Send + Sync {
    move |_| Answer::new(403, signing.answer(&response()))
}

/// A manager in order, at `localhost`, 127.0.0.1 and ::1.
fn manager(vendor: &Vendor) -> Manager {
    Manager::start(&vendor.tls(&["localhost", "127.0.0.1", "::1"], YEAR), signs(vendor.signing(YEAR)))
}

fn url(manager: &Manager) -> String {
    format!("https://localhost:{}/licservice/license", manager.port())
}

#[tokio::test]
async fn a_signed_refusal_is_an_answer_and_no_failure() {
    let vendor = Vendor::demonstration();
    let manager = manager(&vendor);
    let answer = ask(&url(&manager), None, &vendor.trust()).await.unwrap();
    assert!(matches!(answer.response.body, ResponseBody::Refusal(_)));
    assert_eq!(answer.text_hash, seatpool_proto::Sha256::of(answer.response.to_text()));
}

#[tokio::test]
async fn ipv6_works_like_ipv4() {
    let vendor = Vendor::demonstration();
    let tls = vendor.tls(&["::1"], YEAR);
    let manager = Manager::start_at("[::1]:0", &tls, signs(vendor.signing(YEAR)));
    ask(&format!("https://[::1]:{}/", manager.port()), None, &vendor.trust()).await.unwrap();
}

#[tokio::test]
async fn a_name_without_address_is_told_as_such() {
    let failure = ask("https://manager.invalid/", None, &Vendor::demonstration().trust()).await.unwrap_err();
    assert!(matches!(&failure, Failure::Name { host, .. } if host == "manager.invalid"), "{failure}");
}

#[tokio::test]
async fn a_refused_connection_names_the_address_that_was_tried() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failure =
        ask(&format!("https://{closed}/"), None, &Vendor::demonstration().trust()).await.unwrap_err();
    let Failure::Connect { attempts, port, .. } = &failure else { panic!("{failure}") };
    assert_eq!(*port, closed.port());
    assert!(attempts.contains(&closed.to_string()) && attempts.contains("refused"), "{attempts}");
}

#[tokio::test]
async fn plain_http_is_refused_with_words() {
    let failure = ask("http://localhost:1/", None, &Vendor::demonstration().trust()).await.unwrap_err();
    assert!(failure.to_string().contains("over TLS only"), "{failure}");
}

#[tokio::test]
async fn a_wrong_tls_name_is_told_with_both_names() {
    let vendor = Vendor::demonstration();
    let tls = vendor.tls(&["manager.example", "10.0.0.1"], YEAR);
    let manager = Manager::start(&tls, signs(vendor.signing(YEAR)));
    let failure = ask(&url(&manager), None, &vendor.trust()).await.unwrap_err();
    let expect =
        Failure::TlsName { wanted: "localhost".into(), presented: "manager.example, 10.0.0.1".into() };
    assert_eq!(failure, expect);
}

#[tokio::test]
async fn an_untrusted_tls_issuer_is_named() {
    let (vendor, other) = (Vendor::demonstration(), Vendor::new("Somebody Else", false));
    let manager = Manager::start(&other.tls(&["localhost"], YEAR), signs(vendor.signing(YEAR)));
    let failure = ask(&url(&manager), None, &vendor.trust()).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::TlsTrust { issuer } if issuer.contains("Somebody Else")),
        "{failure}"
    );
    let said = failure.to_string();
    assert!(
        said.contains("vendor's root, add it to trust_anchors") && said.contains("tls_anchors"),
        "{said}"
    );
}

#[tokio::test]
async fn a_tls_certificate_out_of_its_time_names_the_clock() {
    let vendor = Vendor::demonstration();
    for (days, word) in [(Days(-30, -2), "ended on"), (Days(2, 30), "begins only on")] {
        let manager = Manager::start(&vendor.tls(&["localhost"], days), signs(vendor.signing(YEAR)));
        let failure = ask(&url(&manager), None, &vendor.trust()).await.unwrap_err();
        assert!(matches!(&failure, Failure::TlsTime { what, .. } if what.starts_with(word)), "{failure}");
        assert!(failure.to_string().contains("correct the clock"), "{failure}");
    }
}

#[tokio::test]
async fn an_estimate_from_the_far_future_or_a_clock_set_back_does_not_lock_out_the_answer() {
    let vendor = Vendor::demonstration();
    let manager = manager(&vendor);
    let far = now() + SignedDuration::from_hours(24 * 365 * 12);
    let back = now() - SignedDuration::from_hours(24 * 365 * 12);
    let poisoned = Instants { local: now(), estimate: far };
    let set_back = Instants { local: back, estimate: now() };
    for instants in [poisoned, set_back] {
        ask_at(&url(&manager), None, &vendor.trust(), instants).await.unwrap();
    }
    let lost = ask_at(&url(&manager), None, &vendor.trust(), Instants { local: far, estimate: far }).await;
    assert!(matches!(lost, Err(Failure::TlsTime { .. })), "{lost:?}");
}

#[tokio::test]
async fn something_that_speaks_no_tls_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let failure =
        ask(&format!("https://{address}/"), None, &Vendor::demonstration().trust()).await.unwrap_err();
    assert!(matches!(failure, Failure::Tls { .. }), "{failure}");
    assert!(failure.to_string().ends_with("this port does not speak TLS: check the port"), "{failure}");
    server.await.unwrap();
}

#[tokio::test]
async fn http_statuses_and_what_is_no_answer_are_told_apart() {
    let vendor = Vendor::demonstration();
    let manager = manager(&vendor);
    let trust = vendor.trust();

    manager.answer_by(|_| Answer::new(502, "<html>Bad gateway</html>"));
    let failure = ask(&url(&manager), None, &trust).await.unwrap_err();
    assert_eq!(failure, Failure::Http { status: 502, code: None, detail: Some("Bad Gateway".into()) });

    manager.answer_by(|_| Answer::new(404, "<html>no such page</html>"));
    let port = manager.port();
    let failure = ask(&format!("https://localhost:{port}/licences"), None, &trust).await.unwrap_err();
    let words = format!("404: the URL's path is not a manager's; use https://localhost:{port}");
    assert_eq!(failure.to_string(), words);
    let failure = ask(&format!("https://localhost:{port}"), None, &trust).await.unwrap_err();
    assert_eq!(failure.to_string(), "404: Not Found");

    manager.answer_by(|_| Answer {
        headers: vec![("retry-after", "7".into())],
        ..Answer::new(503, r#"{"code":"unavailable","detail":"disk full","action":"wait"}"#)
    });
    let failure = ask(&url(&manager), None, &trust).await.unwrap_err();
    let detail = Some("disk full wait; try again in 7 s".into());
    assert_eq!(failure, Failure::Http { status: 503, code: Some(ProblemCode::Unavailable), detail });

    manager.answer_by(|_| Answer::new(200, "<html>Welcome to the hotel's network</html>"));
    let failure = ask(&url(&manager), None, &trust).await.unwrap_err();
    assert!(matches!(failure, Failure::NotAnAnswer { .. }), "{failure}");

    manager.answer_by(|_| Answer::new(200, vec![b'x'; 65 * 1024]));
    let failure = ask(&url(&manager), None, &trust).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge { limit: 65_536 });
}

#[tokio::test]
async fn a_bad_signature_and_a_foreign_signer_are_refused() {
    let (vendor, other) = (Vendor::demonstration(), Vendor::new("Somebody Else", false));
    let manager = manager(&vendor);
    let trust = vendor.trust();

    let signing = vendor.signing(YEAR);
    manager.answer_by(move |_| {
        let text = String::from_utf8(signing.answer(&response())).unwrap();
        Answer::new(200, text.replace("\\\"sequence\\\":3", "\\\"sequence\\\":4"))
    });
    let failure = ask(&url(&manager), None, &trust).await.unwrap_err();
    assert!(failure.to_string().contains("does not match"), "{failure}");

    manager.answer_by(signs(other.signing(YEAR)));
    let failure = ask(&url(&manager), None, &trust).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Signature { reason } if reason.contains("trusted root")),
        "{failure}"
    );

    // A TLS certificate of the same vendor signs no answers.
    manager.answer_by(signs(vendor.tls(&["localhost"], YEAR)));
    let failure = ask(&url(&manager), None, &trust).await.unwrap_err();
    assert!(matches!(failure, Failure::Signature { .. }), "{failure}");
}

#[tokio::test]
async fn a_signing_certificate_out_of_its_time_names_the_clock() {
    let vendor = Vendor::demonstration();
    let manager = manager(&vendor);
    for (days, word) in [(Days(-30, -2), "has ended"), (Days(2, 30), "is not valid yet")] {
        manager.answer_by(signs(vendor.signing(days)));
        let failure = ask(&url(&manager), None, &vendor.trust()).await.unwrap_err();
        assert!(matches!(&failure, Failure::Clock { what, .. } if *what == word), "{failure}");
    }
}

#[tokio::test]
async fn each_stage_has_its_own_time_limit() {
    let vendor = Vendor::demonstration();
    // Accepts, and says nothing more.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let short = Duration::from_millis(200);
    let long = Duration::from_secs(20);
    let timeouts = Timeouts { resolve: long, connect: long, proxy: short, tls: short, answer: short };
    let proxy = Proxy { host: "127.0.0.1".into(), port: address.port(), credentials: None };
    let destination = Destination::parse(&format!("https://{address}/")).unwrap();
    let trust = vendor.trust();
    let stage = async |proxy: Option<&Proxy>| match contact(
        &destination,
        proxy,
        Vec::new(),
        &trust,
        present(),
        &timeouts,
    )
    .await
    {
        Err(Failure::Timeout { stage, .. }) => stage,
        other => panic!("{other:?}"),
    };
    assert_eq!(stage(None).await, Stage::Tls);
    assert_eq!(stage(Some(&proxy)).await, Stage::Proxy);

    let manager = manager(&vendor);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    manager.answer_by(move |_| {
        let _ = held.lock().unwrap().recv();
        Answer::new(200, "")
    });
    let destination = Destination::parse(&url(&manager)).unwrap();
    // The stages before the silent one have all the time that a busy machine needs.
    let timeouts = Timeouts { tls: long, ..timeouts };
    let failure = contact(&destination, None, Vec::new(), &trust, present(), &timeouts).await.unwrap_err();
    assert!(matches!(failure, Failure::Timeout { stage: Stage::Answer, .. }), "{failure}");
    drop(release);
}

#[tokio::test]
async fn a_proxy_without_credentials_carries_the_contact() {
    let vendor = Vendor::demonstration();
    let manager = manager(&vendor);
    let proxy = Tinyproxy::start("").await;
    ask(&url(&manager), Some(&proxy.proxy(None)), &vendor.trust()).await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_asks_for_credentials_is_told_and_served() {
    let vendor = Vendor::demonstration();
    let manager = manager(&vendor);
    let proxy = Tinyproxy::start("BasicAuth seat pool").await;
    let trust = vendor.trust();
    let check = async |credentials| ask(&url(&manager), Some(&proxy.proxy(credentials)), &trust).await;
    let failure = check(None).await.unwrap_err();
    assert!(matches!(failure, Failure::ProxyCredentials { offered: false, .. }), "{failure}");
    assert!(failure.to_string().contains("asks for a user name and password (407)"), "{failure}");
    let failure = check(Some(("seat", "wrong"))).await.unwrap_err();
    assert!(!matches!(failure, Failure::TlsTrust { .. }), "{failure}");
    assert!(failure.to_string().contains("401") || failure.to_string().contains("407"), "{failure}");
    check(Some(("seat", "pool"))).await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_refuses_the_destination_is_told_with_its_status() {
    let vendor = Vendor::demonstration();
    let manager = manager(&vendor);
    // Only port 443 may be connected to.
    let proxy = Tinyproxy::start("ConnectPort 443").await;
    let failure = ask(&url(&manager), Some(&proxy.proxy(None)), &vendor.trust()).await.unwrap_err();
    let Failure::ProxyRefused { status, target, .. } = &failure else { panic!("{failure}") };
    assert_eq!((*status, target.as_str()), (403, format!("localhost:{}", manager.port()).as_str()));
}

#[tokio::test]
async fn behind_a_proxy_the_managers_name_is_the_proxys_to_resolve() {
    let vendor = Vendor::demonstration();
    let proxy = Tinyproxy::start("").await;
    // This machine can't resolve the name either, yet it is the proxy that says so.
    let failure =
        ask("https://manager.invalid/", Some(&proxy.proxy(None)), &vendor.trust()).await.unwrap_err();
    assert!(matches!(failure, Failure::ProxyRefused { .. }), "{failure}");
}

#[tokio::test]
async fn what_is_no_proxy_is_told_as_such() {
    let vendor = Vendor::demonstration();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let proxy = Proxy { host: "127.0.0.1".into(), port, credentials: None };
    let failure = ask("https://manager.invalid/", Some(&proxy), &vendor.trust()).await.unwrap_err();
    assert!(matches!(failure, Failure::ProxyProtocol { .. }), "{failure}");
    server.await.unwrap();
}
