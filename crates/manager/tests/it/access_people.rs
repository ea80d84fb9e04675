//! Users, roles, clients and scopes over the REST API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rest_support::Caller;
use crate::support::scene::{BOB, CAROL};
use crate::support::{ALICE, Manager, Visitor, World};

const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";

fn users(rest: &str) -> String {
    format!("{ACCOUNT}/users{rest}")
}

/// Sets the password of an invited user.
async fn accept(manager: &Manager, made: &Value, password: &str) -> Visitor {
    let link = made["link"].as_str().unwrap()[manager.url.len()..].to_owned();
    let mut visitor = Visitor::new(manager);
    let done = visitor.submit(&link, &link, &[("new", password), ("again", password)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    visitor
}

async fn events(caller: &Caller) -> Vec<Value> {
    let mut items =
        caller.get(&format!("{ACCOUNT}/events")).await.json()["items"].as_array().unwrap().clone();
    items.reverse();
    items
}

#[tokio::test]
async fn what_administrators_do_about_a_user_is_an_event_with_before_and_after() {
    let world = World::new().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let user_role = json!([{ "role": "virtual_account_user", "virtual_account": "Default" }]);
    let made = first
        .post(&users(""), json!({ "login": "Dora@Example.com", "name": "Dora", "roles": user_role }))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(
        (made["user"]["login"].as_str(), made["user"]["state"].as_str()),
        (Some("dora@example.com"), Some("invited"))
    );
    let mut dora = accept(&manager, &made, "umbrella tramway 91").await;
    assert_eq!(dora.get("/portal/example.com").await.status, 200);
    let path = users("/dora@example.com");
    let seen = first.get(&path).await.json();
    assert_eq!(seen["state"], "active");

    let admin_role = json!([{ "role": "virtual_account_administrator", "virtual_account": "Default" }]);
    let change = json!({ "roles": admin_role, "seen_roles": seen["roles"] });
    let changed = first.call(Method::PATCH, &path, Some(&change)).await;
    assert_eq!((changed.status, &changed.json()["roles"]), (200, &admin_role), "{}", changed.text);
    let late = json!({ "roles": [{ "role": "approver" }], "seen_roles": seen["roles"] });
    let late = first.call(Method::PATCH, &path, Some(&late)).await;
    assert_eq!((late.status, late.json()["code"].as_str()), (409, Some("changed_meanwhile")));
    assert!(late.text.contains("administrator of Default"), "the difference is told: {}", late.text);

    assert_eq!(first.post(&users("/dora@example.com/disable"), json!({})).await.status, 204);
    assert_eq!(dora.get("/portal").await.status, 303, "the session has ended");
    assert_eq!(Visitor::new(&manager).sign_in("dora@example.com", "umbrella tramway 91").await.status, 401);
    assert_eq!(first.post(&users("/dora@example.com/enable"), json!({})).await.status, 204);
    let mut dora = Visitor::signed_in(&manager, ("dora@example.com", "umbrella tramway 91")).await;
    let reset = first.post(&users("/dora@example.com/reset-password"), json!({})).await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    assert_eq!(dora.get("/portal").await.status, 303);
    assert_eq!(Visitor::new(&manager).sign_in("dora@example.com", "umbrella tramway 91").await.status, 401);
    accept(&manager, &reset.json(), "penguin harmonica 17").await;
    assert_eq!(first.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(first.get(&path).await.status, 404);

    let events = events(&first).await;
    let told: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "account_created",
            "user_invited",
            "invitation_accepted",
            "user_changed",
            "user_disabled",
            "user_enabled",
            "password_reset",
            "invitation_accepted",
            "user_deleted"
        ]
    );
    let change = &events[3];
    assert_eq!(
        (
            change["before"].as_str(),
            change["after"].as_str(),
            change["actor"].as_str(),
            change["source"].as_str()
        ),
        (
            Some("user of Default"),
            Some("administrator of Default"),
            Some("Made by seatpool init"),
            Some("127.0.0.1")
        )
    );
    assert_eq!(events[2]["actor"], "dora@example.com");
}

#[tokio::test]
async fn nobody_gives_more_than_it_holds_and_an_account_keeps_an_administrator() {
    let world = World::new().await;
    let other = world.other_account().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let administrator = json!([{ "role": "account_administrator" }]);
    let operator = json!([{ "role": "vendor_operator" }]);
    let own = first.new_client(&manager, "example.com", administrator.clone()).await;
    let code = |reply: &crate::rest_support::Reply| reply.json()["code"].as_str().unwrap().to_owned();

    let refused = own.post(&users(""), json!({ "login": "eve", "roles": operator })).await;
    assert_eq!((refused.status, code(&refused).as_str()), (403, "role_not_held"));
    // Alice is a vendor operator: who is none can't touch her, nor take her password.
    for path in ["/alice/disable", "/alice/reset-password", "/alice/reset-second-factor"] {
        let refused = own.post(&users(path), json!({})).await;
        assert_eq!((refused.status, code(&refused).as_str()), (403, "role_not_held"), "{path}");
    }
    for (method, body) in [(Method::DELETE, None), (Method::PATCH, Some(json!({ "roles": administrator })))] {
        let refused = own.call(method, &users("/alice"), body.as_ref()).await;
        assert_eq!(code(&refused), "role_not_held");
    }
    let invited = own.post(&users(""), json!({ "login": "dora", "roles": administrator })).await;
    assert_eq!(invited.status, 201);
    for path in ["/alice/disable", "/alice/reset-password"] {
        let refused = first.post(&users(path), json!({})).await;
        assert_eq!(
            (refused.status, code(&refused).as_str()),
            (409, "last_administrator"),
            "{path}: an invitation is nobody yet"
        );
    }
    let demoted = json!({ "roles": [{ "role": "approver" }, { "role": "vendor_operator" }] });
    let refused = first.call(Method::PATCH, &users("/alice"), Some(&demoted)).await;
    assert_eq!(code(&refused), "last_administrator");
    accept(&manager, &invited.json(), "umbrella tramway 91").await;
    let done = first.call(Method::PATCH, &users("/alice"), Some(&demoted)).await;
    assert_eq!(done.status, 200, "{}", done.text);

    // In another account an operator manages nobody, but for an account without an administrator.
    let theirs = "/api/seatpool/v1/accounts/other.example/users";
    assert_eq!(first.get(theirs).await.status, 403);
    let refused = first.post(theirs, json!({ "login": "eve", "roles": administrator })).await;
    assert_eq!((refused.status, code(&refused).as_str()), (403, "role_not_held"));
    let empty = first.post("/api/seatpool/v1/accounts", json!({ "domain": "empty.example" })).await;
    assert_eq!(empty.status, 201);
    let helped = first
        .post(
            "/api/seatpool/v1/accounts/empty.example/users",
            json!({ "login": "eve", "roles": administrator }),
        )
        .await;
    assert_eq!(helped.status, 201, "{}", helped.text);
    let taken = first.post(&users(""), json!({ "login": "eve", "roles": [{ "role": "approver" }] })).await;
    assert_eq!(
        (taken.status, code(&taken).as_str()),
        (409, "exists"),
        "sign-in names are unique on the manager"
    );
    assert!(other.to_string().len() > 30);
}

#[tokio::test]
async fn another_accounts_users_and_clients_answer_like_none() {
    let world = World::new().await;
    world.other_account().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let administrator = json!([{ "role": "account_administrator" }]);
    let theirs = "/api/seatpool/v1/accounts/other.example";
    let client = first
        .post(&format!("{theirs}/clients"), json!({ "name": "theirs", "roles": administrator }))
        .await
        .json();
    let them = Caller::with(
        &manager,
        client["client_id"].as_str().unwrap(),
        client["client_secret"].as_str().unwrap(),
    )
    .await;
    let bob = them.get(&format!("{theirs}/users/bob")).await.json()["id"].as_str().unwrap().to_owned();
    let nobody = "01890000-0000-7000-8000-000000000000";
    for (theirs, none) in [(bob.as_str(), nobody), (BOB.0, "nobody")] {
        for (method, rest) in [
            (Method::GET, ""),
            (Method::PATCH, ""),
            (Method::DELETE, ""),
            (Method::POST, "/disable"),
            (Method::POST, "/reset-password"),
            (Method::POST, "/reset-second-factor"),
            (Method::GET, "/sessions"),
        ] {
            let body = json!({});
            let a = first.call(method.clone(), &users(&format!("/{theirs}{rest}")), Some(&body)).await;
            let b = first.call(method.clone(), &users(&format!("/{none}{rest}")), Some(&body)).await;
            assert_eq!((a.status, a.text), (b.status, b.text), "{method} {rest}");
            assert_eq!(a.status, 404);
        }
    }
    let id = client["client_id"].as_str().unwrap();
    for (method, rest) in [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/rotate-secret")] {
        let body = json!({});
        let a = first.call(method.clone(), &format!("{ACCOUNT}/clients/{id}{rest}"), Some(&body)).await;
        let b = first.call(method.clone(), &format!("{ACCOUNT}/clients/{nobody}{rest}"), Some(&body)).await;
        assert_eq!((a.status, a.text), (b.status, b.text), "{method} {rest}");
    }
}

async fn token(manager: &Manager, fields: &[(&str, &str)]) -> (u16, Value) {
    let answer = manager.http.post(format!("{}/oauth/token", manager.url)).form(fields).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_client_may_do_what_its_scopes_say_and_a_token_no_more() {
    let world = World::new().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let new =
        json!({ "name": "Night job", "roles": [{ "role": "account_administrator" }], "scopes": ["tokens"] });
    let made = first.post(&format!("{ACCOUNT}/clients"), new).await.json();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let job = Caller::with(&manager, id, secret).await;
    let tokens = format!("{ACCOUNT}/virtual-accounts/Default/tokens");
    let token_made = job.post(&tokens, json!({})).await;
    assert_eq!(token_made.status, 201, "{}", token_made.text);
    assert_eq!(token_made.json()["created_by"], "Night job", "by name, not by id");
    for (method, path, body) in [
        (Method::POST, format!("{ACCOUNT}/virtual-accounts"), json!({ "name": "X" })),
        (Method::GET, users(""), Value::Null),
        (Method::GET, format!("{ACCOUNT}/clients"), Value::Null),
    ] {
        let refused = job.call(method, &path, Some(&body)).await;
        assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("out_of_scope")), "{path}");
        assert!(refused.text.contains("the scope admin"), "{}", refused.text);
    }
    let base = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let (status, answer) = token(&manager, &[&base[..], &[("scope", "admin")]].concat()).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_scope")));
    let (status, answer) = token(&manager, &[&base[..], &[("scope", "tokens")]].concat()).await;
    assert_eq!((status, answer["scope"].as_str()), (200, Some("tokens")));
    let events = events(&first).await;
    assert!(events.iter().any(|event| event["actor"] == "Night job" && event["kind"] == "token_created"));

    let rotate = format!("{ACCOUNT}/clients/{id}/rotate-secret");
    let rotated = first.post(&rotate, json!({})).await.json();
    let newer = rotated["client_secret"].as_str().unwrap();
    for secret in [secret, newer] {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        assert_eq!(token(&manager, &fields).await.0, 200, "both are taken for a while");
    }
    let newest = first.post(&rotate, json!({ "overlap_hours": 0 })).await.json();
    let newest = newest["client_secret"].as_str().unwrap();
    for (secret, status) in [(secret, 400), (newer, 400), (newest, 200)] {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        assert_eq!(token(&manager, &fields).await.0, status);
    }
    assert_eq!(first.call(Method::DELETE, &format!("{ACCOUNT}/clients/{id}"), None).await.status, 204);
    assert_eq!(job.get(&tokens).await.status, 401, "its access tokens end with it");
    let shown = first.get(&tokens).await.json();
    assert_eq!(shown["items"][0]["created_by"], "Night job", "its name stays known");
}

