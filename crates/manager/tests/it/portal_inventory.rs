//! What administrators do with what they own, in the portal: move licences and product instances, manage
//! virtual accounts, take tables with them. Without script.

use crate::support::scene::{contact_centre, report};
use crate::support::{ALICE, Visitor, World};

/// The value of a hidden field of a page.
fn hidden(page: &crate::support::Page, name: &str) -> String {
    page.between(&format!("name=\"{name}\" value=\""), "\"").unwrap()
}

#[tokio::test]
async fn licenses_of_several_lots_are_moved_after_both_balances_were_shown() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await.to_string();
    world.deposit(world.default, "SO-1", &[("CCX_PREMIUM", 60, None)]).await;
    world.deposit(world.default, "SO-2", &[("CCX_PREMIUM", 40, Some(90))]).await;
    let token = world.token().await;
    let manager = world.start();
    contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 30)]).await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let transfer = world.page("licenses/CCX_PREMIUM/transfer");
    let form = visitor.get(&transfer).await;
    assert!(form.has("SO-1") && form.has("SO-2") && form.has("Graz"), "{}", form.body);
    let lots: Vec<_> = form
        .body
        .split("name=\"lot-")
        .skip(1)
        .map(|rest| format!("lot-{}", rest.split_once('"').unwrap().0))
        .collect();
    assert_eq!(lots.len(), 2);

    // What is wrong stands beside its field, and what was typed is kept.
    let based_on = hidden(&form, "based_on");
    let wrong = [("to", ""), (lots[0].as_str(), "9999"), (lots[1].as_str(), "many"), ("based_on", &based_on)];
    let page = visitor.submit(&transfer, &transfer, &wrong).await;
    assert_eq!(page.status, 422);
    assert!(page.has("id=\"to-error\"") && page.has("value=\"9999\"") && page.has("value=\"many\""));
    assert!(page.has("of this lot can be moved") && page.has("Type a whole number"), "{}", page.body);

    let mut fields = vec![
        ("to", graz.as_str()),
        (lots[0].as_str(), "35"),
        (lots[1].as_str(), "40"),
        ("based_on", &based_on),
    ];
    let shown = visitor.submit(&transfer, &transfer, &fields).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    for text in [
        "This takes licenses out of compliance",
        "<span>100 → 25</span>",
        "<span>0 → 75</span>",
        "<span class=\"surplus\">+70</span> → <span class=\"shortage\">−5</span>",
        "Goes out of compliance",
    ] {
        assert!(shown.has(text), "{text}: {}", shown.body);
    }
    let previewed = hidden(&shown, "previewed");
    fields.push(("previewed", &previewed));
    let moved = visitor.submit(&transfer, &transfer, &fields).await;
    assert_eq!(moved.status, 303, "{}", moved.body);
    assert!(visitor.get(moved.header("location")).await.has("5 of CCX Premium Agent are short in Default"));
    let history = visitor.get(&world.page("licenses/CCX_PREMIUM/orders")).await;
    assert!(history.has("Moved to Graz"), "{}", history.body);
}

