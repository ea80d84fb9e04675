//! The portal in a real browser, by keyboard.

use crate::support::browser::{ENTER, ESCAPE, TAB};
use crate::support::scene::{contact_centre, report};
use crate::support::{ALICE, Browser, Manager, World};

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
    browser.until("document.body.innerText.includes('30 of CCX Premium Agent are short')").await;
    browser.until("document.getElementById('live').innerText === 'Live'").await;
    assert_eq!(
        browser.run("return window.sameLoad && document.activeElement.marked").await,
        serde_json::json!(true)
    );

    // Menus open and close by keyboard, and the focus goes back to what opened them.
    browser.run("document.querySelector('.crumb summary').focus()").await;
    browser.press(ENTER).await;
    browser.until("document.querySelector('.crumb details').open").await;
    browser.press(TAB).await;
    browser.until(&format!("{FOCUSED} === 'find-place'")).await;
    browser.press(ESCAPE).await;
    browser.until("!document.querySelector('.crumb details').open").await;
    browser.until("document.activeElement.nodeName === 'SUMMARY'").await;

    // The first stop is the link past the navigation; after it, the main content has the focus.
    browser.open(&format!("{}{}", manager.url, world.page("events"))).await;
    browser.tab_to("Skip to content").await;
    browser.press(ENTER).await;
    browser.until(&format!("{FOCUSED} === 'main'")).await;

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
    let people = "/portal/example.com/account/users";
    browser.open(&format!("{}{people}", manager.url)).await;
    let user = browser.run("return document.querySelector('tbody th a').getAttribute('href')").await;
    let user = user.as_str().unwrap().to_owned();
    for (theme, width) in [("light", 1400), ("light", 390), ("dark", 1400), ("dark", 390)] {
        browser.set_cookie("seatpool-appearance", theme).await;
        browser.resize(width, 900).await;
        for (name, path) in [
            ("accounts", "/portal/example.com".to_owned()),
            ("general", world.page_of(vienna, "general")),
            ("token-new", world.page_of(vienna, "tokens/new")),
            ("licenses", world.page_of(vienna, "licenses")),
            ("license", world.page_of(vienna, "licenses/CCX_PREMIUM")),
            ("license-instances", world.page_of(vienna, "licenses/CCX_PREMIUM/instances")),
            ("license-events", world.page_of(vienna, "licenses/CCX_PREMIUM/events")),
            ("license-orders", world.page_of(vienna, "licenses/CCX_PREMIUM/orders")),
            ("license-transfer", world.page_of(vienna, "licenses/CCX_PREMIUM/transfer")),
            ("instances", world.page_of(vienna, "instances")),
            ("instance", world.page_of(vienna, &instance)),
            ("transfer", world.page_of(vienna, &format!("{instance}/transfer"))),
            ("remove", world.page_of(vienna, &format!("{instance}/remove"))),
            ("events", world.page_of(vienna, "events")),
            ("events-filtered", world.page_of(vienna, "events?user=alice&since=yesterday")),
            ("edit", world.page_of(vienna, "edit")),
            ("delete", world.page_of(vienna, "delete")),
            ("smart-accounts", "/smart-accounts".to_owned()),
            ("smart-account-new", "/smart-accounts/new".to_owned()),
            ("smart-account", "/portal/example.com/smart-account".to_owned()),
            ("new-account", "/portal/example.com/virtual-accounts/new".to_owned()),
            ("activity", "/portal/example.com/activity".to_owned()),
            ("alerts", "/portal/example.com/alerts".to_owned()),
            ("license-mend", world.page_of(vienna, "licenses/CCX_PREMIUM/mend")),
            ("preferences", "/preferences".to_owned()),
            ("security", "/preferences/security".to_owned()),
            ("users", people.to_owned()),
            ("user", user.clone()),
            ("user-new", format!("{people}/new")),
            ("user-disable", format!("{user}/disable")),
            ("clients", "/portal/example.com/account/clients".to_owned()),
            ("client-new", "/portal/example.com/account/clients/new".to_owned()),
            ("reports", "/portal/example.com/reports".to_owned()),
            ("reports-lots", "/portal/example.com/reports/lots".to_owned()),
            ("order", "/portal/example.com/orders/new".to_owned()),
            ("declaration", "/portal/example.com/declarations/new".to_owned()),
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

#[tokio::test]
async fn a_person_transfers_and_removes_product_instances_and_searches_while_typing() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await;
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    for n in 1..=4 {
        contact_centre(
            &manager,
            &token.text,
            &format!("SN{n}"),
            &format!("uccx-{n}"),
            &[("CCX_PREMIUM", 20)],
        )
        .await;
    }
    let browser = signed_in(&manager).await;
    for theme in ["light", "dark"] {
        browser.set_cookie("seatpool-appearance", theme).await;
        browser.resize(1400, 900).await;
        browser.open(&format!("{}{}", manager.url, world.page("instances"))).await;
        let last = if theme == "light" { 4 } else { 2 };

        // The list follows what is typed, and so does the address; the focus stays in the field.
        browser.run("document.getElementById('q').focus()").await;
        browser.press(&format!("uccx-{last}")).await;
        browser.until("document.querySelectorAll('tbody tr').length === 1").await;
        browser.until(&format!("location.search.includes('q=uccx-{last}') && {FOCUSED} === 'q'")).await;
        browser.until("document.querySelector('a[download]').href.includes('q=uccx')").await;
        browser.open(&format!("{}{}", manager.url, world.page("instances"))).await;

        // Two are chosen and moved, after a page that shows both balances.
        browser.run(&format!("document.querySelectorAll('tbody tr').forEach((row, i) => {{ if (i >= {last} - 2) row.querySelector('[type=checkbox]').click() }})")).await;
        browser.run("document.querySelector('#selected [value=transfer]').click()").await;
        browser.until("document.querySelector('h1').innerText === 'Transfer 2 product instances'").await;
        browser.run(&format!("document.getElementById('to').value = '{graz}'")).await;
        browser.run("document.querySelector('main form .primary').click()").await;
        browser.until("document.getElementById('effect')").await;
        browser.screenshot(&format!("transfer-preview-{theme}-1400")).await;
        browser.run("document.querySelector('main form .primary').click()").await;
        browser.until("document.body.innerText.includes('2 product instances are moved')").await;

        // One of those is removed, after a page that says what it does.
        browser.run("document.querySelector('tbody .row-actions a:last-child').click()").await;
        browser.until("document.querySelector('h1').innerText.startsWith('Remove ')").await;
        browser.screenshot(&format!("remove-{theme}-1400")).await;
        browser.run("document.querySelector('main form .danger').click()").await;
        browser.until("document.body.innerText.includes('The product instance is removed')").await;
    }
    let licenses = world.page("licenses/CCX_PREMIUM/transfer");
    browser.open(&format!("{}{licenses}", manager.url)).await;
    browser.run(&format!("document.querySelector('main input[type=number]').value = 10; document.getElementById('to').value = '{graz}'")).await;
    browser.run("document.querySelector('main form .primary').click()").await;
    browser.until("document.getElementById('effect')").await;
    browser.screenshot("license-transfer-preview-dark-1400").await;
    browser.resize(390, 900).await;
    browser.screenshot("license-transfer-preview-dark-390").await;
    browser.run("document.querySelector('main form .primary').click()").await;
    browser.until("document.body.innerText.includes('The licenses are moved')").await;
}

#[tokio::test]
async fn everything_works_in_a_browser_that_runs_no_script() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await;
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 20)]).await;
    let browser = Browser::without_script().await;
    browser.open(&format!("{}/portal", manager.url)).await;
    browser.fill("#login", ALICE.0).await;
    browser.fill("#password", ALICE.1).await;
    browser.click("main button.primary").await;
    browser.until_found(".places").await;
    assert_eq!(browser.text("#live").await, "", "no script runs");

    // A token is made.
    browser.open(&format!("{}{}", manager.url, world.page("tokens/new"))).await;
    browser.fill("#description", "Without script").await;
    browser.click("main form button.primary").await;
    browser.until_found("#token-text").await;
    assert_eq!(browser.text("#token-text").await.len(), 84);

    // A list is searched and sorted.
    browser.open(&format!("{}{}", manager.url, world.page("instances"))).await;
    browser.fill("#q", "uccx-1").await;
    browser.click("form[role=search] .buttons button").await;
    browser.until_found("a[href$='/instances'].button").await;

    // The chooser leads to another virtual account.
    browser.click(".crumb summary").await;
    browser.click(&format!(".crumb a[href*='{graz}']")).await;
    browser.until_found(".empty").await;

    // A product instance is chosen, moved after a preview, and removed.
    browser.open(&format!("{}{}", manager.url, world.page("instances"))).await;
    browser.click("tbody input[type=checkbox]").await;
    browser.click("#selected [value=transfer]").await;
    browser.until_found("#to").await;
    browser.click(&format!("#to option[value='{graz}']")).await;
    browser.click("main form button.primary").await;
    browser.until_found("#effect").await;
    browser.click("main form button.primary").await;
    browser.until_found(".banner.good").await;
    browser.click("tbody .row-actions a:last-child").await;
    browser.until_found("button.danger").await;
    browser.click("button.danger").await;
    browser.until_found(".empty .steps").await;

    // Times follow the zone.
    browser.open(&format!("{}/preferences", manager.url)).await;
    browser.fill("#zone", "Asia/Tokyo").await;
    browser.click("form[action='/preferences/time-zone'] button").await;
    browser.until_found(".banner.good").await;
    assert!(browser.text(".foot").await.contains("Asia/Tokyo"));
}

/// A browser in which Alice is signed in.
async fn signed_in(manager: &Manager) -> Browser {
    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    browser.until(&format!("{FOCUSED} === 'login'")).await;
    browser.press(ALICE.0).await;
    browser.press(TAB).await;
    browser.press(ALICE.1).await;
    browser.press(ENTER).await;
    browser.until("location.pathname.startsWith('/portal')").await;
    browser
}