#[tokio::test]
async fn the_password_grant_is_off_unless_allowed_and_never_for_who_has_a_second_factor() {
    let world = World::new().await;
    world.reader().await;
    world.other_account().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let new =
        json!({ "name": "Old script", "roles": [{ "role": "account_administrator" }], "scopes": ["read"] });
    let made = first.post(&format!("{ACCOUNT}/clients"), new).await.json();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let ask = async |login: &str, password: &str| {
        let fields = [
            ("grant_type", "password"),
            ("client_id", id),
            ("client_secret", secret),
            ("username", login),
            ("password", password),
        ];
        token(&manager, &fields).await
    };
    let (status, answer) = ask(CAROL.0, CAROL.1).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("unauthorized_client")));
    let rules = |password_grant: bool, required: bool| json!({ "second_factor_required": required, "password_grant": password_grant });
    let path = format!("{ACCOUNT}/sign-in-rules");
    assert_eq!(first.call(Method::PUT, &path, Some(&rules(true, false))).await.status, 200);
    let (status, answer) = ask(CAROL.0, CAROL.1).await;
    assert_eq!((status, answer["scope"].as_str()), (200, Some("read")), "{answer}");
    let mut carol = Caller::anonymous(&manager);
    carol.token = answer["access_token"].as_str().map(str::to_owned);
    assert_eq!(carol.get(&format!("{ACCOUNT}/licenses")).await.status, 200);
    assert_eq!(carol.get(&users("")).await.status, 403, "with the person's roles, not the client's");
    for (login, password) in [(CAROL.0, "not it"), ("nobody", "not it"), BOB] {
        let (status, answer) = ask(login, password).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{login}");
    }
    assert_eq!(first.post(&users("/carol/disable"), json!({})).await.status, 204);
    assert_eq!(carol.get(&format!("{ACCOUNT}/licenses")).await.status, 401, "a disabled user's token ends");
    assert_eq!(ask(CAROL.0, CAROL.1).await.0, 400);
    assert_eq!(ask(ALICE.0, ALICE.1).await.0, 200);
    assert_eq!(first.call(Method::PUT, &path, Some(&rules(true, true))).await.status, 200);
    assert_eq!(
        ask(ALICE.0, ALICE.1).await.0,
        400,
        "where a second factor is required, a password is not enough"
    );
}
