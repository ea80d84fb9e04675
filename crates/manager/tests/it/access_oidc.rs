//! Single sign-on against a real provider, through a real browser.

use std::fmt::Write as _;

use serde_json::json;

use crate::rest_support::Caller;
use crate::support::oidc::OpenIdProvider;
use crate::support::{Browser, Manager, Visitor, World};

/// Writes `[oidc]` into the manager's configuration.
fn configure(world: &World, provider: &OpenIdProvider, more: &str) {
    let path = world.data_dir().join("seatpool.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    write!(
        text,
        "\n[oidc]\nissuer = {:?}\nclient_id = \"seat pool\"\nclient_secret_file = \"{}\"\nca_file = \"{}\"\naccount = \"example.com\"\n{more}\n",
        provider.issuer,
        provider.secret_file().display(),
        provider.ca_file().display(),
    )
    .unwrap();
    std::fs::write(path, text).unwrap();
}

async fn started(more: &str) -> (World, OpenIdProvider, Manager) {
    let world = World::new().await;
    let mut provider = OpenIdProvider::start();
    configure(&world, &provider, more);
    let manager = world.start();
    provider.serve(&manager.url);
    (world, provider, manager)
}

/// Signs in at the provider; ends on the page that the manager then shows.
async fn sign_in(browser: &Browser, manager: &Manager, provider: &OpenIdProvider, name: &str) {
    browser.open(&format!("{}/sign-in", manager.url)).await;
    browser.run("document.querySelector('a[href^=\"/sign-in/oidc\"]').click()").await;
    browser
        .until(&format!(
            "location.origin === '{}' && document.querySelector('[name=login]')",
            provider.issuer
        ))
        .await;
    browser
        .run(&format!(
            "document.querySelector('[name=login]').value = '{name}';
             document.querySelector('[name=password]').value = 'any';
             document.querySelector('form').submit()"
        ))
        .await;
    browser.until("document.querySelector('input[name=prompt][value=consent]')").await;
    browser.run("document.querySelector('form').submit()").await;
    browser.until(&format!("location.origin === '{}'", manager.url)).await;
}

#[tokio::test]
async fn people_sign_in_at_the_provider_and_are_bound_to_who_they_are_there() {
    let (world, provider, manager) =
        started("create_users = true\nroles = [\"virtual_account_user:Default\"]\nname = \"Example ID\"")
            .await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    browser.until("document.body.innerText.includes('Example ID')").await;
    sign_in(&browser, &manager, &provider, "dora").await;
    browser.until("location.pathname.endsWith('/licenses') && document.querySelector('.who').innerText === 'dora@example.com'").await;

    let first = Caller::first(&world, &manager).await;
    let users = "/api/seatpool/v1/accounts/example.com/users";
    let dora = first.get(&format!("{users}/dora@example.com")).await.json();
    assert_eq!(
        (dora["name"].as_str(), dora["single_sign_on"].as_bool(), &dora["roles"]),
        (
            Some("Person dora"),
            Some(true),
            &json!([{ "role": "virtual_account_user", "virtual_account": "Default" }])
        )
    );
    // Without a password of her own there is none to guess.
    assert_eq!(Visitor::new(&manager).sign_in("dora@example.com", "any").await.status, 401);
    let events = first.get("/api/seatpool/v1/accounts/example.com/events").await;
    assert!(events.text.contains("user_linked"));

    // Disabled here, the provider's word opens nothing.
    assert_eq!(first.post(&format!("{users}/dora@example.com/disable"), json!({})).await.status, 204);
    browser.open(&format!("{}/sign-in/oidc", manager.url)).await;
    browser.until("document.body.innerText.includes('may not sign in at present')").await;
}

#[tokio::test]
async fn who_is_not_known_or_has_a_password_is_told_in_words_and_an_invited_person_gets_in() {
    let (world, provider, manager) = started("login_claim = \"email\"").await;
    let first = Caller::first(&world, &manager).await;
    let users = "/api/seatpool/v1/accounts/example.com/users";
    let roles = json!([{ "role": "approver" }]);
    for login in ["eve@example.com", "finn@example.com"] {
        let made = first.post(users, json!({ "login": login, "roles": roles })).await.json();
        if login.starts_with("finn") {
            let link = made["link"].as_str().unwrap()[manager.url.len()..].to_owned();
            let password = [("new", "umbrella tramway 91"), ("again", "umbrella tramway 91")];
            assert_eq!(Visitor::new(&manager).submit(&link, &link, &password).await.status, 303);
        }
    }
    for (name, told) in [
        ("nobody", "nobody@example.com is not known here"),
        ("finn", "finn@example.com signs in with a password here"),
        ("mallory", "has not verified the address"),
    ] {
        let browser = Browser::start().await;
        sign_in(&browser, &manager, &provider, name).await;
        browser.until(&format!("document.body.innerText.includes('{told}')")).await;
        browser.open(&format!("{}/portal", manager.url)).await;
        browser.until("location.pathname === '/sign-in'").await;
    }
    let browser = Browser::start().await;
    sign_in(&browser, &manager, &provider, "eve").await;
    browser.until("location.pathname.startsWith('/portal') && document.querySelector('.who').innerText === 'eve@example.com'").await;
}

#[tokio::test]
async fn a_sign_in_is_finished_by_the_browser_that_began_it_alone() {
    let (_world, provider, manager) = started("").await;
    let mut one = Visitor::new(&manager);
    let page = one.get("/sign-in/oidc?back=%2F%2Fevil.example").await;
    let location = page.header("location").to_owned();
    assert!(location.starts_with(&format!("{}/auth?", provider.issuer)), "{location}");
    for part in [
        "response_type=code",
        "code_challenge_method=S256",
        "client_id=seat%20pool",
        "scope=openid%20email%20profile",
        "nonce=",
    ] {
        assert!(location.contains(part), "{part} in {location}");
    }
    let state = location.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let callback = format!("/sign-in/oidc/callback?code=stolen&state={state}");
    let mut other = Visitor::new(&manager);
    let page = other.get(&callback).await;
    assert_eq!(page.status, 400);
    assert!(page.has("did not begin the sign-in"), "{}", page.body);
    let page = one.get("/sign-in/oidc/callback?code=stolen&state=other").await;
    assert!(page.status == 400 && page.has("did not begin the sign-in"));
    let page = one.get(&format!("{callback}&iss=https%3A%2F%2Fevil.example")).await;
    assert!(page.status == 502 && page.has("comes from another provider"), "{}", page.body);
    let page = one
        .get(&format!("/sign-in/oidc/callback?error=access_denied&error_description=No%20way&state={state}"))
        .await;
    assert!(page.status == 403 && page.has("The provider refused: No way (access_denied)"), "{}", page.body);
    let page = one.get(&callback).await;
    assert!(page.has("The provider refused:") && page.has("invalid_grant"), "{}", page.body);
    assert!(!one.cookies.contains_key("__Host-seatpool"));

    drop(provider);
    let page = one.get("/sign-in/oidc").await;
    assert!(
        page.status == 303 || page.has("can&#39;t be reached") || page.has("can&#x27;t be reached"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_manager_without_a_provider_offers_none() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::new(&manager);
    assert!(!visitor.get("/sign-in").await.has("/sign-in/oidc"));
    assert_eq!(visitor.get("/sign-in/oidc").await.status, 404);
}
