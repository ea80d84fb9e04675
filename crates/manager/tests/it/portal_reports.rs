//! Reports, orders, renewals, cancellations and declarations in the portal.

use jiff::SignedDuration;
use seatpool_domain::history::{Span, UsageSpan};
use seatpool_manager::App;
use seatpool_manager::clock::Clock;
use seatpool_proto::Quantity;

use crate::support::browser::{ENTER, TAB};
use crate::support::scene::{BOB, CAROL, contact_centre};
use crate::support::{ALICE, Browser, Page, TAG, Visitor, World, now};

const LOTS: &str = "/portal/example.com/reports/lots";

/// Usage of the last thirty days, a shortage in the midst of it, as reports have left it.
async fn history(world: &World) {
    let (account, virtual_account) = (world.account, world.default);
    let today = Span::Day.start_of(now());
    let day = |n: i64| today.checked_sub(SignedDuration::from_hours(24 * (40 - n))).unwrap();
    let row = |n: i64| {
        let in_use = 60 + (n * 37 % 23) + if (18..24).contains(&n) { 38 } else { 0 };
        let owned = if n < 24 { 100 } else { 130 };
        let q = |count: i64| Quantity::of(count.max(0).cast_unsigned());
        UsageSpan {
            virtual_account,
            tag: TAG.parse().unwrap(),
            starts_at: day(n),
            span: Span::Day,
            in_use_high: q(in_use),
            in_use: q(in_use - 9),
            short_high: q(in_use - owned),
            short: q(0),
            owned: q(owned),
        }
    };
    let rows: Vec<_> = (0..40).map(row).collect();
    world
        .offline(Clock::default(), async |app: App| {
            app.store().thin_usage(account, &[], &rows).await.unwrap();
        })
        .await;
}

