//! That every route of the compatible API is recorded, with an answer that succeeds and one that fails, and is
//! served alike at each of its addresses.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::rest_matrix::{Route, body, document, path, prepared, routes};

/// A recorded request with its answer.
struct Fixture {
    method: String,
    path: String,
    is_success: bool,
}

/// The prefixes that rest-api.md names.
const PREFIXES: [&str; 3] = ["/api", "/backend/api", "/services/api/smart-accounts-and-licensing"];

/// Everything that tests of this folder have recorded of the compatible API and of OAuth2.
fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if !name.contains("__compat_") && !name.contains("__oauth_") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let (_, recorded) = text.rsplit_once("\n---\n").unwrap();
        let rows: Vec<Value> = serde_json::from_str(recorded).unwrap_or_else(|why| panic!("{name}: {why}"));
        found.extend(rows.iter().map(fixture));
    }
    found
}

fn fixture(row: &Value) -> Fixture {
    let mut words = row["request"].as_str().unwrap().split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path = path.split('?').next().unwrap();
    let is_error = row["answer"]["status"] == "ERROR" || row["answer"]["error"].is_string();
    Fixture {
        method: method.to_owned(),
        path: path.to_owned(),
        is_success: row["status"] == 200 && !is_error,
    }
}

fn is_of(fixture: &Fixture, route: &Route) -> bool {
    let path = if route.prefix.is_empty() {
        Some(fixture.path.as_str())
    } else {
        PREFIXES.iter().find_map(|prefix| fixture.path.strip_prefix(prefix))
    };
    let Some(path) = path.filter(|_| fixture.method == route.method.as_str()) else { return false };
    let (given, wanted): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.path.split('/').collect());
    given.len() == wanted.len()
        && given.iter().zip(&wanted).all(|(given, wanted)| wanted.starts_with('{') || given == wanted)
}

fn compatible(document: &Value) -> Vec<Route> {
    let mut routes = routes(document);
    routes.retain(|route| !route.prefix.is_empty() || route.path.ends_with("/oauth/token"));
    assert!(routes.len() > 20, "{} routes", routes.len());
    routes
}

#[test]
fn every_compatible_route_is_recorded_with_a_success_and_a_failure() {
    let document = serde_json::to_value(seatpool_manager::rest::document()).unwrap();
    let fixtures = fixtures();
    for route in compatible(&document) {
        for is_success in [true, false] {
            let recorded =
                fixtures.iter().any(|fixture| fixture.is_success == is_success && is_of(fixture, &route));
            let which = if is_success { "succeeds" } else { "fails" };
            assert!(
                recorded,
                "no request of {} {} that {which} is recorded: add one where its like are (rest_compat.rs)",
                route.method, route.path
            );
        }
    }
}

#[tokio::test]
async fn every_prefix_with_one_slash_or_two_serves_every_route_alike() {
    let (_world, manager, things, personas) = prepared().await;
    let administrator = personas.iter().find(|persona| persona.name == "account admin").unwrap();
    let mut compared = 0;
    for route in compatible(&document(&manager).await) {
        if route.prefix.is_empty() {
            continue;
        }
        let body = body(&route, administrator);
        let at = path(&route, administrator, &things, "example.com");
        let ask = async |at: &str| {
            let reply = administrator.caller.call(route.method.clone(), at, body.as_ref()).await;
            (reply.status, reply.text)
        };
        let wanted = ask(&at).await;
        assert_eq!(wanted.0, 200, "{} {at}: {}", route.method, wanted.1);
        for prefix in PREFIXES {
            for slash in ["", "/"] {
                let other = format!("{slash}{prefix}{}", at.strip_prefix("/api").unwrap());
                assert_eq!(ask(&other).await, wanted, "{} {other}", route.method);
                compared += 1;
            }
        }
        let elsewhere = format!("/elsewhere{at}");
        let reply = administrator.caller.call(Method::GET, &elsewhere, None).await;
        assert_eq!(reply.status, 404, "{elsewhere}");
    }
    assert!(compared > 100, "{compared} requests");
}
