//! Every kind of page that the portal has, in a real browser: nothing keeps anybody out of it (WCAG 2.2 AA, by axe), in
//! light and dark, wide and at 360 pixels. The pages are those that links lead to; of each route one is looked at, and
//! none may be missing.

use std::collections::BTreeMap;

use serde_json::json;

use crate::portal_crawl::{scene, walk};
use crate::portal_reservation::{field_of, reserve};
use crate::portal_security::ROUTES;
use crate::rest_support::Caller;
use crate::support::scene::CAROL;
use crate::support::{Browser, Manager, Product, Visitor, World, totp};

const SESSION: &str = "__Host-seatpool";
const API: &str = "/api/seatpool/v1";

/// What a GET leads to that is no page of its own: it leads elsewhere, or is a file or a picture.
const NO_PAGES: [&str; 6] = [
    "/portal",
    "/portal/{domain}/reports/usage.csv",
    "/portal/{domain}/va/{va}/instances/{instance}/reservation/authorization-code.txt",
    "/portal/{domain}/va/{va}/instances/{instance}/reservation/pictures/{part}",
    "/sign-in/oidc",
    "/sign-in/oidc/callback",
];

/// The route of a path: of those that match the one with the fewest parts that may be anything.
fn route_of(path: &str) -> Option<&'static str> {
    let parts: Vec<_> = path.split('?').next().unwrap().split('/').collect();
    let matches = |route: &&str| {
        let own: Vec<_> = route.split('/').collect();
        own.len() == parts.len()
            && own.iter().zip(&parts).all(|(own, part)| own.starts_with('{') || own == part)
    };
    let pages = ROUTES.iter().filter(|(method, _)| *method == "GET").map(|(_, route)| *route);
    pages.filter(matches).min_by_key(|route| route.matches('{').count())
}

/// A product that holds a reservation whose change is in transit.
async fn in_transit(world: &World, alice: &mut Visitor) {
    let instance = reserve(alice, world, &Product::new("SN-SLR"), "4").await;
    let update = format!("{instance}/reservation/update");
    let field = field_of(&alice.get(&update).await);
    let review = alice.submit(&update, &update, &[(&field, "2"), ("step", "select")]).await;
    let reviewed = review.between("name=\"reviewed\" value=\"", "\"").unwrap();
    let fields = [(field.as_str(), "2"), ("reviewed", &reviewed), ("step", "reserve")];
    assert_eq!(alice.submit(&update, &update, &fields).await.status, 303);
    // One that is not, and can be changed.
    reserve(alice, world, &Product::new("SN-SLR-2"), "1").await;
}

/// The steps of signing in, each in the session of somebody who has come so far: path and cookie.
async fn steps(world: &World, manager: &Manager) -> Vec<(String, Option<String>)> {
    let mut carol = Visitor::signed_in(manager, CAROL).await;
    let enrol = "/preferences/security/second-factor";
    let page = carol.get(enrol).await;
    let secret = page.between("id=\"secret\">", "</code>").unwrap();
    let (sealed, code) = (page.between("name=\"sealed\" value=\"", "\"").unwrap(), totp::code(&secret, 0));
    assert_eq!(
        carol
            .submit(enrol, enrol, &[("sealed", &sealed), ("password", CAROL.1), ("code", &code)])
            .await
            .status,
        200
    );
    let first = Caller::first(world, manager).await;
    let new = json!({ "login": "eve", "roles": [{ "role": "approver" }] });
    let made = first.post(&format!("{API}/accounts/example.com/users"), new).await;
    let welcome = made.json()["link"].as_str().unwrap()[manager.url.len()..].to_owned();
    let gina = ("gina", "chosen by the vendor 7");
    let administrator = json!({ "login": gina.0, "password": gina.1 });
    let new = json!({ "domain": "third.example", "administrator": administrator });
    assert_eq!(first.post(&format!("{API}/accounts"), new).await.status, 201);
    let rules = json!({ "second_factor_required": true, "password_grant": false });
    let path = format!("{API}/accounts/example.com/sign-in-rules");
    assert_eq!(first.call(reqwest::Method::PUT, &path, Some(&rules)).await.status, 200);
    let mut steps = vec![("/sign-in".to_owned(), None), (welcome, None)];
    for person in [CAROL, gina, ("approver", "approver approver")] {
        let mut visitor = Visitor::new(manager);
        let page = visitor.sign_in(person.0, person.1).await;
        let path = page.header("location").split('?').next().unwrap().to_owned();
        steps.push((path, Some(visitor.cookies[SESSION].clone())));
    }
    steps
}

#[tokio::test]
async fn nothing_keeps_anybody_out_of_any_page() {
    let (world, manager, mut alice) = scene(in_transit).await;
    let list = alice.get(&world.page("instances")).await;
    let (before, _) = list.body.split_once("\" aria-label=\"Choose uccx-1\"").unwrap();
    let (_, row) = before.rsplit_once('"').unwrap();
    let selected = ["remove", "transfer"]
        .map(|step| world.page(&format!("instances/selected?step={step}&instance={row}")));
    let starts = ["/portal/example.com", "/preferences", &selected[0], &selected[1]];
    let own = Some(alice.cookies[SESSION].clone());
    let mut pages: Vec<_> =
        walk(&mut alice, &starts).await.into_keys().map(|path| (path, own.clone())).collect();
    pages.push((world.page("nothing"), own));
    pages.extend(steps(&world, &manager).await);

    let mut kinds = BTreeMap::new();
    for (path, cookie) in pages {
        // Where one route has several faces, its query tells which.
        if route_of(&path).is_some_and(|route| NO_PAGES.contains(&route)) {
            continue;
        }
        let face = path.split("step=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
        kinds.entry((route_of(&path), face.to_owned())).or_insert((path, cookie));
    }
    for (_, route) in ROUTES.iter().filter(|(method, route)| *method == "GET" && !NO_PAGES.contains(route)) {
        assert!(kinds.keys().any(|(kind, _)| *kind == Some(route)), "no link leads to a page of {route}");
    }

    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    let (mut present, mut found) = (None, Vec::new());
    for (path, cookie) in kinds.into_values() {
        if present != cookie {
            browser.set_cookie(SESSION, cookie.as_deref().unwrap_or("none")).await;
            present = cookie;
        }
        browser.resize(1400, 900).await;
        browser.open(&format!("{}{path}", manager.url)).await;
        if browser.path().await != path.split('?').next().unwrap() {
            found.push(format!("{path} leads elsewhere: to {}", browser.path().await));
            continue;
        }
        for width in [1400, 360] {
            browser.resize(width, 900).await;
            let beyond = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
            if beyond != json!(0) {
                found.push(format!("{path} is wider than {width} px"));
            }
            browser.run("document.documentElement.dataset.theme = 'light'").await;
            let light = browser.barriers().await;
            browser.run("document.documentElement.dataset.theme = 'dark'").await;
            let dark = browser.unreadable().await;
            let themes =
                light.iter().map(|told| ("light", told)).chain(dark.iter().map(|told| ("dark", told)));
            found.extend(themes.map(|(theme, told)| format!("{path}, {theme}, {width} px: {told}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
