//! Who may do what: every route of the REST API with every kind of caller, and what the API's document says
//! of the routes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use reqwest::Method;
use seatpool_domain::access::Role;
use seatpool_manager::App;
use seatpool_manager::app::access::clients;
use seatpool_manager::clock::Clock;
use seatpool_proto::Sha256;
use seatpool_store::AccessToken;
use serde_json::{Value, json};

use crate::rest_support::{Caller, credentials, granted, instance};
use crate::support::{Manager, Product, TAG, World, now};

/// One who calls, and the things of example.com that are its to be tried on.
#[derive(Clone)]
pub(crate) struct Persona {
    pub(crate) name: &'static str,
    pub(crate) caller: Caller,
    instance: String,
    serial: String,
    /// The key of an alert about a lot of its own.
    alert: String,
    /// A user that is its own to change and delete, if it may.
    user: String,
    /// The same of a client.
    client: String,
}

/// A route of the document.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// As the document has it.
    pub(crate) path: String,
    /// Under which it is served.
    pub(crate) prefix: &'static str,
}

pub(crate) async fn document(manager: &Manager) -> Value {
    let (status, text) = manager.get(&manager.url, "/openapi.json").await;
    assert_eq!(status, 200);
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn routes(document: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let prefix = if item["servers"].is_array() { "/api" } else { "" };
        for method in ["get", "post", "put", "patch", "delete"] {
            if item[method].is_object() {
                let method = method.to_uppercase().parse().unwrap();
                routes.push(Route { method, path: path.clone(), prefix });
            }
        }
    }
    routes
}

/// A body that is well-formed and that whoever may call is refused for, so that nothing changes; or that
/// changes only what is the persona's own.
pub(crate) fn body(route: &Route, persona: &Persona) -> Option<Value> {
    let sudi = json!({ "udiPid": "UCCX", "udiSerialNumber": persona.serial });
    let transfer = json!({ "license": TAG, "licenseType": "PERPETUAL", "quantity": 0, "targetVirtualAccount": "Default" });
    let order = json!({ "order_id": "none", "lines": [{ "license": TAG, "quantity": 0 }] });
    let is = |end: &str| route.path.strip_suffix("/preview").unwrap_or(&route.path).ends_with(end);
    let of_own = route.path.starts_with("/api/seatpool");
    let of_reservation = route.path.contains("{reservation}");
    Some(match &route.method {
        &Method::GET | &Method::DELETE => return None,
        &Method::PATCH if is("/users/{user}") => json!({ "name": "Same" }),
        &Method::PATCH => json!({ "name": "" }),
        &Method::PUT if is("/preferences") => json!({ "time_zone": "Europe/Vienna" }),
        _ if is("/reservations") => json!({ "request_code": "" }),
        _ if of_reservation && is("/update") => json!({ "licenses": [] }),
        _ if of_reservation && is("/rehost") => json!({ "step": "ask", "reason": "" }),
        _ if of_reservation => json!({ "code": "" }),
        _ if is("/instances") => json!({ "instances": [persona.instance] }),
        _ if is("/users") => json!({ "login": "", "roles": [{ "role": "account_administrator" }] }),
        _ if is("/sign-in-rules") => json!({ "second_factor_required": false, "password_grant": false }),
        _ if is("/rotate-secret") => json!({ "overlap_hours": 721 }),
        _ if is("/oauth/token") => json!({}),
        _ if is("/clients") => json!({ "name": "", "roles": [{ "role": "account_administrator" }] }),
        _ if is("/virtual-accounts") => json!({ "name": "" }),
        _ if is("/tokens") && of_own => json!({ "expires_after_days": 0 }),
        _ if is("/tokens") => json!({ "expiresAfterDays": 0 }),
        _ if is("/tokens/revoke") => json!({ "tokens": [] }),
        _ if is("/orders") => order,
        _ if is("/cancel") => json!({ "quantity": 0 }),
        _ if is("/declarations") => json!({ "license": TAG, "quantity": 0, "note": "contract 7" }),
        _ if is("/confirm") || is("/reject") => json!({ "reason": "x".repeat(501) }),
        _ if is("/mends") => json!({ "key": "none" }),
        _ if is("/renew") => json!({ "order_id": "none", "ends_at": "2020-01-01T00:00:00Z" }),
        _ if is("/license-transfers") => json!({ "lines": [] }),
        _ if is("/licenses/transfer") => json!({ "licenses": [transfer] }),
        _ if is("/instances/{instance}/transfer") => json!({ "to": "Default" }),
        _ if is("/devices/transfer") => {
            json!({ "productInstances": [{ "sudi": sudi, "targetVirtualAccount": "Default" }] })
        }
        // Given a return code, the removal is refused once the caller was found to be allowed it.
        _ if is("/devices/remove") => {
            json!({ "productInstacesRemoveRequests": [{ "sudi": sudi, "returnCode": "none" }] })
        }
        _ if is("/dlc_convert") => {
            json!({ "virtualAccounts": [{ "name": "Default", "dlcRequests": [{ "sudi": sudi }] }] })
        }
        _ if is("/seatpool/v1/accounts") => json!({ "domain": "" }),
        _ => json!({}),
    })
}

