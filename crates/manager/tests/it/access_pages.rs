//! The portal's pages about people and programs: what they do, and how they look.

use serde_json::json;

use crate::rest_support::Caller;
use crate::support::{ALICE, Browser, Manager, Visitor, World, totp};

const ACCOUNT: &str = "/portal/example.com/account";

/// Invites a person with these roles, sets the password, and signs in.
async fn somebody(world: &World, manager: &Manager, login: &str, roles: serde_json::Value) -> Visitor {
    let first = Caller::first(world, manager).await;
    let new = json!({ "login": login, "roles": roles });
    let made = first.post("/api/seatpool/v1/accounts/example.com/users", new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let link = made.json()["link"].as_str().unwrap()[manager.url.len()..].to_owned();
    let mut visitor = Visitor::new(manager);
    let password = [("new", "umbrella tramway 91"), ("again", "umbrella tramway 91")];
    assert_eq!(visitor.submit(&link, &link, &password).await.status, 303);
    visitor
}

#[tokio::test]
async fn an_administrator_invites_changes_and_deletes_in_the_portal() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (new, users) = (format!("{ACCOUNT}/users/new"), format!("{ACCOUNT}/users"));
    let page = alice.submit(&new, &users, &[("login", ""), ("name", "Dora")]).await;
    assert_eq!(page.status, 422);
    assert!(
        page.has("id=\"login-error\"") && page.has("id=\"roles-error\"") && page.has("value=\"Dora\""),
        "{}",
        page.body
    );
    let place = format!("va-{}", world.default);
    let fields = [("login", "dora"), ("name", "Dora <b>"), (place.as_str(), "user")];
    let made = alice.submit(&new, &users, &fields).await;
    assert!(made.status == 200 && made.has("/welcome/") && made.has("shown this once"), "{}", made.body);
    let page = alice.submit(&new, &users, &[("login", "dora"), ("approver", "yes")]).await;
    assert!(page.status == 422 && page.has("There already is a user named"), "{}", page.body);
    let list = alice.get(&users).await;
    assert!(
        list.has("Invited") && list.has("User of Default") && list.has("Dora &#60;b&#62;"),
        "{}",
        list.body
    );
    let user =
        list.between("<a class=\"name\" href=\"/portal/example.com/account/users/", "\">dora").map(|text| {
            let id = text.rsplit('/').next().unwrap();
            format!("{users}/{id}")
        });
    let user = user.unwrap();
    let detail = alice.get(&user).await;
    let seen = detail.between("name=\"seen_roles\" value=\"", "\"").unwrap().replace("&#34;", "\"");
    let csrf = detail.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("seen_roles", seen.as_str()),
        ("seen_name", "Dora <b>"),
        ("name", "Dora"),
        ("approver", "yes"),
    ];
    assert_eq!(alice.post(&user, &fields).await.status, 303);
    let late = [
        ("csrf", csrf.as_str()),
        ("seen_roles", seen.as_str()),
        ("seen_name", "Dora"),
        ("name", "Dora"),
        ("administrator", "yes"),
    ];
    let late = alice.post(&user, &late).await;
    assert!(late.status == 422 && late.has("Somebody else changed it meanwhile"), "{}", late.body);
    assert!(late.has("user of Default") && late.has("approver"), "the difference is shown");
    let long = "x".repeat(101);
    let again = [
        ("csrf", csrf.as_str()),
        ("seen_roles", seen.as_str()),
        ("seen_name", "Dora"),
        ("name", long.as_str()),
        ("administrator", "yes"),
    ];
    let again = alice.post(&user, &again).await;
    let kept = again.between("name=\"seen_roles\" value=\"", "\"").unwrap().replace("&#34;", "\"");
    assert!(again.status == 422 && again.has("id=\"name-error\""), "{}", again.body);
    assert_eq!(
        kept, seen,
        "what the form was made up on stays, so that the other change is not undone unseen"
    );
    let renamed = [("csrf", csrf.as_str()), ("seen_name", "Theodora"), ("name", "Thea"), ("approver", "yes")];
    let renamed = alice.post(&user, &renamed).await;
    assert!(
        renamed.status == 422 && renamed.has("id=\"name-error\"") && renamed.has("Theodora"),
        "{}",
        renamed.body
    );
    let refused = alice.submit(&user, &format!("{user}/delete"), &[]).await;
    assert_eq!(refused.status, 303, "{}", refused.body);
    assert!(alice.get(refused.header("location")).await.has("The user is deleted"));
    let own = alice
        .get(&users)
        .await
        .between("<a class=\"name\" href=\"/portal/example.com/account/users/", "\">alice")
        .unwrap();
    let own = format!("{users}/{own}");
    let refused = alice.submit(&format!("{own}/delete"), &format!("{own}/delete"), &[]).await;
    assert!(
        refused.status == 409 && refused.has("Ask another vendor operator")
            || refused.has("ask another vendor operator"),
        "{}",
        refused.body
    );

    let (new, clients) = (format!("{ACCOUNT}/clients/new"), format!("{ACCOUNT}/clients"));
    let page = alice.submit(&new, &clients, &[("name", "")]).await;
    assert!(
        page.status == 422
            && page.has("id=\"name-error\"")
            && page.has("id=\"scopes-error\"")
            && page.has("id=\"roles-error\"")
    );
    let fields = [("name", "Night job"), ("scope-read", "yes"), ("administrator", "yes")];
    let made = alice.submit(&new, &clients, &fields).await;
    let secret = made.between("<output id=\"client-secret\">", "</output>").unwrap();
    let list = alice.get(&clients).await;
    assert!(list.has("Night job") && !list.has(&secret), "{}", list.body);
}