#[tokio::test]
async fn the_second_of_two_who_move_the_same_licenses_is_told_and_shown_the_difference() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await.to_string();
    world.order(100).await;
    let manager = world.start();
    let mut first = Visitor::signed_in(&manager, ALICE).await;
    let mut second = Visitor::signed_in(&manager, ALICE).await;
    let transfer = world.page("licenses/CCX_PREMIUM/transfer");
    let form = second.get(&transfer).await;
    let lot = format!("lot-{}", form.between("name=\"lot-", "\"").unwrap());
    let based_on = hidden(&form, "based_on");
    let key = |count: &str| format!("{graz}:{}={count}", lot.trim_start_matches("lot-"));
    let (ten, twenty) = (key("10"), key("20"));
    let fields = [("to", graz.as_str()), (&lot, "10"), ("based_on", &based_on), ("previewed", &ten)];
    assert_eq!(first.submit(&transfer, &transfer, &fields).await.status, 303);

    let fields = [("to", graz.as_str()), (&lot, "20"), ("based_on", &based_on), ("previewed", &twenty)];
    let told = second.submit(&transfer, &transfer, &fields).await;
    assert_eq!(told.status, 409, "{}", told.body);
    for text in [
        "Somebody changed these licenses meanwhile",
        "100 could be moved, now 90 can",
        "100 → 90",
        "value=\"20\"",
    ] {
        assert!(told.has(text), "{text}: {}", told.body);
    }
    let licenses = second.get(&world.page("licenses")).await;
    assert!(licenses.has("+90"), "the second moved nothing: {}", licenses.body);
    let (based_on, previewed) = (hidden(&told, "based_on"), hidden(&told, "previewed"));
    let fields = [("to", graz.as_str()), (&lot, "20"), ("based_on", &based_on), ("previewed", &previewed)];
    assert_eq!(second.submit(&transfer, &transfer, &fields).await.status, 303);
}

#[tokio::test]
async fn several_product_instances_are_moved_and_removed_with_one_confirmation() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await;
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    let mut ids = Vec::new();
    for n in 1..=3 {
        let host = format!("uccx-{n}");
        let agent =
            contact_centre(&manager, &token.text, &format!("SN{n}"), &host, &[("CCX_PREMIUM", 20)]).await;
        ids.push(agent.instance.unwrap().to_string());
    }
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let list = visitor.get(&world.page("instances")).await;
    assert_eq!(list.body.matches("type=\"checkbox\" form=\"selected\"").count(), 3);
    let selected = world.page("instances/selected");
    let none = visitor.get(&format!("{selected}?step=remove")).await;
    assert!(visitor.get(none.header("location")).await.has("Nothing is chosen"));

    let both = format!("instance={}&instance={}", ids[0], ids[1]);
    let graz_id = graz.to_string();
    let asked = visitor.get(&format!("{selected}?step=transfer&{both}&to={graz}")).await;
    for text in
        ["Transfer 2 product instances", "uccx-1", "uccx-2", "<span>60 → 20</span>", "<span>0 → 40</span>"]
    {
        assert!(asked.has(text), "{text}: {}", asked.body);
    }
    assert!(!asked.has("uccx-3"));
    let form = format!("{selected}?step=transfer&{both}");
    let fields = [
        ("step", "transfer"),
        ("instance", ids[0].as_str()),
        ("instance", &ids[1]),
        ("to", &graz_id),
        ("previewed", &graz_id),
    ];
    // While the page was open somebody removed one of them.
    let page = visitor.get(&form).await;
    let mut other = Visitor::signed_in(&manager, ALICE).await;
    let remove = world.page(&format!("instances/{}/remove", ids[1]));
    assert_eq!(other.submit(&remove, &remove, &[]).await.status, 303);
    let csrf = page.csrf();
    let mut sent = vec![("csrf", csrf.as_str())];
    sent.extend_from_slice(&fields);
    let told = visitor.post(&selected, &sent).await;
    assert_eq!(told.status, 409);
    assert!(told.has("Somebody changed this meanwhile") && told.has("uccx-2 ended on"), "{}", told.body);
    assert!(
        visitor.get(&world.page_of(graz, "instances")).await.has("No product instance is registered here")
    );
    let own = world.page(&format!("instances/{}/transfer", ids[0]));
    let moved = visitor.submit(&own, &own, &[("to", &graz_id), ("previewed", &graz_id)]).await;
    assert!(visitor.get(moved.header("location")).await.has("The product instance is moved"));

    let both = [("step", "remove"), ("instance", ids[2].as_str())];
    let form = format!("{selected}?step=remove&instance={}", ids[2]);
    let removed = visitor.submit(&form, &selected, &both).await;
    assert_eq!(removed.header("location"), world.page("instances?done=removed-1"), "{}", removed.body);
}

