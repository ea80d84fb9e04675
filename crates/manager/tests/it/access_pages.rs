//! The portal's pages about people and programs: who gets which, what they do, and how they look.

use std::fmt::Write as _;

use serde_json::json;

use crate::rest_support::Caller;
use crate::support::scene::{BOB, CAROL};
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
async fn every_page_about_people_answers_every_persona_as_the_matrix_says() {
    let world = World::new().await;
    world.reader().await;
    world.other_account().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let users = first.get("/api/seatpool/v1/accounts/example.com/users").await.json();
    let id_of = |login: &str| {
        let mut users = users.as_array().unwrap().iter();
        users.find(|user| user["login"] == login).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let clients = first.get("/api/seatpool/v1/accounts/example.com/clients").await.json();
    let client = clients[0]["client_id"].as_str().unwrap();
    let (alice, carol) = (id_of("alice"), id_of("carol"));
    let in_place = |role: &str| json!([{ "role": role, "virtual_account": "Default" }]);
    let mut personas = [
        ("anonymous", Visitor::new(&manager)),
        ("other account", Visitor::signed_in(&manager, BOB).await),
        ("VA user", Visitor::signed_in(&manager, CAROL).await),
        ("VA admin", somebody(&world, &manager, "vera", in_place("virtual_account_administrator")).await),
        ("approver", somebody(&world, &manager, "amos", json!([{ "role": "approver" }])).await),
        (
            "account admin",
            somebody(&world, &manager, "dora", json!([{ "role": "account_administrator" }])).await,
        ),
        ("operator", somebody(&world, &manager, "olaf", json!([{ "role": "vendor_operator" }])).await),
    ];
    let nobody = "01890000-0000-7000-8000-000000000000";
    let mut routes: Vec<(&str, String, Vec<(&str, &str)>)> = Vec::new();
    for path in [
        "/sign-in/code",
        "/sign-in/new-password",
        "/sign-in/second-factor",
        "/sign-in/oidc",
        "/preferences/security",
        "/preferences/security/second-factor",
    ] {
        routes.push(("GET", path.into(), vec![]));
    }
    for path in [
        "",
        "/users",
        "/users/new",
        "/users/ALICE",
        "/users/CAROL",
        "/users/NOBODY",
        "/users/CAROL/reset-password",
        "/users/CAROL/disable",
        "/users/CAROL/delete",
        "/users/CAROL/end-sessions",
        "/users/CAROL/nothing",
        "/clients",
        "/clients/new",
        "/clients/CLIENT/rotate",
        "/clients/CLIENT/delete",
        "/clients/NOBODY/delete",
    ] {
        routes.push(("GET", format!("{ACCOUNT}{path}"), vec![]));
    }
    routes.push(("POST", "/preferences/security/password".into(), vec![]));
    routes.push(("POST", "/preferences/security/second-factor".into(), vec![("code", "0")]));
    routes.push(("POST", "/preferences/security/second-factor/off".into(), vec![]));
    routes.push(("POST", "/preferences/security/recovery-codes".into(), vec![]));
    routes.push(("POST", "/preferences/security/sessions/none/end".into(), vec![]));
    routes.push(("POST", "/preferences/security/sessions/end-others".into(), vec![]));
    for path in [
        "/users",
        "/users/ALICE",
        "/users/NOBODY",
        "/users/ALICE/disable",
        "/users/ALICE/reset-password",
        "/users/NOBODY/delete",
        "/clients",
        "/clients/NOBODY/rotate",
        "/clients/NOBODY/delete",
        "/rules",
    ] {
        routes.push(("POST", format!("{ACCOUNT}{path}"), vec![]));
    }
    let names: Vec<_> = personas.iter().map(|(name, _)| format!("{name:13}")).collect();
    let mut matrix = format!("{:70}{}\n", "", names.join("  ").trim_end());
    for (method, path, fields) in &routes {
        let real = path
            .replace("ALICE", &alice)
            .replace("CAROL", &carol)
            .replace("NOBODY", nobody)
            .replace("CLIENT", client);
        let mut cells = Vec::new();
        for (_, visitor) in &mut personas {
            let page = if *method == "GET" {
                visitor.get(&real).await
            } else {
                let csrf = visitor.get("/preferences/security").await;
                let csrf =
                    if csrf.status == 200 { csrf.csrf() } else { visitor.get("/sign-in").await.csrf() };
                let mut all = vec![("csrf", csrf.as_str())];
                all.extend(fields.iter().copied());
                visitor.post(&real, &all).await
            };
            let to = page.header("location").split('?').next().unwrap();
            let to = if to == "/sign-in" { "sign in" } else { "" };
            cells.push(format!("{:13}", format!("{} {to}", page.status).trim()));
        }
        writeln!(matrix, "{:70}{}", format!("{method:5} {path}"), cells.join("  ").trim_end()).unwrap();
    }
    insta::assert_snapshot!("people_by_persona", matrix);
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
    let user = list.between("<a href=\"/portal/example.com/account/users/", "\">dora").map(|text| {
        let id = text.rsplit('/').next().unwrap();
        format!("{users}/{id}")
    });
    let user = user.unwrap();
    let detail = alice.get(&user).await;
    let seen = detail.between("name=\"seen\" value=\"", "\"").unwrap().replace("&#34;", "\"");
    let csrf = detail.csrf();
    let fields = [("csrf", csrf.as_str()), ("seen", seen.as_str()), ("name", "Dora"), ("approver", "yes")];
    assert_eq!(alice.post(&user, &fields).await.status, 303);
    let late = [("csrf", csrf.as_str()), ("seen", seen.as_str()), ("name", "Dora"), ("administrator", "yes")];
    let late = alice.post(&user, &late).await;
    assert!(late.status == 422 && late.has("Somebody else changed it meanwhile"), "{}", late.body);
    assert!(late.has("user of Default") && late.has("approver"), "the difference is shown");
    let refused = alice.submit(&user, &format!("{user}/delete"), &[]).await;
    assert_eq!(refused.status, 303, "{}", refused.body);
    assert!(alice.get(refused.header("location")).await.has("The user is deleted"));
    let own =
        alice.get(&users).await.between("<a href=\"/portal/example.com/account/users/", "\">alice").unwrap();
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
    let client = clients[0]["client_id"].as_str().unwrap();
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
    }
    let secret = browser.run("return document.getElementById('secret').innerText").await;
    let secret = secret.as_str().unwrap().to_owned();
    browser.run(&type_in("code", &totp::code(&secret, 0))).await;
    browser.run(submit).await;
    browser.until("document.getElementById('codes')").await;
    browser.screenshot("recovery-codes-dark-390").await;
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
    other.run(&type_in("code", &totp::code(&secret, 1))).await;
    other.run(submit).await;
    other.until("location.pathname.startsWith('/portal')").await;
}
