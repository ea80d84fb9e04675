//! Registering, reporting and leaving, through `license` and the daemon, at a scripted manager.

use seatpool_proto::{ProblemCode, RequestBody};

use crate::daemon::Place;
use crate::proxy::Tinyproxy;
use crate::scripted::{Misissue, Scripted};

#[test]
fn an_instance_registers_reports_renews_and_leaves() {
    let world = Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let mut daemon = place.start();
    let said = place.says("smart register idtoken token-1");
    assert_eq!(said, "Registration succeeded.\n  Smart Account: Example\n  Virtual Account: Default\n");
    daemon.log("%SMART_LIC-6-AGENT_REG_SUCCESS");
    let all = place.says("show all");
    for line in
        ["  Status: REGISTERED", "  Smart Account: Example", "  Export-Controlled Functionality: ALLOWED"]
    {
        assert!(all.lines().any(|l| l == line), "{line}\n{all}");
    }
    assert!(place.says("smart renew auth").contains("Authorization renewal succeeded."));
    assert!(place.says("smart renew ID").contains("Registration renewal succeeded."));
    assert!(place.says("smart update usage").contains("succeeded"));
    assert!(place.fails("smart register idtoken token-1").contains("registered already"));
    assert!(place.says("smart register idtoken token-2 force").contains("succeeded"));
    assert_eq!(place.says("smart deregister"), "Deregistration succeeded.\n");
    daemon.log("%SMART_LIC-6-AGENT_DEREG_SUCCESS");
    let kinds = world.kinds();
    for kind in ["registration", "authorization", "id-certificate-renewal", "deregistration"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert!(place.fails("smart deregister").contains("not registered"));
}

#[test]
fn a_registration_survives_a_kill_and_its_key_is_the_owners_alone() {
    let world = Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let daemon = place.start();
    place.says("smart register idtoken token-1");
    daemon.kill();
    let _daemon = place.start();
    assert!(place.says("show summary").contains("  Status: REGISTERED\n"));
    assert!(place.says("smart renew auth").contains("succeeded"));
    let keys: Vec<_> = std::fs::read_dir(place.path("state/keys")).unwrap().collect();
    assert_eq!(keys.len(), 1);
    for entry in keys {
        assert_eq!(crate::daemon::mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_refusal_and_a_manager_that_is_away_are_told_by_their_causes() {
    let world = Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let _daemon = place.start();
    world.refuse(ProblemCode::TokenExpired);
    let said = place.fails("smart register idtoken token-1");
    assert!(said.contains("The registration token has expired."), "{said}");
    let shown = place.says("show status");
    assert!(shown.contains("    Failure reason: "), "{shown}");

    world.accept();
    place.says("smart register idtoken token-2");
    world.manager.answer_by(|_| crate::manager::Answer::new(502, ""));
    let said = place.says("smart deregister");
    assert!(said.starts_with("Deregistered here only. "), "{said}");
    assert!(said.contains("Remove the product instance"), "{said}");
    assert!(said.contains("\"Example\"") && said.contains("\"Default\""), "{said}");
}

#[test]
fn the_wrong_name_in_the_url_is_told_with_both_names() {
    let world = Scripted::start();
    let url = format!("https://127.0.0.1:{}/", world.manager.port());
    let place = Place::new(&world.vendor, &url);
    let mut daemon = place.start();
    let said = place.fails("smart register idtoken token-1");
    assert!(said.contains("the certificate is for localhost, and the URL says 127.0.0.1"), "{said}");
    assert!(said.contains("It is tried again on "), "{said}");
    // Another URL is tried at once, with the token that was given.
    let url = world.url();
    let said = place.says(&format!("smart url {url}"));
    assert_eq!(said, format!("Transport: {url}, without proxy\n"));
    daemon.log("%SMART_LIC-6-AGENT_REG_SUCCESS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_with_credentials_is_set_from_the_command_line() {
    let world = Scripted::start();
    let proxy = Tinyproxy::start("BasicAuth seat pool").await;
    tokio::task::spawn_blocking(move || {
        let place = Place::new(&world.vendor, &world.url());
        let mut daemon = place.start();
        let (host, port) = (proxy.address.ip(), proxy.address.port());
        assert!(place.fails("smart proxy port 1").contains("set its address first"));
        place.says(&format!("smart proxy address {host}"));
        let said = place.says(&format!("smart proxy port {port}"));
        assert_eq!(said, format!("Transport: {}, through the proxy {host} port {port}\n", world.url()));
        let said = place.fails("smart register idtoken token-1");
        assert!(said.contains("asks for a user name and password (407)"), "{said}");
        assert!(place.license_with("smart proxy user seat", "pool\n").status.success());
        daemon.log("%SMART_LIC-6-AGENT_REG_SUCCESS");
        let shown = place.says("show status --json");
        assert!(shown.contains("\"seat\"") && !shown.contains("pool\""), "{shown}");
        assert!(place.says("smart no proxy").contains("without proxy"));
    })
    .await
    .unwrap();
}

#[test]
fn privacy_withholds_what_it_names() {
    let world = Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let _daemon = place.start();
    let sent = || {
        let asked = world.asked.lock().unwrap();
        match &asked.last().unwrap().body {
            RequestBody::Registration(r) => (r.host_name.clone(), r.product.version.is_some()),
            other => panic!("{other:?}"),
        }
    };
    place.says("smart privacy hostname");
    place.says("smart privacy version");
    place.says("smart register idtoken token-1");
    let first = world.asked.lock().unwrap().first().unwrap().body.clone();
    let RequestBody::Registration(first) = first else { panic!("{first:?}") };
    assert_eq!((first.host_name, first.product.version), (None, None));
    place.says("smart deregister");
    place.says("smart no privacy hostname");
    world.asked.lock().unwrap().clear();
    // The first report follows the registration; refused, it leaves the registration as the last one accepted.
    place.says("smart register idtoken token-1");
    world.asked.lock().unwrap().truncate(1);
    assert_eq!(sent(), (Some("ccx-1".into()), false));
}

#[test]
fn a_certificate_that_was_not_asked_for_is_no_registration() {
    for (fault, told) in Misissue::FAULTS {
        let world = Scripted::start();
        let place = Place::new(&world.vendor, &world.url());
        let mut daemon = place.start();
        world.issue(fault);
        let said = place.fails("smart register idtoken token-1");
        assert!(said.contains("the answer can't be used: ") && said.contains(told), "{fault:?}: {said}");
        assert!(!place.says("show summary").contains("Status: REGISTERED\n"), "{fault:?}");
        // Another address is tried at once, with the same request.
        world.accept();
        place.says(&format!("smart url {}", world.url()));
        daemon.log("%SMART_LIC-6-AGENT_REG_SUCCESS");
    }
}

#[test]
fn a_renewed_certificate_that_was_not_asked_for_leaves_the_present_one() {
    let world = Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let _daemon = place.start();
    place.says("smart register idtoken token-1");
    for (fault, told) in Misissue::FAULTS {
        world.issue(fault);
        let said = place.fails("smart renew ID");
        assert!(said.contains(told), "{fault:?}: {said}");
        assert!(place.says("show summary").contains("  Status: REGISTERED"), "{fault:?}");
        world.accept();
        assert!(place.says("smart renew ID").contains("succeeded"), "{fault:?}");
    }
}
