//! Alerts and explanations in the portal: what they say, the button that mends it, dismissal. Without script.

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
