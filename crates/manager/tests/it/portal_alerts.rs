//! Alerts and explanations in the portal: what they say, the button that mends it, dismissal. Without script.

use seatpool_domain::access::Role;
use seatpool_domain::command::Action;
use seatpool_proto::Quantity;

use crate::support::scene::contact_centre;
use crate::support::{ALICE, Visitor, World};

#[tokio::test]
async fn an_alert_leads_to_its_explanation_and_the_button_mends_it() {
    let world = World::new().await;
    let emea = world.virtual_account("EMEA <b>", "").await;
    world.order(10).await;
    world.deposit(emea, "SO-1", &[("CCX_PREMIUM", 40, None)]).await;
    let token = world.token().await;
    let manager = world.start();
    contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 22)]).await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;

    let alerts = visitor.get("/portal/example.com/alerts").await;
    let license = world.page("licenses/CCX_PREMIUM");
    for text in ["1 Major", "Insufficient Licenses", "12 of CCX Premium Agent are short in Default", &license]
    {
        assert!(alerts.has(text), "{text}: {}", alerts.body);
    }
    assert!(!alerts.has("Dismiss<"), "what can be mended is not dismissed");

    let page = visitor.get(&license).await;
    for text in ["22 are in use, 10 are owned: 12 are short.", "Used by uccx-1 (22).", "which has 40 spare"] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    let confirm = page.between("<a class=\"button\" href=\"", "\">Move…").unwrap();
    let confirm = confirm.rsplit_once('"').map_or(confirm.as_str(), |(_, last)| last).to_owned();
    let key = confirm.split_once("key=").unwrap().1.to_owned();
    let asked = visitor.get(&confirm).await;
    assert!(asked.has("<span>10 → 22</span>") && asked.has("<span>40 → 28</span>"), "{}", asked.body);
    assert!(asked.has("This brings licenses back into compliance"), "{}", asked.body);

    let mend = world.page("licenses/CCX_PREMIUM/mend");
    let stale = visitor.submit(&confirm, &mend, &[("key", "nothing")]).await;
    assert_eq!(stale.status, 409);
    assert!(stale.has("Nothing was moved") && stale.has("<span>10 → 22</span>"), "{}", stale.body);
    let done = visitor.submit(&confirm, &mend, &[("key", &key)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let after = visitor.get(done.header("location")).await;
    assert!(
        after.has("The licenses are moved") && after.has("22 are in use, and 22 are owned."),
        "{}",
        after.body
    );
    let alerts = visitor.get("/portal/example.com/alerts").await;
    assert!(alerts.has("Nothing needs looking at"), "{}", alerts.body);
}

#[tokio::test]
async fn alerts_are_filtered_dismissed_and_brought_back() {
    let world = World::new().await;
    world.deposit(world.default, "SO-1", &[("CCX_PREMIUM", 40, Some(20))]).await;
    world.deposit(world.default, "SO-2", &[("CCX_FLEX_PREMIUM", 7, Some(50))]).await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let all = "/portal/example.com/alerts";
    let page = visitor.get(all).await;
    assert!(page.has("1 Major, 1 Minor") && page.has("Licenses Expiring"), "{}", page.body);
    let minor = visitor.get("/portal/example.com/alerts?severity=minor").await;
    assert!(minor.has("7 of CCX Flex Premium Agent") && !minor.has("40 of CCX Premium Agent"));
    let key = minor.between("name=\"alert\" value=\"", "\"").unwrap();

    // Another state than the one that was seen is not dismissed unseen.
    let old = format!("{} 0123456789abcdef", key.split(' ').next().unwrap());
    let refused = visitor.submit(all, "/portal/example.com/alerts/dismiss", &[("alert", &old)]).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.has("7 of CCX Flex Premium Agent in Default end on"), "{}", refused.body);
    let done = visitor.submit(all, "/portal/example.com/alerts/dismiss", &[("alert", &key)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = visitor.get(done.header("location")).await;
    assert!(page.has("The alert is dismissed") && !page.has("7 of CCX Flex Premium Agent"), "{}", page.body);
    let hidden = visitor.get("/portal/example.com/alerts?dismissed=yes").await;
    assert!(hidden.has("7 of CCX Flex Premium Agent") && hidden.has("Dismissed by alice"), "{}", hidden.body);
    let back = visitor.submit(all, "/portal/example.com/alerts/restore", &[("alert", &key)]).await;
    assert_eq!(back.status, 303, "{}", back.body);
    assert!(visitor.get(all).await.has("7 of CCX Flex Premium Agent"));
}

#[tokio::test]
async fn alerts_stand_above_the_tabs_until_they_are_hidden_and_that_is_remembered() {
    let world = World::new().await;
    for n in 1..=4 {
        world.deposit(world.default, &format!("SO-{n}"), &[("CCX_PREMIUM", n, Some(20))]).await;
    }
    world.deposit(world.default, "SO-9", &[("CCX_OUTBOUND_PORT", 7, Some(50))]).await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let tabs = ["general", "licenses", "instances", "events"].map(|tab| world.page(tab));
    for tab in &tabs {
        let page = visitor.get(tab).await;
        for text in ["4 Major, 1 Minor", "Hide Alerts", "of CCX Premium Agent in Default end on", ">2 more<"]
        {
            assert!(page.has(text), "{tab} without {text}: {}", page.body);
        }
        assert!(
            !page.has("7 of CCX Outbound IVR Port in Default end"),
            "the gravest come first: {}",
            page.body
        );
    }
    let here = world.page("licenses?q=premium");
    let hidden = visitor.submit(&here, "/inventory-alerts", &[("alerts", "hidden"), ("back", &here)]).await;
    assert_eq!((hidden.status, hidden.header("location")), (303, here.as_str()));
    assert!(hidden.set_cookies()[0].contains("Max-Age="), "it is remembered");
    for tab in &tabs {
        let page = visitor.get(tab).await;
        assert!(page.has("4 Major, 1 Minor") && page.has("Show Alerts"), "{tab}: {}", page.body);
        assert!(!page.has("in Default end on"), "{tab}: {}", page.body);
    }
    let foreign = [("alerts", "shown"), ("back", "https://evil.example/")];
    let shown = visitor.submit(&here, "/inventory-alerts", &foreign).await;
    assert_eq!((shown.status, shown.header("location")), (303, "/portal"));
    assert!(visitor.get(&tabs[0]).await.has("in Default end on"));
}

#[tokio::test]
async fn what_to_order_and_renew_is_filled_in_for_who_may_deposit() {
    let world = World::new().await;
    world.person("olga-of-vienna", Role::AccountAdministrator).await;
    world
        .deposit(world.default, "SO-1", &[("CCX_PREMIUM", 10, None), ("CCX_OUTBOUND_PORT", 8, Some(20))])
        .await;
    let token = world.token().await;
    let manager = world.start();
    let usage = [("CCX_PREMIUM", 28), ("CCX_OUTBOUND_PORT", 5)];
    contact_centre(&manager, &token.text, "SN1", "uccx-1", &usage).await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let mut olga = Visitor::signed_in(&manager, ("olga-of-vienna", "olga-of-vienna olga-of-vienna")).await;
    let href = |page: &crate::support::Page, words: &str| {
        let (before, _) = page.body.split_once(&format!("\">{words}"))?;
        Some(before.rsplit_once("href=\"")?.1.replace("&#38;", "&").replace("&amp;", "&"))
    };

    let premium = world.page("licenses/CCX_PREMIUM");
    let order = href(&visitor.get(&premium).await, "Order…").unwrap();
    let page = visitor.get(&order).await;
    let place = world.default.to_string();
    for text in [
        "value=\"18\"",
        "<option value=\"CCX_PREMIUM\" selected>",
        &format!("<option value=\"{place}\" selected>"),
    ] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    assert_eq!(href(&olga.get(&premium).await, "Order…"), None, "the vendor deposits");

    let port = world.page("licenses/CCX_OUTBOUND_PORT");
    let renew = href(&visitor.get(&port).await, "Renew…").unwrap();
    assert!(visitor.get(&renew).await.has("Renew CCX"), "{renew}");
    assert_eq!(href(&olga.get(&port).await, "Renew…"), None);
    let alerts = visitor.get("/portal/example.com/alerts?kind=licenses_expiring").await;
    let lots = visitor.get(&href(&alerts, "Renew…").unwrap()).await;
    assert!(lots.has("SO-1") && lots.has("/renew\"") && !lots.has("CCX Premium Agent"), "{}", lots.body);
}

#[tokio::test]
async fn a_declaration_is_an_alert_until_the_vendor_decides_and_a_rejected_one_says_so() {
    let world = World::new().await;
    let declare = |quantity: u64, note: &str| Action::Declare {
        virtual_account: world.default,
        tag: "CCX_PREMIUM".parse().unwrap(),
        quantity: Quantity::of(quantity),
        note: note.into(),
    };
    world.command(declare(12, "contract <7>")).await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let all = "/portal/example.com/alerts";
    let page = visitor.get(all).await;
    for text in ["1 Minor", "Declared Licenses Waiting", "12 of CCX Premium Agent in Default were declared"] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    let (before, _) = page.body.split_once("\">Decide…").unwrap();
    let lots = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&").replace("&amp;", "&");
    let lots = visitor.get(&lots).await;
    let reject = lots.between("<a href=\"/portal/example.com/lots/", "/reject\"").unwrap();
    let reject = reject.rsplit_once("/lots/").map_or(reject.as_str(), |(_, id)| id);
    let reject = format!("/portal/example.com/lots/{reject}/reject");
    let fields = [("reason", "Contract 7 ended."), ("step", "do")];
    let done = visitor.submit(&reject, &reject, &fields).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = visitor.get(all).await;
    assert!(page.has("Declared Licenses Rejected") && page.has(": Contract 7 ended."), "{}", page.body);
    for text in ["Licenses Expired</span>", "Declared Licenses Waiting</span>"] {
        assert!(!page.has(text), "{text}: {}", page.body);
    }
}
