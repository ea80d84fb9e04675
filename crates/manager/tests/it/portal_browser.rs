//! The portal in a real browser, by keyboard.

use crate::support::browser::{ENTER, TAB};
use crate::support::scene::{contact_centre, report};
use crate::support::{ALICE, Browser, World};

const FOCUSED: &str = "document.activeElement && document.activeElement.id";

#[tokio::test]
async fn a_person_signs_in_makes_a_token_and_watches_licenses_with_the_keyboard_alone() {
    let world = World::new().await;
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    let browser = Browser::start().await;
    browser.resize(1400, 900).await;
    browser.open(&format!("{}/portal", manager.url)).await;
    browser.until(&format!("{FOCUSED} === 'login'")).await;
    browser.press(ALICE.0).await;
    browser.press(TAB).await;
    browser.until(&format!("{FOCUSED} === 'password'")).await;
    browser.press(ALICE.1).await;
    browser.press(ENTER).await;
    browser.until("location.pathname.endsWith('/licenses')").await;

    for (tab, segment) in
        [("Product Instances", "instances"), ("Event Log", "events"), ("General", "general")]
    {
        browser.tab_to(tab).await;
        browser.press(ENTER).await;
        let current = "document.querySelector('.tabs [aria-current=page]').innerText";
        browser
            .until(&format!("location.pathname.endsWith('/{segment}') && {current}.startsWith('{tab}')"))
            .await;
    }
    browser.tab_to("New token").await;
    browser.press(ENTER).await;
    browser.until(&format!("{FOCUSED} === 'description'")).await;
    browser.press("Made by keyboard").await;
    browser.press(ENTER).await;
    browser.until("document.getElementById('token-text')").await;
    let text = browser.run("return document.getElementById('token-text').innerText").await;
    assert_eq!(text.as_str().unwrap().len(), 84);
    browser.until("!document.querySelector('[data-copy]').hidden").await;
    browser.open(&format!("{}{}", manager.url, world.page("general"))).await;
    browser.until("document.body.innerText.includes('Made by keyboard')").await;

    // Live: the table changes by itself, the page is not loaded again, and the focus stays where it is.
    browser.open(&format!("{}{}", manager.url, world.page("licenses"))).await;
    browser.tab_to("CCX Premium Agent").await;
    browser.run("window.sameLoad = true; document.activeElement.marked = true").await;
    let mut agent = contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 42)]).await;
    browser.until("document.querySelector('[data-label=\"In use\"]').innerText.startsWith('42')").await;
    agent.ask(&manager, report(&[("CCX_PREMIUM", 130)])).await;
    browser.until("document.body.innerText.includes('is short by 30')").await;
    browser.until("document.getElementById('live').innerText === 'Live'").await;
    assert_eq!(
        browser.run("return window.sameLoad && document.activeElement.marked").await,
        serde_json::json!(true)
    );

    // The switch of appearance, also by keyboard.
    browser.tab_to("Appearance").await;
    browser.press(ENTER).await;
    browser.until("document.documentElement.dataset.theme === 'light'").await;
    assert_eq!(browser.run("return performance.getEntriesByType('resource').filter(e => !e.name.startsWith(location.origin)).length").await, serde_json::json!(0));
}

#[tokio::test]
async fn pages_are_pictured_in_light_and_dark_wide_and_narrow() {
    let world = World::new().await;
    let vienna = world
        .virtual_account(
            "Contact Centre Vienna",
            "Two sites, one pool: seats move between Vienna and Graz with the shifts.",
        )
        .await;
    let lots = [
        ("CCX_PREMIUM", 100, None),
        ("CCX_FLEX_PREMIUM", 60, Some(41)),
        ("CCX_FLEX_STANDARD", 240, Some(220)),
        ("CCX_OUTBOUND_PORT", 1200, None),
        ("CCX_SERVER", 3, None),
    ];
    world.deposit(vienna, "SO-10023", &lots).await;
    let empty = world.virtual_account("New site", "").await;
    let token = world.token_for(vienna, "Rollout, autumn").await;
    let manager = world.start();
    let graz = [("CCX_PREMIUM", 48), ("CCX_OUTBOUND_PORT", 180), ("CCX_SERVER", 0)];
    let vie_1 = [("CCX_PREMIUM", 70), ("CCX_OUTBOUND_PORT", 300), ("CCX_SERVER", 0)];
    let vie_2 = [("CCX_FLEX_PREMIUM", 31), ("CCX_FLEX_STANDARD", 252), ("CCX_SERVER", 0)];
    contact_centre(&manager, &token, "9ABN1F00001", "uccx-vie-01", &vie_1).await;
    contact_centre(&manager, &token, "9ABN1F00002", "uccx-vie-02", &vie_2).await;
    let agent = contact_centre(&manager, &token, "9ABN1F00003", "uccx-graz-01", &graz).await;
    let instance = format!("instances/{}", agent.instance.unwrap());

    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    for (theme, width) in [("light", 1400), ("light", 390), ("dark", 1400), ("dark", 390)] {
        browser.set_cookie("seatpool-appearance", theme).await;
        browser.resize(width, 900).await;
        browser.open(&format!("{}/sign-in", manager.url)).await;
        browser.screenshot(&format!("sign-in-{theme}-{width}")).await;
    }
    browser.press(ALICE.0).await;
    browser.press(TAB).await;
    browser.press(ALICE.1).await;
    browser.press(ENTER).await;
    browser.until("location.pathname.startsWith('/portal')").await;
    for (theme, width) in [("light", 1400), ("light", 390), ("dark", 1400), ("dark", 390)] {
        browser.set_cookie("seatpool-appearance", theme).await;
        browser.resize(width, 900).await;
        for (name, path) in [
            ("accounts", "/portal/example.com".to_owned()),
            ("general", world.page_of(vienna, "general")),
            ("token-new", world.page_of(vienna, "tokens/new")),
            ("licenses", world.page_of(vienna, "licenses")),
            ("license", world.page_of(vienna, "licenses/CCX_PREMIUM")),
            ("instances", world.page_of(vienna, "instances")),
            ("instance", world.page_of(vienna, &instance)),
            ("transfer", world.page_of(vienna, &format!("{instance}/transfer"))),
            ("events", world.page_of(vienna, "events")),
            ("empty", world.page_of(empty, "licenses")),
            ("missing", world.page_of(empty, "nothing")),
        ] {
            browser.open(&format!("{}{path}", manager.url)).await;
            let picture = browser.screenshot(&format!("{name}-{theme}-{width}")).await;
            assert!(std::fs::metadata(picture).unwrap().len() > 5_000, "{name} is blank");
            for narrowest in [width, width.min(360)] {
                browser.resize(narrowest, 900).await;
                let beyond = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
                assert_eq!(beyond, serde_json::json!(0), "{name} is wider than {narrowest}");
            }
            browser.resize(width, 900).await;
        }
    }
}