#[tokio::test]
async fn pages_about_people_are_pictured_in_light_and_dark_wide_and_narrow() {
    let world = World::new().await;
    world.virtual_account("Contact Centre Vienna", "").await;
    world.reader().await;
    let manager = world.start();
    let _dora =
        somebody(&world, &manager, "dora@example.com", json!([{ "role": "account_administrator" }])).await;
    let first = Caller::first(&world, &manager).await;
    let carol = first.get("/api/seatpool/v1/accounts/example.com/users/carol").await.json();
    let carol = carol["id"].as_str().unwrap();
    let clients = first.get("/api/seatpool/v1/accounts/example.com/clients").await.json();
    let client = clients["items"][0]["client_id"].as_str().unwrap();
    let made = first
        .post(
            "/api/seatpool/v1/accounts/example.com/users",
            json!({ "login": "eve", "roles": [{ "role": "approver" }] }),
        )
        .await;
    let welcome = made.json()["link"].as_str().unwrap().to_owned();

    // With a real browser, a second factor is set up and used.
    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    let type_in = |id: &str, text: &str| format!("document.getElementById('{id}').value = '{text}'");
    let submit = "document.querySelector('form.form').submit()";
    browser.run(&type_in("login", ALICE.0)).await;
    browser.run(&type_in("password", ALICE.1)).await;
    browser.run(submit).await;
    browser.until("location.pathname.startsWith('/portal')").await;
    browser.open(&format!("{}/preferences/security/second-factor", manager.url)).await;
    let drawn = browser.run("const r = document.querySelector('.qr svg').getBoundingClientRect(); return r.width > 150 && r.height > 150").await;
    assert_eq!(drawn, json!(true), "the picture is drawn");
    for (theme, width) in [("light", 1400), ("dark", 390)] {
        browser.set_cookie("seatpool-appearance", theme).await;
        browser.resize(width, 900).await;
        browser.open(&format!("{}/preferences/security/second-factor", manager.url)).await;
        browser.screenshot(&format!("enrolment-{theme}-{width}")).await;
        browser.check_accessible(&format!("enrolment, {theme}, {width} px")).await;
    }
    let secret = browser.run("return document.getElementById('secret').innerText").await;
    let secret = secret.as_str().unwrap().to_owned();
    browser.run(&type_in("password", ALICE.1)).await;
    browser.run(&type_in("code", &totp::code(&secret, 0))).await;
    browser.run(submit).await;
    browser.until("document.getElementById('codes')").await;
    browser.screenshot("recovery-codes-dark-390").await;
    browser.check_accessible("recovery codes").await;
    for (theme, width) in [("light", 1400), ("light", 390), ("dark", 1400), ("dark", 390)] {
        browser.set_cookie("seatpool-appearance", theme).await;
        browser.resize(width, 900).await;
        for (name, path) in [
            ("security", "/preferences/security".to_owned()),
            ("users", format!("{ACCOUNT}/users")),
            ("user", format!("{ACCOUNT}/users/{carol}")),
            ("user-new", format!("{ACCOUNT}/users/new")),
            ("user-delete", format!("{ACCOUNT}/users/{carol}/delete")),
            ("clients", format!("{ACCOUNT}/clients")),
            ("client-new", format!("{ACCOUNT}/clients/new")),
            ("client-rotate", format!("{ACCOUNT}/clients/{client}/rotate")),
            ("welcome", welcome[manager.url.len()..].to_owned()),
        ] {
            browser.open(&format!("{}{path}", manager.url)).await;
            let picture = browser.screenshot(&format!("{name}-{theme}-{width}")).await;
            assert!(std::fs::metadata(picture).unwrap().len() > 5_000, "{name} is blank");
            for narrowest in [width, width.min(360)] {
                browser.resize(narrowest, 900).await;
                let beyond = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
                assert_eq!(beyond, json!(0), "{name} is wider than {narrowest}");
                browser.check_accessible(&format!("{name}, {theme}, {narrowest} px")).await;
            }
            browser.resize(width, 900).await;
        }
    }
    let other = Browser::start().await;
    other.open(&format!("{}/sign-in", manager.url)).await;
    other.run(&type_in("login", ALICE.0)).await;
    other.run(&type_in("password", ALICE.1)).await;
    other.run(submit).await;
    other.until("location.pathname === '/sign-in/code'").await;
    other.screenshot("sign-in-code").await;
    other.check_accessible("second step").await;
    other.run(&type_in("code", &totp::code(&secret, 1))).await;
    other.run(submit).await;
    other.until("location.pathname.startsWith('/portal')").await;
}

