//! The list of the portal's routes against its source: path for path, method for method.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seatpool_manager::app::access::oidc;

use crate::portal_security::ROUTES;

type Route = (&'static str, String);

fn source(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// What stands between a parenthesis that was opened before and its end.
fn inside(text: &str) -> &str {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    panic!("no end of {text}")
}

/// The methods of `get(show).post(change)`.
fn methods(text: &str) -> Vec<&'static str> {
    let names =
        [("GET", "get("), ("POST", "post("), ("PUT", "put("), ("PATCH", "patch("), ("DELETE", "delete(")];
    let is_called = |name: &str| {
        text.match_indices(name).any(|(at, _)| {
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') && !text[..at].ends_with("::")
        })
    };
    names.iter().filter(|(_, name)| is_called(name)).map(|(method, _)| *method).collect()
}

/// The module of this name beside the file that names it.
fn module(of: &Path, name: &str) -> PathBuf {
    let folder = of.parent().unwrap();
    let file = folder.join(format!("{name}.rs"));
    if file.exists() { file } else { folder.join(name).join("mod.rs") }
}

/// Every route of a router's text below `prefix`, with those of the modules that it merges and nests.
fn routes_of(file: &Path, text: &str, prefix: &str, found: &mut BTreeSet<Route>) {
    let mut rest = text;
    while let Some(at) = [".route(", ".nest(", "routes()"].iter().filter_map(|mark| rest.find(mark)).min() {
        let here = &rest[at..];
        if let Some(more) = here.strip_prefix(".route(") {
            let call = inside(more);
            let (path, handlers) = match call.trim_start().strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap(),
                None => {
                    let (name, handlers) = call.split_once(',').unwrap();
                    assert_eq!(name, "oidc::CALLBACK", "say here what stands for it");
                    (oidc::CALLBACK, handlers)
                }
            };
            let whole =
                if path == "/" && !prefix.is_empty() { prefix.to_owned() } else { format!("{prefix}{path}") };
            let mut called = methods(handlers);
            if called.is_empty() {
                // Handlers that were put together above.
                let (name, _) = handlers.trim_matches([',', ' ', '\n']).split_once('(').unwrap();
                let (_, made) = text.split_once(&format!("let {name} = ")).unwrap();
                called = methods(made.split_once("};").unwrap().0);
            }
            assert!(!called.is_empty(), "no method of {whole}");
            found.extend(called.into_iter().map(|method| (method, whole.clone())));
            rest = &more[call.len()..];
        } else if let Some(more) = here.strip_prefix(".nest(") {
            let call = inside(more);
            let (_, quoted) = call.split_once('"').unwrap();
            let (path, router) = quoted.split_once('"').unwrap();
            let below = format!("{prefix}{path}");
            match router.trim_matches([',', ' ', '\n']) {
                // A router that was put together above.
                name if name.chars().all(char::is_alphanumeric) => {
                    let whole = source(file);
                    let (_, made) = whole.split_once(&format!("let {name} = ")).unwrap();
                    routes_of(file, made.split_once(";\n").unwrap().0, &below, found);
                }
                router => routes_of(file, router, &below, found),
            }
            rest = &more[call.len()..];
        } else {
            let name_start =
                rest[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').map_or(0, |i| i + 1);
            let called = &rest[name_start..at + "routes".len()];
            if let Some((name, function)) = called.split_once("::") {
                let file = module(file, name);
                let text = source(&file);
                let (_, body) = text.split_once(&format!("fn {function}()")).unwrap();
                let (body, _) = body.split_once("\n}\n").unwrap();
                routes_of(&file, body, prefix, found);
            }
            rest = &here["routes()".len()..];
        }
    }
}

fn declared() -> BTreeSet<Route> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal/mod.rs");
    let text = source(&file);
    let (_, router) = text.split_once("pub fn router()").unwrap();
    // What is put together before is found where it is nested.
    let (_, whole) = router.rsplit_once(";\n").unwrap();
    let mut found = BTreeSet::new();
    routes_of(&file, whole, "", &mut found);
    found
}

#[test]
fn every_route_of_the_portal_has_its_row_and_every_row_its_route() {
    // Redirects to a page that has a row, and files.
    let outside = ["/", "/portal/", "/portal/{domain}/account", "/static/{name}"];
    let served: BTreeSet<Route> =
        declared().into_iter().filter(|(_, path)| !outside.contains(&path.as_str())).collect();
    let listed: BTreeSet<Route> = ROUTES.iter().map(|(method, path)| (*method, (*path).to_owned())).collect();
    assert_eq!(listed.len(), ROUTES.len(), "a route is listed twice");
    let unlisted: Vec<_> = served.difference(&listed).collect();
    let unserved: Vec<_> = listed.difference(&served).collect();
    assert!(
        unlisted.is_empty() && unserved.is_empty(),
        "without a row in ROUTES (add it, look at the snapshot, accept it): {unlisted:?}; with a row, but not served: \
         {unserved:?}"
    );
    assert!(served.len() > 90, "{} routes", served.len());
}
