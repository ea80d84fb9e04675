//! Who gets into the portal, and what protects those who are in.

use crate::support::scene::{BOB, CAROL};
use crate::support::{ALICE, Visitor, World};

const SESSION: &str = "__Host-seatpool";

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to_and_comes_back() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::new(&manager);
    let wanted = world.page("licenses?page=1");
    let asked = visitor.get(&wanted).await;
    assert_eq!(asked.status, 303);
    let form = visitor.get(asked.header("location")).await;
    let back = form.between("name=\"back\" value=\"", "\"").unwrap();
    assert_eq!(back, wanted);
    let fields =
        [("csrf", form.csrf()), ("back", back), ("login", "Alice".into()), ("password", ALICE.1.into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let in_now = visitor.post("/sign-in", &fields).await;
    assert_eq!((in_now.status, in_now.header("location")), (303, wanted.as_str()));
    let cookie =
        in_now.set_cookies().into_iter().find(|cookie| cookie.starts_with(SESSION)).unwrap().to_owned();
    for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert_eq!(visitor.get(&wanted).await.status, 200);
}

#[tokio::test]
async fn a_wrong_password_is_told_beside_the_field_and_the_name_is_kept() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::new(&manager);
    for login in ["alice", "nobody<b>"] {
        let page = visitor.sign_in(login, "not the password").await;
        assert_eq!(page.status, 401);
        assert!(page.has("id=\"password-error\"") && page.has("The name or the password is wrong"));
        assert!(!page.has("nobody<b>") && !page.has("not the password"));
        assert!(page.has(&format!("value=\"{}", &login[..5])), "{}", page.body);
        assert!(!visitor.cookies.contains_key(SESSION));
    }
    let page = visitor.sign_in("", "").await;
    assert_eq!(page.status, 422);
    assert!(page.has("id=\"login-error\"") && page.has("id=\"password-error\""));
}

#[tokio::test]
async fn nobody_is_sent_to_another_host() {
    let world = World::new().await;
    let manager = world.start();
    for back in ["https://evil.example/", "//evil.example/portal", "/\\evil.example", "javascript:alert(1)"] {
        let mut visitor = Visitor::new(&manager);
        let csrf = visitor.get("/sign-in").await.csrf();
        let form = visitor.get(&format!("/sign-in?back={}", back.replace('\\', "%5C"))).await;
        assert!(!form.has("evil.example") && !form.has("javascript:"), "{back}");
        let fields = [("csrf", csrf.as_str()), ("back", back), ("login", ALICE.0), ("password", ALICE.1)];
        let page = visitor.post("/sign-in", &fields).await;
        assert_eq!((page.status, page.header("location")), (303, "/portal"), "{back}");
        let csrf = visitor.get("/portal/example.com").await.csrf();
        let page =
            visitor.post("/appearance", &[("csrf", &csrf), ("back", back), ("appearance", "dark")]).await;
        assert_eq!((page.status, page.header("location")), (303, "/portal"), "{back}");
    }
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before_and_signing_out_ends_it_for_good() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let first = visitor.cookies[SESSION].clone();
    let csrf = visitor.get("/portal/example.com").await.csrf();
    let again = [("csrf", csrf.as_str()), ("login", ALICE.0), ("password", ALICE.1)];
    assert_eq!(visitor.post("/sign-in", &again).await.status, 303);
    let second = visitor.cookies[SESSION].clone();
    assert_ne!(first, second);
    let mut holder_of_the_first = Visitor::new(&manager);
    holder_of_the_first.cookies.insert(SESSION.into(), first);
    assert_eq!(holder_of_the_first.get("/portal/example.com").await.status, 303);

    let page = visitor.submit("/portal/example.com", "/sign-out", &[]).await;
    assert_eq!(page.status, 303);
    assert!(!visitor.cookies.contains_key(SESSION));
    assert!(visitor.get(page.header("location")).await.has("You are signed out"));
    visitor.cookies.insert(SESSION.into(), second);
    assert_eq!(visitor.get("/portal/example.com").await.status, 303);
}