#[tokio::test]
async fn of_two_who_change_the_rules_the_second_is_told_and_shown_the_difference() {
    let world = World::new().await;
    let manager = world.start();
    let (users, rules) = (format!("{ACCOUNT}/users"), format!("{ACCOUNT}/rules"));
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let page = alice.get(&users).await;
    let seen = page.between("name=\"seen\" value=\"", "\"").unwrap().replace("&#34;", "\"");
    let csrf = page.csrf();
    let first = [("csrf", csrf.as_str()), ("seen", &seen), ("password_grant", "yes")];
    assert_eq!(alice.post(&rules, &first).await.header("location"), format!("{users}?done=rules"));
    let second = [("csrf", csrf.as_str()), ("seen", &seen), ("second_factor_required", "yes")];
    let late = alice.post(&rules, &second).await;
    assert_eq!(late.status, 409);
    for text in [
        "Somebody changed the rules meanwhile",
        "it was second factor not required, password grant not allowed when you looked",
        "is second factor not required, password grant allowed now",
        "name=\"second_factor_required\" value=\"yes\" checked",
    ] {
        assert!(late.has(text), "{text}: {}", late.body);
    }
    assert!(!late.has("name=\"password_grant\" value=\"yes\" checked"), "what was chosen is kept");
    let seen = late.between("name=\"seen\" value=\"", "\"").unwrap().replace("&#34;", "\"");
    let again = [("csrf", csrf.as_str()), ("seen", &seen), ("second_factor_required", "yes")];
    assert_eq!(alice.post(&rules, &again).await.status, 303);

    // The REST API refuses in the same way.
    let caller = Caller::first(&world, &manager).await;
    let seen = json!({ "second_factor_required": false, "password_grant": false });
    let body = json!({ "second_factor_required": false, "password_grant": true, "seen": seen });
    let path = "/api/seatpool/v1/accounts/example.com/sign-in-rules";
    let refused = caller.call(reqwest::Method::PUT, path, Some(&body)).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (409, Some("changed_meanwhile")),
        "{}",
        refused.text
    );
}