/// The path of a lot's step, from the page of lots.
fn step_of(page: &Page, word: &str) -> String {
    let end = format!("/{word}\"");
    let path = page.body.split("href=\"").find(|rest| {
        rest.starts_with("/portal/example.com/lots/")
            && rest.split_once('"').is_some_and(|(path, _)| format!("{path}\"").ends_with(&end))
    });
    path.expect("a lot with this step").split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn the_usage_of_a_license_is_drawn_listed_and_downloaded() {
    let world = World::new().await;
    world.order(130).await;
    history(&world).await;
    world.other_account().await;
    world.reader().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let page = visitor.get("/portal/example.com/reports").await;
    assert_eq!(page.status, 200, "{}", page.body);
    for text in
        ["CCX Premium Agent in Default", "<desc", "Owned 130", "Short in ", "Highest use", "role=\"img\""]
    {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    assert!(!page.has("style=\"") && page.body.len() < 100_000);
    let csv =
        page.between("href=\"/portal/example.com/reports/usage.csv?", "\"").unwrap().replace("&#38;", "&");
    let file = visitor.get(&format!("/portal/example.com/reports/usage.csv?{csv}")).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert_eq!(
        file.body.lines().next(),
        Some("virtual_account,tag,license,starts_at,step,in_use,owned,short")
    );
    assert_eq!(file.body.lines().count(), 32, "a head, and 31 days");

    let none = visitor.get("/portal/example.com/reports?license=CCX_SERVER").await;
    assert!(none.status == 200 && none.has("Nothing is on record"), "{}", none.body);
    assert_eq!(visitor.get("/portal/example.com/reports?license=NOSUCH").await.status, 404);
    assert_eq!(visitor.get("/portal/example.com/reports?va=nosuch").await.status, 404);

    let mut carol = Visitor::signed_in(&manager, CAROL).await;
    assert_eq!(carol.get("/portal/example.com/reports").await.status, 200);
    assert!(!carol.get(LOTS).await.has("/orders/new"));
    for path in ["orders/new", "declarations/new"] {
        assert_eq!(carol.get(&format!("/portal/example.com/{path}")).await.status, 403, "{path}");
    }
    let mut bob = Visitor::signed_in(&manager, BOB).await;
    for path in ["reports", "reports/usage.csv", "reports/lots", "orders/new", "declarations/new"] {
        assert_eq!(bob.get(&format!("/portal/example.com/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_operator_orders_renews_and_cancels_and_sees_before_what_it_does() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    contact_centre(&manager, &token.text, "SN1", "uccx-1", &[(TAG, 8)]).await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let form = "/portal/example.com/orders/new";
    let place = world.default.to_string();
    let order = |quantity: &'static str, step: &'static str| {
        [
            ("virtual_account", place.clone()),
            ("license", TAG.to_owned()),
            ("quantity", quantity.to_owned()),
            ("order_id", "SO-1".to_owned()),
            ("length", "3".to_owned()),
            ("subscription_id", "SUB-1".to_owned()),
            ("step", step.to_owned()),
        ]
    };
    let send = async |visitor: &mut Visitor, to: &str, fields: &[(&str, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        visitor.submit(to, to, &fields).await
    };
    let wrong = send(&mut visitor, form, &order("many", "do")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("id=\"quantity-error\"") && wrong.has("value=\"many\"") && wrong.has("value=\"SO-1\""));
    let preview = send(&mut visitor, form, &order("10", "preview")).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    assert!(preview.has("0 → 10") && preview.has("8 → <strong>0</strong>"), "{}", preview.body);
    assert!(visitor.get(LOTS).await.has("Nothing was deposited yet"), "a preview changes nothing");
    let done = send(&mut visitor, form, &order("10", "do")).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, "/portal/example.com/reports/lots?done=ordered")
    );
    let lots = visitor.get(done.header("location")).await;
    assert!(lots.has("The licenses are deposited") && lots.has("Subscription SUB-1"), "{}", lots.body);

    // A renewal shows what would come at the present end without it.
    let path = step_of(&lots, "renew");
    let renewal = |order: &'static str, step: &'static str| {
        [
            ("order_id", order.to_owned()),
            ("length", "1".to_owned()),
            ("whole", "yes".to_owned()),
            ("step", step.to_owned()),
        ]
    };
    let preview = send(&mut visitor, &path, &renewal("SO-2", "preview")).await;
    assert!(preview.has("0 → 10") && preview.has("8 → <strong>0</strong>"), "{}", preview.body);
    let wrong = send(&mut visitor, &path, &renewal("", "do")).await;
    assert!(wrong.status == 422 && wrong.has("id=\"order_id-error\""));
    assert_eq!(send(&mut visitor, &path, &renewal("SO-2", "do")).await.status, 303);

    let path = step_of(&lots, "cancel");
    let asked = visitor.get(&path).await;
    assert!(asked.has("10 → 0") && asked.has("0 → <strong>8</strong>"), "{}", asked.body);
    let cancel = |quantity: &'static str| {
        [
            ("quantity", quantity.to_owned()),
            ("reason", "ordered by mistake".to_owned()),
            ("step", "do".to_owned()),
        ]
    };
    let wrong = send(&mut visitor, &path, &cancel("11")).await;
    assert!(wrong.status == 422 && wrong.has("can&#39;t be taken back"), "{}", wrong.body);
    assert_eq!(send(&mut visitor, &path, &cancel("4")).await.status, 303);
    let history = visitor.get(&world.page("licenses/CCX_PREMIUM/orders")).await;
    for text in ["10 → 6", "ordered by mistake", "End: <time"] {
        assert!(history.has(text), "{text}: {}", history.body);
    }
    let events = visitor.get(&world.page("events?kind=licenses_cancelled")).await;
    assert!(
        events.has("Cancelled: 4 of CCX Premium Agent") && events.has("ordered by mistake"),
        "{}",
        events.body
    );
}

#[tokio::test]
async fn what_is_declared_is_confirmed_or_rejected_with_a_reason() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let form = "/portal/example.com/declarations/new";
    let place = world.default.to_string();
    let declare = |note: &'static str, step: &'static str| {
        [
            ("virtual_account", place.clone()),
            ("license", TAG.to_owned()),
            ("quantity", "7".to_owned()),
            ("note", note.to_owned()),
            ("step", step.to_owned()),
        ]
    };
    let send = async |visitor: &mut Visitor, to: &str, fields: &[(&str, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        visitor.submit(to, to, &fields).await
    };
    let wrong = send(&mut visitor, form, &declare("", "do")).await;
    assert!(wrong.status == 422 && wrong.has("id=\"note-error\""), "{}", wrong.body);
    let preview = send(&mut visitor, form, &declare("contract 7", "preview")).await;
    assert!(preview.status == 200 && preview.has("0 → 7"), "{}", preview.body);
    assert_eq!(send(&mut visitor, form, &declare("contract 7", "do")).await.status, 303);
    let lots = visitor.get(LOTS).await;
    assert!(lots.has("Declared, to be confirmed") && lots.has("alice: contract 7"), "{}", lots.body);

    let path = step_of(&lots, "reject");
    let reject = |reason: &'static str| [("reason", reason.to_owned()), ("step", "do".to_owned())];
    let wrong = send(&mut visitor, &path, &reject("")).await;
    assert!(wrong.status == 422 && wrong.has("id=\"reason-error\""));
    assert_eq!(send(&mut visitor, &path, &reject("no such contract")).await.status, 303);
    let lots = visitor.get(LOTS).await;
    assert!(
        lots.has("Rejected") && lots.has("alice: no such contract") && !lots.has("/confirm\""),
        "{}",
        lots.body
    );
    assert_eq!(visitor.get(&path.replace("reject", "nothing")).await.status, 404);
}

#[tokio::test]
async fn the_chart_is_pictured_in_light_and_dark_wide_and_narrow() {
    let world = World::new().await;
    world.order(130).await;
    world
        .deposit(
            world.default,
            "SO-7",
            &[("CCX_FLEX_PREMIUM", 60, Some(41)), ("CCX_FLEX_STANDARD", 20, Some(300))],
        )
        .await;
    history(&world).await;
    let manager = world.start();
    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    browser.press(ALICE.0).await;
    browser.press(TAB).await;
    browser.press(ALICE.1).await;
    browser.press(ENTER).await;
    browser.until("location.pathname.startsWith('/portal')").await;
    for (theme, width) in [("light", 1400), ("light", 360), ("dark", 1400), ("dark", 360)] {
        browser.set_cookie("seatpool-appearance", theme).await;
        browser.resize(width, 900).await;
        for (name, path) in [
            ("usage", "/portal/example.com/reports?days=90"),
            ("lots", LOTS),
            ("order-new", "/portal/example.com/orders/new"),
            ("declare-new", "/portal/example.com/declarations/new"),
        ] {
            browser.open(&format!("{}{path}", manager.url)).await;
            let picture = browser.screenshot(&format!("report-{name}-{theme}-{width}")).await;
            assert!(std::fs::metadata(picture).unwrap().len() > 5_000, "{name} is blank");
            browser.check_accessible(&format!("{name}, {theme}, {width}")).await;
            let beyond = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
            assert_eq!(beyond, serde_json::json!(0), "{name} is wider than {width}");
        }
        let shown = "[...document.querySelectorAll('svg.chart')].filter(e => e.getBoundingClientRect().width > 0).length";
        browser.open(&format!("{}/portal/example.com/reports?days=90", manager.url)).await;
        assert_eq!(browser.run(&format!("return {shown}")).await, serde_json::json!(1), "one of the two");
        let beyond = "return [...document.querySelectorAll('svg.chart')].filter(e => e.getBoundingClientRect().width > 0)\
            .flatMap(e => [...e.querySelectorAll('text')].filter(t => { const a = t.getBoundingClientRect(), b = e.getBoundingClientRect(); \
            return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1 })).map(t => t.textContent).join()";
        assert_eq!(browser.run(beyond).await, serde_json::json!(""), "no word is cut off");
    }
}