#[tokio::test]
async fn virtual_accounts_are_created_renamed_and_deleted_when_empty() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let new = "/portal/example.com/virtual-accounts/new";
    for (name, wrong) in [("", "Give it a name"), ("Default", "id=\"name-error\"")] {
        let page = alice.submit(new, new, &[("name", name), ("description", "Two sites")]).await;
        assert_eq!(page.status, 422, "{name}");
        assert!(page.has(wrong) && page.has(">Two sites</textarea>"), "{name}: {}", page.body);
    }
    let made = alice.submit(new, new, &[("name", "Graz"), ("description", "Two sites")]).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let base = made.header("location").split_once("/general").unwrap().0.to_owned();
    assert!(alice.get(made.header("location")).await.has("The virtual account is created"));

    let edit = format!("{base}/edit");
    let was = [("was_name", "Graz"), ("was_description", "Two sites")];
    let mut fields = vec![("name", "Graz and Vienna"), ("description", "Two sites")];
    fields.extend(was);
    assert_eq!(alice.submit(&edit, &edit, &fields).await.status, 303);
    // The second who opened the page before that is told, and shown the difference.
    let mut fields = vec![("name", "Styria"), ("description", "Two sites")];
    fields.extend(was);
    let told = alice.submit(&edit, &edit, &fields).await;
    assert_eq!(told.status, 409);
    assert!(told.has("was “Graz” when you opened the page and is “Graz and Vienna” now"), "{}", told.body);
    assert!(told.has("value=\"Styria\""));

    let delete = format!("{base}/delete");
    assert!(alice.get(&delete).await.has("It is empty"));
    let place = base.rsplit('/').next().unwrap().parse().unwrap();
    drop(manager);
    world.deposit(place, "SO-1", &[("CCX_PREMIUM", 5, None)]).await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let refused = alice.submit(&delete, &delete, &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.has("It was not deleted") && refused.has("It holds 1 license and "), "{}", refused.body);
    let lot = alice.get(&format!("{base}/licenses/CCX_PREMIUM/transfer")).await;
    let lot = format!("lot-{}", lot.between("name=\"lot-", "\"").unwrap());
    let path = format!("{base}/licenses/CCX_PREMIUM/transfer");
    let to = world.default.to_string();
    let based_on = hidden(&alice.get(&path).await, "based_on");
    let key = format!("{to}:{}=5", lot.trim_start_matches("lot-"));
    let fields = [("to", to.as_str()), (&lot, "5"), ("based_on", &based_on), ("previewed", &key)];
    assert_eq!(alice.submit(&path, &path, &fields).await.status, 303);
    let deleted = alice.submit(&delete, &delete, &[]).await;
    assert_eq!(deleted.header("location"), "/portal/example.com?done=deleted", "{}", deleted.body);
    assert_eq!(alice.get(&format!("{base}/general")).await.status, 404);
}

#[tokio::test]
async fn virtual_accounts_are_found_by_name_and_by_license_and_the_default_is_starred() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await;
    world.virtual_account("Aachen", "").await;
    world.deposit(graz, "SO-1", &[("CCX_SERVER", 1, None)]).await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let all = visitor.get("/portal/example.com").await;
    let order: Vec<_> = ["Default", "Aachen", "Graz"]
        .iter()
        .map(|name| all.body.find(&format!("class=\"name\">{name}<")).expect("is listed"))
        .collect();
    assert!(order.is_sorted(), "the default one first, then by name");
    assert_eq!(all.body.matches("class=\"default\"").count(), 1);
    for (search, found, missing) in
        [("gra", "Graz", "Aachen"), ("ccx_server", "Graz", "Default"), ("CCX Server", "Graz", "Aachen")]
    {
        let page = visitor.get(&format!("/portal/example.com?q={}", search.replace(' ', "%20"))).await;
        assert!(page.has(&format!("class=\"name\">{found}<")), "{search}");
        assert!(!page.has(&format!("class=\"name\">{missing}<")), "{search}");
    }
    let none = visitor.get("/portal/example.com?q=%3Cb%3E").await;
    assert!(none.has("has “&#60;b&#62;” in its name"), "{}", none.body);
}

