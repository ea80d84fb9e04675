//! Tokens, users, lots and alerts: searched, sorted and paged by the server, in the portal and by REST alike.

use serde_json::{Value, json};

use crate::portal_pages::check;
use crate::rest_support::Caller;
use crate::support::{ALICE, Page, Visitor, World};

const ACCOUNT: &str = "/api/seatpool/v1/accounts/example.com";

/// What stands after `before` up to a quotation mark or tag, as often as it is there.
fn each(page: &Page, before: &str) -> Vec<String> {
    let texts = page.body.split(before).skip(1);
    texts.map(|rest| rest.split(['"', '<']).next().unwrap().to_owned()).collect()
}

/// A value of each row that a list of the REST API holds, all pages one after the other.
async fn rows(caller: &Caller, path: &str, name: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("{path}&limit=7{cursor}")).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        let page = page.json();
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().map(|row| row[name].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

fn lines(page: &Page) -> usize {
    page.body.lines().count() - 1
}

#[tokio::test]
async fn tokens_are_searched_sorted_and_paged_by_the_server() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let tokens = format!("{ACCOUNT}/virtual-accounts/Default/tokens");
    for n in 0..52_u64 {
        let description = format!("{} {n:02}", if n.is_multiple_of(2) { "Branch" } else { "depot" });
        let new = json!({ "description": description, "expires_after_days": 1 + n * 7 % 52 });
        let made = caller.post(&tokens, new).await;
        assert_eq!(made.status, 201, "{}", made.text);
        if n == 9 {
            let id = made.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(caller.post(&format!("{tokens}/{id}/revoke"), json!({})).await.status, 204);
        }
    }
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let shown = |page: &Page| each(page, "<span class=\"name\">");
    let first = alice.get(&world.page("general")).await;
    check("many tokens", &first);
    assert!(first.has("1 to 40 of 52"), "{}", first.body);
    assert_eq!(shown(&first)[..2], ["depot 51", "Branch 50"], "the newest first");
    let next = first.between("rel=\"next\" href=\"", "\"").unwrap().replace("&#38;", "&");
    assert_eq!(shown(&alice.get(&next).await)[10..], ["depot 01", "Branch 00"]);

    let by_name = alice.get(&world.page("general?sort=token&order=up")).await;
    assert!(by_name.has("aria-sort=\"ascending\""), "{}", by_name.body);
    assert_eq!(shown(&by_name)[..2], ["Branch 00", "Branch 02"]);
    let last = alice.get(&world.page("general?sort=token&order=down&page=2")).await;
    assert_eq!(shown(&last)[10..], ["Branch 02", "Branch 00"]);
    let soonest = alice.get(&world.page("general?sort=expires")).await;
    assert_eq!(shown(&soonest)[..3], ["Branch 00", "depot 15", "Branch 30"]);
    let found = alice.get(&world.page("general?q=DEPOT+0&sort=token&order=down")).await;
    assert_eq!(shown(&found), ["depot 09", "depot 07", "depot 05", "depot 03", "depot 01"]);
    assert!(found.has("value=\"DEPOT 0\"") && found.has("name=\"sort\" value=\"token\""), "{}", found.body);
    let revoked = alice.get(&world.page("general?status=revoked")).await;
    assert_eq!(shown(&revoked), ["depot 09"]);
    let none = alice.get(&world.page("general?q=%3Cnothing%3E")).await;
    assert!(none.has("No token here matches") && none.has("Show all of them"), "{}", none.body);
    assert_eq!(lines(&alice.get(&world.page("general?format=csv")).await), 52);
    assert_eq!(lines(&alice.get(&world.page("general?q=branch&format=csv")).await), 26);
    // Where a token is shown and revoked, only that one is read.
    let id = each(&found, "<tr role=\"row\" id=\"t-").remove(1);
    assert_eq!(alice.get(&world.page(&format!("tokens/{id}"))).await.status, 200);
    assert_eq!(alice.get(&world.page("tokens/00000000-0000-7000-8000-000000000000")).await.status, 404);

    let newest = rows(&caller, &format!("{tokens}?text="), "description").await;
    assert_eq!((newest.len(), newest[0].as_str(), newest[51].as_str()), (52, "depot 51", "Branch 00"));
    let mut oldest = rows(&caller, &format!("{tokens}?sort=created"), "description").await;
    oldest.reverse();
    assert_eq!(oldest, newest);
    let named = rows(&caller, &format!("{tokens}?sort=-description&text=branch%204"), "description").await;
    assert_eq!(named, ["Branch 48", "Branch 46", "Branch 44", "Branch 42", "Branch 40"]);
    assert_eq!(rows(&caller, &format!("{tokens}?status=revoked"), "description").await, ["depot 09"]);
    assert_eq!(rows(&caller, &format!("{tokens}?status=expired"), "description").await, [""; 0]);
    for wrong in ["sort=uses", "status=gone"] {
        assert_eq!(caller.get(&format!("{tokens}?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn users_are_searched_sorted_and_paged_by_the_server() {
    let world = World::new().await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let users = format!("{ACCOUNT}/users");
    for n in 0..52 {
        let (login, name) = (format!("user{n:02}"), format!("Person {:02} Berg", 51 - n));
        let new = json!({ "login": login, "name": name, "roles": [{ "role": "approver" }] });
        let made = caller.post(&users, new).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let page = |query: &str| format!("/portal/example.com/account/users{query}");
    let shown = |page: &Page| -> Vec<String> {
        page.body
            .split("<a class=\"name\" href=\"")
            .skip(1)
            .map(|rest| rest.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned())
            .collect()
    };
    let first = alice.get(&page("")).await;
    check("many users", &first);
    assert!(first.has("1 to 40 of 53") && first.has("aria-sort=\"ascending\""), "{}", first.body);
    assert_eq!(shown(&first)[..2], ["alice", "user00"]);
    let next = first.between("rel=\"next\" href=\"", "\"").unwrap().replace("&#38;", "&");
    assert_eq!(shown(&alice.get(&next).await)[10..], ["user49", "user50", "user51"]);
    let by_name = alice.get(&page("?sort=name&q=berg")).await;
    assert_eq!(shown(&by_name)[..2], ["user51", "user50"]);
    assert_eq!(shown(&alice.get(&page("?sort=created")).await)[0], "user51", "the newest first");
    assert_eq!(shown(&alice.get(&page("?q=PERSON+00")).await), ["user51"]);
    let none = alice.get(&page("?q=nobody")).await;
    assert!(none.has("No user matches “nobody”"), "{}", none.body);
    assert_eq!(lines(&alice.get(&page("?format=csv")).await), 53);
    assert_eq!(lines(&alice.get(&page("?q=user0&format=csv")).await), 10);

    let all = rows(&caller, &format!("{users}?text="), "login").await;
    assert_eq!((all.len(), all[0].as_str(), all[52].as_str()), (53, "alice", "user51"));
    let named = rows(&caller, &format!("{users}?sort=-name&text=berg"), "login").await;
    assert_eq!((named.len(), named[0].as_str()), (52, "user00"));
    assert_eq!(caller.get(&format!("{users}?sort=roles")).await.status, 400);
}

#[tokio::test]
async fn lots_are_sorted_by_each_column() {
    let world = World::new().await;
    world.deposit(world.default, "SO-2", &[("CCX_PREMIUM", 10, None)]).await;
    world.deposit(world.default, "SO-3", &[("CCX_SERVER", 300, Some(90))]).await;
    world.deposit(world.default, "SO-1", &[("CCX_FLEX_PREMIUM", 20, Some(30))]).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (flex, premium, server) = ("CCX Flex Premium Agent", "CCX Premium Agent", "CCX Server");
    for (sort, order, names) in [
        ("", "", [flex, server, premium]),
        ("status", "", [flex, server, premium]),
        ("license", "up", [flex, premium, server]),
        ("license", "down", [server, premium, flex]),
        ("order", "up", [flex, premium, server]),
        ("order", "down", [server, premium, flex]),
        ("quantity", "", [server, flex, premium]),
        ("quantity", "up", [premium, flex, server]),
        ("ends", "up", [flex, server, premium]),
        ("ends", "down", [premium, server, flex]),
    ] {
        let path = format!("/portal/example.com/reports/lots?sort={sort}&order={order}");
        let page = alice.get(&path).await;
        assert_eq!(each(&page, "<span class=\"name\">"), names, "{path}");
        assert!(page.has("aria-sort="), "{path}: {}", page.body);
        if sort.is_empty() {
            continue;
        }
        let sort = if sort == "status" { "standing" } else { sort };
        let down = order == "down" || sort == "quantity" && order.is_empty();
        let path = format!("{ACCOUNT}/lots?sort={}{sort}", if down { "-" } else { "" });
        assert_eq!(rows(&caller, &path, "name").await, names, "{path}");
    }
    let found = alice.get("/portal/example.com/reports/lots?sort=license&order=down&q=premium").await;
    assert_eq!(each(&found, "<span class=\"name\">"), [premium, flex]);
    let file = alice.get("/portal/example.com/reports/lots?sort=license&order=down&format=csv").await;
    let first = file.body.lines().nth(1).unwrap().to_owned();
    assert!(first.contains("CCX_SERVER"), "{first}");
    for wrong in ["colour", "-standing"] {
        assert_eq!(caller.get(&format!("{ACCOUNT}/lots?sort={wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn alerts_are_sorted_and_dismissed_only_in_the_state_that_was_seen() {
    let world = World::new().await;
    world.deposit(world.default, "SO-1", &[("CCX_PREMIUM", 40, Some(20))]).await;
    world.deposit(world.default, "SO-2", &[("CCX_FLEX_PREMIUM", 7, Some(50))]).await;
    world.deposit(world.default, "SO-3", &[("CCX_SERVER", 9, Some(80))]).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (flex, premium, server) = ("CCX Flex Premium Agent", "CCX Premium Agent", "CCX Server");
    let alerts = format!("{ACCOUNT}/alerts");
    let sources = async |sort: &str| -> Vec<String> {
        let found = caller.get(&format!("{alerts}?sort={sort}")).await.json();
        let source = |row: &Value| row["source"]["name"].as_str().unwrap().to_owned();
        found["items"].as_array().unwrap().iter().map(source).collect()
    };
    for (query, sort, names) in [
        ("", "severity", [premium, flex, server]),
        ("?sort=severity&order=up", "-severity", [server, flex, premium]),
        ("?sort=source", "source", [flex, premium, server]),
        ("?sort=source&order=down", "-source", [server, premium, flex]),
        ("?sort=due", "action_due", [premium, flex, server]),
        ("?sort=due&order=down", "-action_due", [server, flex, premium]),
    ] {
        let page = alice.get(&format!("/portal/example.com/alerts{query}")).await;
        let rows = page.body.split("data-label=\"Source\"").skip(1);
        let shown: Vec<_> =
            rows.map(|row| row.split_once("\">").unwrap().1.split_once('<').unwrap().0.to_owned()).collect();
        assert_eq!(shown, names, "{query}: {}", page.body);
        assert_eq!(page.body.matches("aria-sort=").count(), 1, "{query}");
        assert_eq!(sources(sort).await, names, "{sort}");
    }
    assert_eq!(caller.get(&format!("{alerts}?sort=message")).await.status, 400);

    // The list goes on as it was chosen after a button.
    let chosen = "/portal/example.com/alerts?severity=minor&sort=due&order=down";
    let page = alice.get(chosen).await;
    let key = page.between("name=\"alert\" value=\"", "\"").unwrap();
    let sent = [("alert", key.as_str()), ("severity", "minor"), ("sort", "due"), ("order", "down")];
    let done = alice.submit(chosen, "/portal/example.com/alerts/dismiss", &sent).await;
    let to = done.header("location").to_owned();
    assert!(to.contains("severity=minor") && to.contains("sort=due") && to.contains("order=down"), "{to}");

    let listed = caller.get(&format!("{alerts}?severity=major")).await.json();
    let alert = &listed["items"][0];
    let (id, state) = (alert["id"].as_str().unwrap(), alert["state"].as_str().unwrap());
    let dismiss = format!("{alerts}/{id}/dismiss");
    let stale = caller.post(&dismiss, json!({ "seen": "0123456789abcdef" })).await;
    assert_eq!((stale.status, stale.json()["code"].as_str()), (409, Some("changed_meanwhile")));
    assert!(stale.text.contains("40 of CCX Premium Agent"), "{}", stale.text);
    assert_eq!(caller.get(&format!("{alerts}?dismissed=true")).await.json()["total"], 1);
    assert_eq!(caller.post(&dismiss, json!({ "saw": state })).await.status, 400);
    let done = caller.post(&dismiss, json!({ "seen": state })).await;
    assert_eq!((done.status, done.json()["state"].as_str()), (200, Some(state)), "{}", done.text);
    let again = caller.call(http::Method::POST, &dismiss, None).await;
    assert_eq!(again.status, 200, "a body is not needed: {}", again.text);
}