/// The path for this persona, with `account` in place of example.com.
pub(crate) fn path(route: &Route, persona: &Persona, world: &Things, account: &str) -> String {
    let path = route
        .path
        .replace("{account}", account)
        .replace("{domain}", account)
        .replace("{virtual_account}", "Default")
        .replace("{reservation}", &world.reservation)
        .replace("{token}", &world.token)
        .replace("{lot}", &world.lot)
        .replace("{license}", TAG)
        .replace("{order}", "PO-1")
        .replace("{subscription}", "SUB-2290417")
        .replace("{alert}", &persona.alert)
        .replace("{instance}", &persona.instance)
        .replace("{user}", &persona.user)
        .replace("{client}", &persona.client);
    assert!(!path.contains('{'), "{path}: say here what stands for the parameter");
    let query = if path.contains("/reports/usage") {
        format!("?virtual_account=Default&license={TAG}")
    } else {
        String::new()
    };
    format!("{}{path}{query}", route.prefix)
}

pub(crate) struct Things {
    token: String,
    lot: String,
    /// The product instance that a reservation made.
    reservation: String,
}

fn at_second(at: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(at.as_second()).unwrap()
}

async fn personas(world: &World, manager: &Manager, over: String, own: String, token: &str) -> Vec<Persona> {
    let first = Caller::first(world, manager).await;
    for domain in ["other.example", "vendor.example"] {
        let made = first.post("/api/seatpool/v1/accounts", json!({ "domain": domain })).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let of_va = |role: &str| json!([{ "role": role, "virtual_account": "Default" }]);
    let administrator = json!([{ "role": "account_administrator" }]);
    let operator = json!([{ "role": "vendor_operator" }]);
    let with = |token| Caller { token: Some(token), ..Caller::anonymous(manager) };
    let callers = [
        ("anonymous", Caller::anonymous(manager)),
        ("expired", with(over)),
        ("other account", first.new_client(manager, "other.example", administrator.clone()).await),
        ("VA user", first.new_client(manager, "example.com", of_va("virtual_account_user")).await),
        ("VA admin", first.new_client(manager, "example.com", of_va("virtual_account_administrator")).await),
        ("approver", first.new_client(manager, "example.com", json!([{ "role": "approver" }])).await),
        ("account admin", first.new_client(manager, "example.com", administrator).await),
        ("a person", with(own)),
        ("operator", first.new_client(manager, "vendor.example", operator).await),
    ];
    let mut personas = Vec::new();
    for (n, (name, caller)) in callers.into_iter().enumerate() {
        let serial = format!("SN{n}");
        let instance = instance(manager, token, &serial, 1).await.to_string();
        let ends_at =
            at_second(now() + jiff::SignedDuration::from_hours(24 * (20 + i64::try_from(n).unwrap())));
        let order = json!({ "order_id": format!("of {name}"), "lines": [
            { "license": TAG, "quantity": 1, "ends_at": ends_at.to_string() },
        ]});
        let place = "/api/seatpool/v1/accounts/example.com/virtual-accounts/Default";
        let made = first.post(&format!("{place}/orders"), order).await.json();
        let id = made["virtual_account"]["id"].as_str().unwrap();
        let alert = format!("licenses_expiring:{id}:{TAG}@{}", ends_at.as_microsecond());
        let account = "/api/seatpool/v1/accounts/example.com";
        let role = json!([{ "role": "approver" }]);
        let user = format!("person{n}@example.com");
        let made = first.post(&format!("{account}/users"), json!({ "login": user, "roles": role })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = first.post(&format!("{account}/clients"), json!({ "name": user, "roles": role })).await;
        let client = made.json()["client_id"].as_str().unwrap().to_owned();
        personas.push(Persona { name, caller, instance, serial, alert, user, client });
    }
    personas
}

/// A world with one of everything.
pub(crate) async fn prepared() -> (World, Manager, Things, Vec<Persona>) {
    let world = World::new().await;
    let token = world.token().await;
    world.order(100).await;
    world.deposit(world.default, "PO-1", &[(TAG, 5, Some(100))]).await;
    let (id, _) = credentials(&world);
    // An administrator of the account, in whose own name a token was granted.
    world.person("patricia", Role::AccountAdministrator).await;
    let (over, own, account) = (clients::secret(), clients::secret(), world.account);
    let lot = world
        .offline(Clock::default(), async |app: App| {
            let ended = now() - jiff::SignedDuration::from_secs(1);
            let store = app.store();
            store.insert_access_token(Sha256::of(&over), &granted(&id, account, ended)).await.unwrap();
            let user = store.user_by_login("patricia").await.unwrap().map(|user| user.id);
            let expires_at = now() + jiff::SignedDuration::from_hours(1);
            let granted = AccessToken { user, expires_at, ..granted(&id, account, now()) };
            store.insert_access_token(Sha256::of(&own), &granted).await.unwrap();
            store.lots(account, None).await.unwrap().remove(0).id
        })
        .await;
    let manager = world.start();
    let personas = personas(&world, &manager, over, own, &token.text).await;
    let product = Product::new("CARRIED").request.to_string();
    let body = json!({ "request_code": product, "licenses": [{ "license": TAG, "quantity": 1 }] });
    let path = "/api/seatpool/v1/accounts/example.com/virtual-accounts/Default/reservations";
    let made = Caller::first(&world, &manager).await.post(path, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let reservation = made.json()["instance"].as_str().unwrap().to_owned();
    let things = Things { token: token.id.to_string(), lot: lot.to_string(), reservation };
    (world, manager, things, personas)
}

#[tokio::test]
async fn every_route_answers_every_persona_as_the_matrix_says() {
    let (_world, manager, things, personas) = prepared().await;
    let mut routes = routes(&document(&manager).await);
    // What removes a persona's own instance comes last, and what a thing has goes before the thing.
    routes.sort_by_key(|route| {
        let is_removal = route.method == Method::DELETE;
        let length = if is_removal { route.path.len() } else { 0 };
        (is_removal, route.path.contains("remove"), core::cmp::Reverse(length), route.path.clone())
    });
    let mut rows = BTreeMap::new();
    let of_people = |route: &Route| route.path.contains("{user}") || route.path.contains("{client}");
    // Routes of users and clients are asked for some that are there, and before that for some that are not.
    let asked = routes.iter().filter(|route| of_people(route)).map(|route| (route, " (no such)"));
    for (route, of) in asked.chain(routes.iter().map(|route| (route, ""))) {
        let mut cells = Vec::new();
        for persona in &personas {
            let body = body(route, persona);
            let nobody = Persona { user: "nobody".into(), client: "none".into(), ..persona.clone() };
            let persona = if of.is_empty() { persona } else { &nobody };
            let path = path(route, persona, &things, "example.com");
            let reply = persona.caller.call(route.method.clone(), &path, body.as_ref()).await;
            let told = serde_json::from_str(&reply.text).unwrap_or(Value::Null);
            let status = told["status"].as_str().filter(|_| !route.prefix.is_empty());
            cells.push(format!("{} {}", reply.status, status.unwrap_or_default()).trim().to_owned());
        }
        rows.insert((format!("{}{of}", route.path), route.method.to_string()), cells);
    }
    let mut matrix = String::new();
    let names: Vec<_> = personas.iter().map(|persona| format!("{:13}", persona.name)).collect();
    writeln!(matrix, "{:7}{:93}{}", "", "", names.join("  ").trim_end()).unwrap();
    for ((path, method), cells) in rows {
        let cells: Vec<_> = cells.into_iter().map(|cell| format!("{cell:13}")).collect();
        writeln!(matrix, "{method:7}{path:93}{}", cells.join("  ").trim_end()).unwrap();
    }
    insta::assert_snapshot!("route_by_persona", matrix);
}

#[tokio::test]
async fn anothers_account_answers_exactly_like_one_that_does_not_exist() {
    let (_world, manager, things, personas) = prepared().await;
    let other = personas.iter().find(|persona| persona.name == "other account").unwrap();
    let mut compared = 0;
    for route in routes(&document(&manager).await) {
        if !route.path.contains("{account}") && !route.path.contains("{domain}") {
            continue;
        }
        let body = body(&route, other);
        let mut replies = Vec::new();
        for account in ["example.com", "nosuch.example"] {
            let path = path(&route, other, &things, account);
            replies.push(other.caller.call(route.method.clone(), &path, body.as_ref()).await);
        }
        let [theirs, nobodys] = &replies[..] else { unreachable!() };
        assert_eq!(theirs.status, 404, "{} {}", route.method, route.path);
        assert_eq!(
            (theirs.status, &theirs.content_type, &theirs.text),
            (nobodys.status, &nobodys.content_type, &nobodys.text),
            "{} {}",
            route.method,
            route.path
        );
        compared += 1;
    }
    assert!(compared > 20, "{compared} routes name an account");
}

#[tokio::test]
async fn a_hidden_virtual_account_answers_like_one_that_does_not_exist() {
    let (_world, manager, things, personas) = prepared().await;
    let administrator = personas.iter().find(|persona| persona.name == "account admin").unwrap();
    let user = personas.iter().find(|persona| persona.name == "VA user").unwrap();
    let made = json!({ "name": "Hidden" });
    let all = "/api/seatpool/v1/accounts/example.com/virtual-accounts";
    assert_eq!(administrator.caller.post(all, made).await.status, 201);
    let mut compared = 0;
    for route in routes(&document(&manager).await) {
        if !route.path.contains("{virtual_account}") {
            continue;
        }
        let body = body(&route, user);
        let mut replies = Vec::new();
        for name in ["Hidden", "Nosuch"] {
            let path = path(&route, user, &things, "example.com").replace("/Default", &format!("/{name}"));
            let reply = user.caller.call(route.method.clone(), &path, body.as_ref()).await;
            replies.push((reply.status, reply.text.replace(name, "NAME")));
        }
        assert_eq!(replies[0], replies[1], "{} {}", route.method, route.path);
        compared += 1;
    }
    assert!(compared > 15, "{compared} routes name a virtual account");
}

#[tokio::test]
async fn the_document_is_the_recorded_one_and_names_every_method_of_every_route() {
    let world = World::new().await;
    let manager = world.start();
    let document = document(&manager).await;
    let caller = Caller::anonymous(&manager);
    for (path, item) in document["paths"].as_object().unwrap() {
        let prefix = if item["servers"].is_array() { "/api" } else { "" };
        let at = format!("{prefix}{}", path.replace(['{', '}'], ""));
        for method in ["get", "post", "put", "patch", "delete"] {
            let reply = caller.call(method.to_uppercase().parse().unwrap(), &at, None).await;
            let documented = item[method].is_object();
            assert_eq!(documented, reply.status != 405, "{method} {at}: {}", reply.status);
            assert_ne!(reply.status, 404, "{method} {at} is served");
        }
    }
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn what_is_not_served_is_told_in_the_shape_of_its_api() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    for path in ["/api/nosuch", "//backend/api/v1/nosuch", "/services/api/smart-accounts-and-licensing/v3/x"]
    {
        let reply = caller.get(path).await;
        assert_eq!((reply.status, reply.json()["status"].as_str()), (404, Some("ERROR")), "{path}");
    }
    let reply = caller.post("/api/v2/accounts", json!({})).await;
    assert_eq!((reply.status, reply.json()["status"].as_str()), (405, Some("ERROR")));
    let reply = caller.get("/api/seatpool/v1/nosuch").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (404, Some("not_found")));
    let reply = caller.call(Method::PUT, "/api/seatpool/v1/accounts", None).await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (405, Some("method_not_allowed")));
    assert_eq!(reply.content_type, "application/problem+json");
}