#[tokio::test]
async fn every_table_is_a_file_with_all_rows_of_its_filter_and_no_formula() {
    let world = World::new().await;
    world.virtual_account("=HYPERLINK(\"http://evil.example\")", "a, \"quoted\" one").await;
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    for n in 0..53 {
        let host = if n == 0 { "=cmd|' /C calc'!A0".to_owned() } else { format!("host-{n:02}") };
        contact_centre(&manager, &token.text, &format!("SN{n:02}"), &host, &[("CCX_PREMIUM", 3)]).await;
    }
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let list = visitor.get(&world.page("instances?q=host")).await;
    let before = list.body.split_once("\" download").unwrap().0;
    let path = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&");
    let file = visitor.get(&path).await;
    assert_eq!(file.status, 200);
    assert!(file.header("content-type").starts_with("text/csv"), "{}", file.header("content-type"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"instances-Default.csv\"");
    let lines: Vec<_> = file.body.split("\r\n").collect();
    assert_eq!((lines.len(), lines[53]), (54, ""), "a head and 52 rows: {}", file.body);
    assert!(lines[0].starts_with("name,product id,serial number"));
    assert!(lines[1].starts_with("host-01,UCCX,SN01,") && lines[1].contains("3 CCX Premium Agent"));
    let whole = visitor.get(&world.page("instances?format=csv")).await;
    assert!(whole.has("\r\n'=cmd|' /C calc'!A0,"), "{}", whole.body);

    let places = visitor.get("/portal/example.com?format=csv").await;
    assert!(
        places.has("\"'=HYPERLINK(\"\"http://evil.example\"\")\",\"a, \"\"quoted\"\" one\",no,"),
        "{}",
        places.body
    );
    for (path, row) in [
        (world.page("licenses?format=csv"), "Default,CCX Premium Agent,CCX_PREMIUM,100,159,0,-59,"),
        (world.page("licenses/CCX_PREMIUM/orders?format=csv"), ",Ordered,100,"),
        (world.page("licenses/CCX_PREMIUM?format=csv"), ",Perpetual,Active,100,0,0,"),
        (world.page("licenses/CCX_PREMIUM/events?format=csv"), ",out_of_compliance,"),
        (world.page("events?kind=token_created&format=csv"), ",token_created,"),
        ("/portal/example.com/activity?user=alice&format=csv".into(), ",virtual_account_created,"),
        (world.page("general?format=csv"), "for tests,Active,53,"),
    ] {
        let file = visitor.get(&path).await;
        assert!(
            file.header("content-type").starts_with("text/csv") && file.has(row),
            "{path}: {}",
            file.body
        );
    }
    let tokens = visitor.get(&world.page("general?format=csv")).await;
    assert!(!tokens.has(&token.text), "the file does not hold what lets products in");
    let refused = Visitor::new(&manager).get(&world.page("instances?format=csv")).await;
    assert_eq!(refused.status, 303);
}

#[tokio::test]
async fn licenses_are_searched_sorted_and_paged_by_the_server() {
    let world = World::new().await;
    let lots = [("CCX_PREMIUM", 10, None), ("CCX_SERVER", 300, None), ("CCX_FLEX_PREMIUM", 20, Some(30))];
    world.deposit(world.default, "SO-1", &lots).await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let order = |body: &str| -> Vec<String> {
        body.split("id=\"l-").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect()
    };
    for (query, rows) in [
        ("", vec!["CCX_FLEX_PREMIUM", "CCX_PREMIUM", "CCX_SERVER"]),
        ("?sort=purchased", vec!["CCX_SERVER", "CCX_FLEX_PREMIUM", "CCX_PREMIUM"]),
        ("?sort=purchased&order=up", vec!["CCX_PREMIUM", "CCX_FLEX_PREMIUM", "CCX_SERVER"]),
        ("?sort=expiry&q=premium", vec!["CCX_FLEX_PREMIUM", "CCX_PREMIUM"]),
        ("?q=CCX_SERV", vec!["CCX_SERVER"]),
    ] {
        let page = visitor.get(&world.page(&format!("licenses{query}"))).await;
        assert_eq!(order(&page.body), rows, "{query}");
    }
    let none = visitor.get(&world.page("licenses?q=nothing")).await;
    assert!(none.has("No license here matches “nothing”"));
}

#[tokio::test]
async fn times_follow_the_zone_of_the_reader_with_the_instant_in_utc_beside() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let path = "/preferences";
    let page = alice.get(path).await;
    assert!(page.has("<option value=\"Asia/Kolkata\">") && page.has("Times are shown in UTC"));
    let wrong = alice.submit(path, "/preferences/time-zone", &[("zone", "Europe/<Nowhere>")]).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.has("id=\"zone-error\"") && wrong.has("value=\"Europe/&#60;Nowhere&#62;\""),
        "{}",
        wrong.body
    );
    let done = alice.submit(path, "/preferences/time-zone", &[("zone", "asia/kolkata")]).await;
    assert_eq!(done.status, 303);
    assert!(alice.get(done.header("location")).await.has("Times are shown in Asia/Kolkata"));
    let events = alice.get(&world.page("events")).await;
    let (utc, shown) =
        (events.between("<time datetime=\"", "\"").unwrap(), events.between(" UTC\">", "</time>").unwrap());
    let utc: jiff::Timestamp = utc.parse().unwrap();
    let kolkata = utc.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(5)));
    let half = kolkata.checked_add(jiff::SignedDuration::from_mins(30)).unwrap();
    assert_eq!(shown, half.strftime("%Y-%m-%d %H:%M:%S IST").to_string());
    // Another person's times are not concerned.
    let mut other = Visitor::signed_in(&manager, ALICE).await;
    assert!(other.get(path).await.has("Asia/Kolkata"), "it goes with the person, not the browser");
}