#[tokio::test]
async fn a_form_that_no_page_of_the_session_made_changes_nothing() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let token = world.page("tokens");
    let csrf = visitor.get(&world.page("general")).await.csrf();
    let fields = [("description", "forged"), ("days", "30"), ("uses", "0")];
    let mut others = Visitor::signed_in(&manager, ALICE).await;
    let foreign = others.get(&world.page("general")).await.csrf();
    let mut with_foreign = vec![("csrf", foreign.as_str())];
    with_foreign.extend(fields);
    let mut with_own = vec![("csrf", csrf.as_str())];
    with_own.extend(fields);
    for (path, fields) in [
        (token.as_str(), fields.to_vec()),
        ("/sign-out", vec![]),
        ("/appearance", vec![("appearance", "dark")]),
        ("/sign-in", vec![("login", ALICE.0), ("password", ALICE.1)]),
        (&world.page("tokens/00000000-0000-0000-0000-000000000000/revoke"), vec![]),
        (&world.page("instances/00000000-0000-0000-0000-000000000000/remove"), vec![]),
        (&world.page("instances/00000000-0000-0000-0000-000000000000/transfer"), vec![]),
    ] {
        let page = visitor.post(path, &fields).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(page.has("Nothing was changed"), "{path}: {}", page.body);
        assert!(page.set_cookies().is_empty(), "{path}");
    }
    // A form of another session of the same person is shown again, and not done.
    let page = visitor.post(&token, &with_foreign).await;
    assert!(page.status == 303 && page.header("location").contains("/tokens/new?typed="), "{}", page.body);
    let page = visitor.post_with(&token, &with_own, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(page.status, 403);
    let after = visitor.get(&world.page("general")).await;
    assert!(after.has("There is no token yet") && !after.has("forged"));
}

#[tokio::test]
async fn another_accounts_virtual_account_is_like_one_that_does_not_exist() {
    let world = World::new().await;
    let theirs = world.other_account().await;
    let manager = world.start();
    let mut bob = Visitor::signed_in(&manager, BOB).await;
    assert_eq!(
        bob.get("/portal").await.header("location"),
        format!("/portal/other.example/va/{theirs}/licenses")
    );
    let unknown = "01890000-0000-7000-8000-000000000000";
    let here = world.default.to_string();
    for rest in ["general", "licenses", "licenses/CCX_PREMIUM", "instances", "events", "tokens/new"] {
        let answers = [
            format!("/portal/other.example/va/{unknown}/{rest}"),
            format!("/portal/other.example/va/{here}/{rest}"),
            format!("/portal/example.com/va/{here}/{rest}"),
            format!("/portal/nowhere.example/va/{unknown}/{rest}"),
        ];
        let mut bodies = Vec::new();
        for path in answers {
            let page = bob.get(&path).await;
            assert_eq!(page.status, 404, "{path}");
            bodies.push(page.without_form_ids().body.replace(&path, "PATH"));
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{rest}");
    }
    assert_eq!(bob.get("/portal/example.com").await.status, 404);
    assert_eq!(bob.get(&format!("/portal/other.example/va/{theirs}/general")).await.status, 200);
}

#[tokio::test]
async fn a_reader_sees_the_licenses_but_no_tokens_and_changes_nothing() {
    let world = World::new().await;
    world.reader().await;
    let token = world.token().await;
    let manager = world.start();
    let mut carol = Visitor::signed_in(&manager, CAROL).await;
    assert_eq!(carol.get(&world.page("licenses")).await.status, 200);
    let general = carol.get(&world.page("general")).await;
    assert!(general.has("only those who manage this virtual account see its tokens"));
    assert!(!general.has("for tests") && !general.has(&token.text));
    for path in
        ["tokens/new".to_owned(), format!("tokens/{}", token.id), format!("tokens/{}/revoke", token.id)]
    {
        let page = carol.get(&world.page(&path)).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(page.has("Your role does not allow this"));
    }
    let fields = [("description", "mine"), ("days", "30"), ("uses", "0")];
    assert_eq!(carol.submit(&world.page("general"), &world.page("tokens"), &fields).await.status, 403);
}
