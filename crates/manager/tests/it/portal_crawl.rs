//! Every page that links lead to: it is there, it is small enough, and each of its tables is a file as well.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seatpool_domain::access::Role;
use seatpool_domain::command::Action;
use seatpool_proto::Quantity;

use crate::portal_pages::check;
use crate::support::scene::contact_centre;
use crate::support::{ALICE, Manager, Page, Visitor, World};

/// The paths that a page links to, without their queries; with them where a page is about what they name.
fn links(body: &str) -> impl Iterator<Item = String> {
    let found = body.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let unescaped = found.map(|(href, _)| href.replace("&#38;", "&").replace("&amp;", "&"));
    let is_page = |href: &String| {
        ["/portal", "/preferences", "/smart-accounts"].iter().any(|start| href.starts_with(start))
    };
    unescaped.filter(is_page).filter(|href| !href.contains("format=csv") && !href.contains(".csv")).map(
        |href| {
            let (path, _) = href.split_once('?').unwrap_or((&href, ""));
            let is_about =
                path.ends_with("/mend") || path.ends_with("/selected") || path.ends_with("/orders/new");
            if is_about { href.clone() } else { path.to_owned() }
        },
    )
}

/// The tables of a panel that hold what is on record; not those that a form fills in or that show what it would do.
fn records(panel: &str) -> usize {
    let is_record = |(at, _): &(usize, &str)| {
        let before = &panel[..*at];
        let in_form = before.matches("<form").count() > before.matches("</form>").count();
        !in_form && !panel[*at..].starts_with("<table class=\"cards preview\"")
    };
    panel.match_indices("<table").filter(is_record).count()
}

/// An account that has one of everything, and its administrator, who is signed in; `first` happens before there are
/// product instances in contact.
pub(crate) async fn scene(first: impl AsyncFnOnce(&World, &mut Visitor)) -> (World, Manager, Visitor) {
    let world = World::new().await;
    world.person("approver", Role::Approver).await;
    world.reader().await;
    let graz = world.virtual_account("Graz", "").await;
    let lots = [("CCX_PREMIUM", 10, None), ("CCX_FLEX_PREMIUM", 20, Some(20))];
    world.deposit(world.default, "SO-1", &lots).await;
    world.deposit(graz, "SO-2", &[("CCX_PREMIUM", 30, None)]).await;
    world
        .command(Action::Declare {
            virtual_account: world.default,
            tag: "CCX_SERVER".parse().unwrap(),
            quantity: Quantity::of(2),
            note: "contract 7".into(),
        })
        .await;
    let token = world.token().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    first(&world, &mut alice).await;
    contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 22)]).await;
    let clients = "/portal/example.com/account/clients";
    let fields = [("name", "Nightly"), ("scope-read", "yes"), ("approver", "yes")];
    assert_eq!(alice.submit(&format!("{clients}/new"), clients, &fields).await.status, 200);
    // Somebody who is signed in has a table of sessions.
    Visitor::signed_in(&manager, ("approver", "approver approver")).await;
    (world, manager, alice)
}

/// Every page that links lead to from these, by its path.
pub(crate) async fn walk(visitor: &mut Visitor, starts: &[&str]) -> BTreeMap<String, Page> {
    let (mut seen, mut pages) = (BTreeSet::new(), BTreeMap::new());
    let mut waiting: VecDeque<String> = starts.iter().map(|path| (*path).to_owned()).collect();
    while let Some(path) = waiting.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let page = visitor.get(&path).await;
        if page.status == 303 {
            waiting.push_back(page.header("location").to_owned());
            continue;
        }
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        waiting.extend(links(&page.body));
        pages.insert(path, page);
    }
    pages
}

#[tokio::test]
async fn every_table_that_links_lead_to_is_a_file_as_well() {
    let (_world, _manager, mut alice) = scene(async |_, _| ()).await;
    let pages = walk(&mut alice, &["/portal/example.com", "/preferences"]).await;
    let mut files = BTreeSet::new();
    for (path, page) in &pages {
        check(path, page);
        for panel in page.body.split("<section class=\"panel\"").skip(1) {
            let wanted = records(panel);
            let hrefs: Vec<_> = panel
                .split("<a class=\"button\" href=\"")
                .skip(1)
                .filter_map(|rest| rest.split_once("\" download>"))
                .map(|(href, _)| href.replace("&#38;", "&").replace("&amp;", "&"))
                .collect();
            assert!(hrefs.len() >= wanted, "{path} has a table without a file: {panel}");
            for href in hrefs.into_iter().take(wanted) {
                let file = alice.get(&href).await;
                assert_eq!(file.status, 200, "{href}");
                assert!(file.header("content-type").starts_with("text/csv"), "{href}");
                assert!(file.header("content-disposition").starts_with("attachment"), "{href}");
                let (head, rows) = file.body.split_once("\r\n").unwrap();
                assert!(head.contains(',') && rows.contains(','), "{href} on {path}: {}", file.body);
                files.insert(href.split('?').next().unwrap().to_owned());
            }
        }
    }
    assert!(pages.len() > 60, "links lead to {} pages only: {:?}", pages.len(), pages.keys());
    for kind in
        ["alerts", "users", "clients", "security", "lots", "general", "instances", "events", "activity"]
    {
        assert!(files.iter().any(|file| file.ends_with(kind)), "no file of {kind}: {files:?}");
    }
}
