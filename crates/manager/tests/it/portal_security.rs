//! What others may try with the portal: forged forms, foreign hosts, planted sessions. Its routes are listed here.

use crate::support::scene::contact_centre;
use crate::support::{ALICE, Visitor, World};

/// Every route of the portal: method, and path as the router has it.
pub(crate) const ROUTES: &[(&str, &str)] = &[
    ("GET", "/portal"),
    ("GET", "/portal/{domain}"),
    ("GET", "/portal/{domain}/activity"),
    ("GET", "/portal/{domain}/alerts"),
    ("POST", "/portal/{domain}/alerts/dismiss"),
    ("POST", "/portal/{domain}/alerts/restore"),
    ("GET", "/portal/{domain}/reports"),
    ("GET", "/portal/{domain}/reports/usage.csv"),
    ("GET", "/portal/{domain}/reports/lots"),
    ("GET", "/smart-accounts"),
    ("GET", "/smart-accounts/new"),
    ("POST", "/smart-accounts/new"),
    ("GET", "/portal/{domain}/smart-account"),
    ("POST", "/portal/{domain}/smart-account"),
    ("GET", "/portal/{domain}/virtual-accounts/new"),
    ("POST", "/portal/{domain}/virtual-accounts/new"),
    ("GET", "/portal/{domain}/va/{va}/general"),
    ("GET", "/portal/{domain}/va/{va}/edit"),
    ("POST", "/portal/{domain}/va/{va}/edit"),
    ("GET", "/portal/{domain}/va/{va}/delete"),
    ("POST", "/portal/{domain}/va/{va}/delete"),
    ("POST", "/portal/{domain}/va/{va}/tokens"),
    ("GET", "/portal/{domain}/va/{va}/tokens/new"),
    ("GET", "/portal/{domain}/va/{va}/tokens/{token}"),
    ("GET", "/portal/{domain}/va/{va}/tokens/{token}/revoke"),
    ("POST", "/portal/{domain}/va/{va}/tokens/{token}/revoke"),
    ("GET", "/portal/{domain}/va/{va}/licenses"),
    ("GET", "/portal/{domain}/va/{va}/licenses/{tag}"),
    ("GET", "/portal/{domain}/va/{va}/licenses/{tag}/instances"),
    ("GET", "/portal/{domain}/va/{va}/licenses/{tag}/events"),
    ("GET", "/portal/{domain}/va/{va}/licenses/{tag}/orders"),
    ("GET", "/portal/{domain}/va/{va}/licenses/{tag}/mend"),
    ("POST", "/portal/{domain}/va/{va}/licenses/{tag}/mend"),
    ("GET", "/portal/{domain}/va/{va}/licenses/{tag}/transfer"),
    ("POST", "/portal/{domain}/va/{va}/licenses/{tag}/transfer"),
    ("GET", "/portal/{domain}/va/{va}/instances"),
    ("GET", "/portal/{domain}/va/{va}/instances/selected"),
    ("POST", "/portal/{domain}/va/{va}/instances/selected"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/transfer"),
    ("POST", "/portal/{domain}/va/{va}/instances/{instance}/transfer"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/remove"),
    ("POST", "/portal/{domain}/va/{va}/instances/{instance}/remove"),
    ("GET", "/portal/{domain}/reservations"),
    ("GET", "/portal/{domain}/va/{va}/reservations/new"),
    ("POST", "/portal/{domain}/va/{va}/reservations/new"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/reservation"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/reservation/authorization-code.txt"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/reservation/pictures/{part}"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/reservation/update"),
    ("POST", "/portal/{domain}/va/{va}/instances/{instance}/reservation/update"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/reservation/confirm"),
    ("POST", "/portal/{domain}/va/{va}/instances/{instance}/reservation/confirm"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/reservation/return"),
    ("POST", "/portal/{domain}/va/{va}/instances/{instance}/reservation/return"),
    ("GET", "/portal/{domain}/va/{va}/instances/{instance}/reservation/rehost"),
    ("POST", "/portal/{domain}/va/{va}/instances/{instance}/reservation/rehost"),
    ("GET", "/portal/{domain}/va/{va}/events"),
    ("GET", "/portal/{domain}/orders/new"),
    ("POST", "/portal/{domain}/orders/new"),
    ("GET", "/portal/{domain}/declarations/new"),
    ("POST", "/portal/{domain}/declarations/new"),
    ("GET", "/portal/{domain}/lots/{lot}/renew"),
    ("POST", "/portal/{domain}/lots/{lot}/renew"),
    ("GET", "/portal/{domain}/lots/{lot}/cancel"),
    ("POST", "/portal/{domain}/lots/{lot}/cancel"),
    ("GET", "/portal/{domain}/lots/{lot}/confirm"),
    ("POST", "/portal/{domain}/lots/{lot}/confirm"),
    ("GET", "/portal/{domain}/lots/{lot}/reject"),
    ("POST", "/portal/{domain}/lots/{lot}/reject"),
    ("GET", "/preferences"),
    ("POST", "/preferences/time-zone"),
    ("POST", "/appearance"),
    ("POST", "/inventory-alerts"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/welcome/{link}"),
    ("POST", "/welcome/{link}"),
    ("GET", "/portal/{domain}/account/users"),
    ("POST", "/portal/{domain}/account/users"),
    ("GET", "/portal/{domain}/account/users/new"),
    ("GET", "/portal/{domain}/account/users/{user}"),
    ("POST", "/portal/{domain}/account/users/{user}"),
    ("GET", "/portal/{domain}/account/users/{user}/reset-password"),
    ("POST", "/portal/{domain}/account/users/{user}/reset-password"),
    ("GET", "/portal/{domain}/account/users/{user}/{deed}"),
    ("POST", "/portal/{domain}/account/users/{user}/{deed}"),
    ("POST", "/portal/{domain}/account/rules"),
    ("GET", "/portal/{domain}/account/clients"),
    ("POST", "/portal/{domain}/account/clients"),
    ("GET", "/portal/{domain}/account/clients/new"),
    ("GET", "/portal/{domain}/account/clients/{client}/rotate"),
    ("POST", "/portal/{domain}/account/clients/{client}/rotate"),
    ("GET", "/portal/{domain}/account/clients/{client}/delete"),
    ("POST", "/portal/{domain}/account/clients/{client}/delete"),
    ("GET", "/preferences/security"),
    ("POST", "/preferences/security/password"),
    ("GET", "/preferences/security/second-factor"),
    ("POST", "/preferences/security/second-factor"),
    ("POST", "/preferences/security/second-factor/off"),
    ("POST", "/preferences/security/recovery-codes"),
    ("POST", "/preferences/security/sessions/{session}/end"),
    ("POST", "/preferences/security/sessions/end-others"),
    ("GET", "/sign-in/code"),
    ("POST", "/sign-in/code"),
    ("GET", "/sign-in/new-password"),
    ("POST", "/sign-in/new-password"),
    ("GET", "/sign-in/second-factor"),
    ("POST", "/sign-in/second-factor"),
    ("GET", "/sign-in/oidc"),
    ("GET", "/sign-in/oidc/callback"),
    ("POST", "/sign-out"),
];

#[tokio::test]
async fn no_route_takes_a_form_that_no_page_of_the_session_made() {
    let world = World::new().await;
    let token = world.token().await;
    world.order(100).await;
    let manager = world.start();
    let agent = contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 3)]).await;
    let instance = agent.instance.unwrap().to_string();
    let default = world.default.to_string();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let csrf = visitor.get("/preferences").await.csrf();
    for (_, path) in ROUTES.iter().filter(|(method, _)| *method == "POST") {
        let to = path
            .replace("{domain}", "example.com")
            .replace("{va}", &default)
            .replace("{token}", &token.id.to_string())
            .replace("{tag}", "CCX_PREMIUM")
            .replace("{instance}", &instance)
            .replace("{lot}", "01890000-0000-7000-8000-000000000000")
            .replace("{user}", "nobody")
            .replace("{deed}", "disable")
            .replace("{client}", "none")
            .replace("{session}", "none")
            .replace("{link}", "none");
        for (fields, headers) in [
            (vec![], vec![]),
            (vec![("csrf", "")], vec![]),
            (vec![("csrf", "a-guess-that-is-wrong-but-long-enough")], vec![]),
            (vec![("csrf", csrf.as_str())], vec![("sec-fetch-site", "cross-site")]),
            (vec![("csrf", csrf.as_str())], vec![("sec-fetch-site", "same-site")]),
        ] {
            let page = visitor.post_with(&to, &fields, &headers).await;
            assert_eq!(page.status, 403, "{to} with {fields:?} {headers:?}");
            assert!(page.set_cookies().is_empty(), "{to}");
        }
        // Nor by a link: what changes something is never a GET.
        let page = visitor.get(&format!("{to}?csrf={csrf}")).await;
        assert!(
            [200, 404, 405, 410].contains(&page.status) || path.starts_with("/sign-"),
            "{to}: {}",
            page.status
        );
    }
    let after = visitor.get(&world.page("general")).await;
    assert!(after.has("for tests") && after.has("Active"), "{}", after.body);
    assert!(visitor.get(&world.page("instances")).await.has("uccx-1"));
}

#[tokio::test]
async fn the_host_that_a_request_names_appears_nowhere() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let own =
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    for path in [
        "/".to_owned(),
        "/portal".into(),
        "/portal/".into(),
        "/portal/example.com".into(),
        "/preferences".into(),
        world.page("general"),
        world.page(&format!("tokens/{}", token.id)),
        world.page("nothing"),
        "//evil.example/portal".into(),
    ] {
        for header in own {
            let page = visitor.get_with(&path, &[header]).await;
            assert!(!page.has("evil.example"), "{path} with {header:?}: {}", page.body);
            let to = page.header("location");
            assert!(to.is_empty() || (to.starts_with('/') && !to.starts_with("//")), "{path}: {to}");
        }
    }
    let mut nobody = Visitor::new(&manager);
    let asked = nobody.get_with(&world.page("general"), &[("host", "evil.example")]).await;
    assert!(
        asked.header("location").starts_with("/sign-in?back=%2Fportal%2F"),
        "{}",
        asked.header("location")
    );
}

#[tokio::test]
async fn a_session_that_was_planted_before_signing_in_is_worth_nothing_after() {
    const SESSION: &str = "__Host-seatpool";
    const FORM: &str = "__Host-seatpool-form";
    let world = World::new().await;
    let manager = world.start();
    let planted = "planted-planted-planted-planted-planted-planted";
    let mut victim = Visitor::new(&manager);
    victim.cookies.insert(SESSION.into(), planted.into());
    victim.cookies.insert(FORM.into(), planted.into());
    assert_eq!(victim.sign_in(ALICE.0, ALICE.1).await.status, 303);
    assert_ne!(victim.cookies[SESSION], planted);
    let page = victim.get("/preferences").await;
    assert_eq!(page.status, 200);
    assert_ne!(page.csrf(), planted, "forms carry the session's own secret");
    let mut attacker = Visitor::new(&manager);
    attacker.cookies.insert(SESSION.into(), planted.into());
    assert_eq!(attacker.get("/preferences").await.status, 303);
    // What was planted does not let the attacker send forms in the victim's name either.
    let forged = victim.post("/preferences/time-zone", &[("csrf", planted), ("zone", "Asia/Tokyo")]).await;
    assert_eq!(forged.status, 403);
}

#[tokio::test]
async fn what_is_too_large_is_told_and_changes_nothing() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let new = "/portal/example.com/virtual-accounts/new";
    let large = "x".repeat(70_000);
    let page = visitor.submit(new, new, &[("name", "Large"), ("description", &large)]).await;
    assert_eq!(page.status, 413);
    assert!(page.has("This form is too large"), "{}", page.body);
    assert!(!visitor.get("/portal/example.com").await.has("Large"));
}