#[tokio::test]
async fn activity_shows_the_whole_account_filtered_by_who_what_when() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await;
    world.order(10).await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 3)]).await;
    agent.ask(&manager, report(&[("CCX_PREMIUM", 12)])).await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let page = |query: &str| format!("/portal/example.com/activity?{query}");
    let count = |body: &str| body.matches("id=\"e-").count();
    let all = visitor.get(&page("")).await;
    assert!(all.has("The virtual account Graz was created") && all.has("uccx-1") && count(&all.body) >= 4);
    for (query, some) in [
        ("user=alice", true),
        ("user=system", false),
        ("instance=uccx-1", true),
        ("instance=UCCX-1&kind=instance_registered", true),
        ("kind=instance_removed", false),
        ("license=CCX_PREMIUM", true),
        ("since=2020-01-01&until=2020-12-31", false),
        ("since=2020-01-01", true),
        ("until=2020-01-01", false),
    ] {
        let found = visitor.get(&page(query)).await;
        assert_eq!(count(&found.body) > 0, some, "{query}: {}", found.body);
        assert!(count(&found.body) < count(&all.body) || query == "since=2020-01-01", "{query}");
        assert!(some || found.has("No event matches"), "{query}");
    }
    for (query, told) in [
        ("since=tomorrow", "id=\"since-error\""),
        ("instance=nobody", "id=\"instance-error\""),
        ("since=2026-02-01&until=2026-01-01", "id=\"until-error\""),
    ] {
        assert!(visitor.get(&page(query)).await.has(told), "{query}");
    }
    assert_eq!(visitor.get(&world.page_of(graz, "events?user=alice")).await.status, 200);
}
