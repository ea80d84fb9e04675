//! Every page as a browser without script gets it.

use crate::support::scene::{contact_centre, report};
use crate::support::{ALICE, Page, Visitor, World};

/// No page is larger.
const PAGE_BYTES_MAX: usize = 100 * 1000;

/// What holds for every page: headers, and nothing inline or from elsewhere.
pub(crate) fn check(path: &str, page: &Page) {
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(rule), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
    assert!(page.header("strict-transport-security").starts_with("max-age="), "{path}");
    assert_eq!(page.header("cache-control"), "no-store", "{path}");
    assert!(page.header("content-type").starts_with("text/html"), "{path}");
    assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
    let body = &page.body;
    assert!(body.len() < PAGE_BYTES_MAX, "{path} has {} bytes", body.len());
    for inline in [" style=", "<style", " onclick=", " onload=", "javascript:", "http://", "url("] {
        // A chart's hatching is an element of the chart; a picture names the language that it is written in.
        let body = body.replace("url(#", "").replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!body.contains(inline), "{path} holds {inline}");
    }
    for script in body.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/static/seatpool."), "{path}: {}", &script[..60]);
    }
    for (attribute, own) in
        [("src=\"", "/static/"), ("action=\"", "/"), ("<link rel=\"stylesheet\" href=\"", "/static/")]
    {
        for value in body.split(attribute).skip(1) {
            assert!(
                value.starts_with(own) && !value.starts_with("//"),
                "{path}: {attribute}{}",
                &value[..40]
            );
        }
    }
    assert!(
        body.contains("<html lang=\"en\"") && body.contains("<h1>") && body.contains("class=\"skip\""),
        "{path}"
    );
    assert_eq!(body.matches("<form").count(), body.matches("</form>").count(), "{path}");
    assert_eq!(body.matches(" method=\"post\"").count(), body.matches("name=\"csrf\"").count(), "{path}");
}

#[tokio::test]
async fn every_page_renders_under_a_strict_policy() {
    let world = World::new().await;
    world.other_account().await;
    let vienna =
        world.virtual_account("Vienna <script>alert(1)</script>", "\"><img src=x onerror=alert(1)>").await;
    world
        .deposit(
            world.default,
            "SO-1<u>order</u>",
            &[("CCX_PREMIUM", 10, None), ("CCX_FLEX_STANDARD", 5, Some(40))],
        )
        .await;
    let token = world.token().await;
    let manager = world.start();
    let agent = contact_centre(&manager, &token.text, "SN1", "<i>host</i>", &[("CCX_PREMIUM", 12)]).await;
    let instance = agent.instance.unwrap();
    let mut visitor = Visitor::new(&manager);
    check("/sign-in", &visitor.get("/sign-in").await);
    visitor.sign_in(ALICE.0, ALICE.1).await;
    let mut paths = vec!["/portal".to_owned(), "/portal/example.com".into()];
    for rest in [
        "general",
        "licenses",
        "licenses/CCX_PREMIUM",
        "licenses/CCX_FLEX_STANDARD",
        "licenses/CCX_PREMIUM/instances",
        "licenses/CCX_PREMIUM/events",
        "licenses/CCX_PREMIUM/orders",
        "licenses/CCX_PREMIUM/transfer",
        "licenses/CCX_PREMIUM/mend",
        "licenses?q=premium&sort=balance&order=down",
        "edit",
        "instances",
        "events",
        "tokens/new",
        "instances?q=host&sort=contact&order=down",
        "events?kind=out_of_compliance&q=premium&since=2026-01-01&until=nonsense&user=alice&instance=%3Cb%3E",
    ] {
        paths.push(world.page(rest));
    }
    for rest in [String::new(), "/transfer".into(), "/remove".into()] {
        paths.push(world.page(&format!("instances/{instance}{rest}")));
    }
    for rest in [String::new(), "/revoke".into()] {
        paths.push(world.page(&format!("tokens/{}{rest}", token.id)));
    }
    for tab in ["general", "licenses", "instances", "events", "edit", "delete"] {
        paths.push(world.page_of(vienna, tab));
    }
    paths.extend(
        [
            "/preferences",
            "/portal/example.com/activity",
            "/portal/example.com/alerts",
            "/portal/example.com/alerts?dismissed=yes&severity=major",
            "/portal/example.com/virtual-accounts/new",
            "/portal/example.com/smart-account",
            "/smart-accounts",
            "/smart-accounts/new",
        ]
        .map(str::to_owned),
    );
    paths.push(world.page(&format!("instances/selected?step=remove&instance={instance}")));
    for path in &paths {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        check(path, &page);
        for hostile in ["<script>alert", "<img src=x", "<i>host", "Other <b>", "<u>order"] {
            assert!(!page.has(hostile), "{path} does not escape {hostile}");
        }
    }
    for missing in ["licenses/NO_SUCH", "instances/nothing", "tokens/nothing", "elsewhere"] {
        let page = visitor.get(&world.page(missing)).await;
        assert_eq!(page.status, 404, "{missing}");
        check(missing, &page);
    }
}

#[tokio::test]
async fn licenses_show_what_is_owned_used_and_short() {
    let world = World::new().await;
    let empty = world.virtual_account("Empty", "").await;
    let lots = [
        ("CCX_PREMIUM", 100, None),
        ("CCX_FLEX_PREMIUM", 60, Some(41)),
        ("CCX_FLEX_STANDARD", 240, Some(400)),
    ];
    world.deposit(world.default, "SO-10023", &lots).await;
    let token = world.token().await;
    let manager = world.start();
    let usage = [("CCX_PREMIUM", 130), ("CCX_FLEX_PREMIUM", 31), ("CCX_FLEX_STANDARD", 252)];
    let mut agent = contact_centre(&manager, &token.text, "SN1", "uccx-vie-01", &usage).await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let page = visitor.get(&world.page("licenses")).await;
    for text in [
        "30 of CCX Premium Agent are short in Default",
        "<span class=\"shortage\">−30</span>",
        "Out Of Compliance",
        "1 license short",
        "12 borrowed from CCX Flex Premium Agent",
        "12 lent to CCX Flex Standard Agent",
        "60 end in 41 days",
    ] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    let detail = visitor.get(&world.page("licenses/CCX_PREMIUM")).await;
    for text in ["SO-10023", "Perpetual", ">130<", "Short <b>30</b>"] {
        assert!(detail.has(text), "{text}: {}", detail.body);
    }
    for (tab, text) in [("instances", "uccx-vie-01"), ("events", "are short"), ("orders", "Ordered")] {
        let page = visitor.get(&world.page(&format!("licenses/CCX_PREMIUM/{tab}"))).await;
        assert!(page.has(text), "{tab}: {}", page.body);
    }
    agent.ask(&manager, report(&[("CCX_PREMIUM", 90)])).await;
    let page = visitor.get(&world.page("licenses")).await;
    assert!(page.has("<span class=\"surplus\">+10</span>") && !page.has("are short in"), "{}", page.body);
    let page = visitor.get(&world.page_of(empty, "licenses")).await;
    assert!(page.has("There are no licenses here yet") && page.has("seatpool order place"));
    let page = visitor.get(&world.page_of(empty, "instances")).await;
    assert!(
        page.has("No product instance is registered here yet") && page.has("license smart register idtoken")
    );
}

#[tokio::test]
async fn product_instances_are_searched_sorted_and_paged_by_the_server() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    for n in 0..52 {
        let host = format!("host-{n:02}");
        contact_centre(&manager, &token.text, &format!("SN{n:02}"), &host, &[("CCX_PREMIUM", 1)]).await;
    }
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let first = visitor.get(&world.page("instances")).await;
    assert!(
        first.has("1 to 40 of 52") && first.has(">host-00<") && !first.has(">host-51<"),
        "{}",
        first.body
    );
    let next =
        first.between("rel=\"next\" href=\"", "\"").unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let second = visitor.get(&next).await;
    assert!(second.has("41 to 52 of 52") && second.has(">host-51<") && !second.has(">host-00<"));
    check("forty product instances", &first);
    check("their events", &visitor.get(&world.page("events")).await);
    check("their activity", &visitor.get("/portal/example.com/activity").await);
    check("those that use a license", &visitor.get(&world.page("licenses/CCX_PREMIUM/instances")).await);
    let down = visitor.get(&world.page("instances?sort=name&order=down")).await;
    assert!(down.has("aria-sort=\"descending\"") && down.has(">host-51<") && !down.has(">host-00<"));
    let found = visitor.get(&world.page("instances?q=SN07")).await;
    assert!(found.has("1 to 1 of 1") && found.has(">host-07<") && found.has("value=\"SN07\""));
    let none = visitor.get(&world.page("instances?q=%3Cnothing%3E")).await;
    assert!(none.has("matches “&#60;nothing&#62;”") && none.has("Show all of them"));
    let using = visitor.get(&world.page("instances?license=CCX_SERVER")).await;
    assert!(using.has("and uses CCX Server"));
}

#[tokio::test]
async fn pages_of_forty_rows_are_small_enough() {
    const TAGS: [&str; 5] =
        ["CCX_PREMIUM", "CCX_FLEX_PREMIUM", "CCX_FLEX_STANDARD", "CCX_OUTBOUND_PORT", "CCX_SERVER"];
    let world = World::new().await;
    // Of forty alerts each can be dismissed, and each has its links.
    let lots: Vec<_> = (20..80).map(|days| ("CCX_FLEX_PREMIUM", 10, Some(days))).collect();
    world.deposit(world.default, "SO-10023", &lots).await;
    let lots: Vec<_> = TAGS.iter().map(|tag| (*tag, 1_000, Some(200))).collect();
    world.deposit(world.default, "SO-10024", &lots).await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    for path in ["/portal/example.com/alerts", "/portal/example.com/reports/lots"] {
        let page = visitor.get(path).await;
        assert!(page.has("1 to 40 of 6"), "{path}: {}", page.body);
        check(path, &page);
    }
    // What a list of forty licenses would weigh.
    let page = visitor.get(&world.page("licenses")).await;
    let rows = page.body.split("<tr role=\"row\" id=").skip(1).map(|rest| rest.find("</tr>").unwrap());
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), TAGS.len());
    let (all, largest) = (rows.iter().sum::<usize>(), rows.iter().max().unwrap());
    assert!(page.body.len() - all + 40 * largest < PAGE_BYTES_MAX, "{largest} bytes of {}", page.body.len());
    check("sixty lots", &visitor.get(&world.page("licenses/CCX_FLEX_PREMIUM/transfer")).await);
    check("sixty lots of a license", &visitor.get(&world.page("licenses/CCX_FLEX_PREMIUM")).await);
}

#[tokio::test]
async fn the_script_gets_what_is_in_a_page_and_only_when_it_changed() {
    let world = World::new().await;
    world.order(10).await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = contact_centre(&manager, &token.text, "SN1", "host", &[("CCX_PREMIUM", 3)]).await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let path = world.page("licenses");
    let live = ("seatpool-live", "1");
    let first = visitor.get_with(&path, &[live]).await;
    assert_eq!(first.status, 200);
    assert!(!first.has("<html") && first.has("id=\"licenses\""));
    let tag = first.header("etag").to_owned();
    let same = visitor.get_with(&path, &[live, ("if-none-match", &tag)]).await;
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    agent.ask(&manager, report(&[("CCX_PREMIUM", 4)])).await;
    let changed = visitor.get_with(&path, &[live, ("if-none-match", &tag)]).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
    let signed_out = Visitor::new(&manager).get_with(&path, &[live]).await;
    assert_eq!((signed_out.status, signed_out.body.as_str()), (401, ""));
}

#[tokio::test]
async fn files_have_hashed_names_and_are_kept_for_good() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::new(&manager);
    let page = visitor.get("/sign-in").await;
    for (start, kind) in [("rel=\"stylesheet\" href=\"", "text/css"), ("<script src=\"", "text/javascript")] {
        let path = page.between(start, "\"").unwrap();
        let file = visitor.get(&path).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(file.header("content-type").starts_with(kind));
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        for elsewhere in ["http://", "https://", "@import", "innerHTML", "eval("] {
            assert!(!file.has(elsewhere), "{path} holds {elsewhere}");
        }
    }
    assert_eq!(visitor.get("/static/seatpool.css").await.status, 404);
    assert_eq!(visitor.get("/static/..%2Fseatpool.db").await.status, 404);
}

#[tokio::test]
async fn the_appearance_is_kept_in_a_cookie() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::new(&manager);
    assert!(!visitor.get("/sign-in").await.has("data-theme"));
    visitor.sign_in(ALICE.0, ALICE.1).await;
    let here = world.page("events");
    for (choice, shown) in
        [("dark", Some("data-theme=\"dark\"")), ("light", Some("data-theme=\"light\"")), ("system", None)]
    {
        let page = visitor.submit(&here, "/appearance", &[("appearance", choice), ("back", &here)]).await;
        assert_eq!((page.status, page.header("location")), (303, here.as_str()));
        let page = visitor.get(&here).await;
        assert_eq!(page.has("data-theme"), shown.is_some());
        assert!(shown.is_none_or(|shown| page.has(shown)));
    }
}

#[tokio::test]
async fn a_refused_form_leads_back_to_its_page_and_not_to_where_it_was_sent() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let (form, to) = (world.page("tokens/new"), world.page("tokens"));
    let csrf = visitor.get(&form).await.csrf();
    let referer = format!("{}{form}", manager.url);
    let fields = [("csrf", csrf.as_str()), ("days", "999")];
    let refused = visitor.post_with(&to, &fields, &[("referer", &referer)]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.between("name=\"back\" value=\"", "\"").as_deref(), Some(form.as_str()));
    let elsewhere = visitor.post_with(&to, &fields, &[("referer", "https://elsewhere.example/x")]).await;
    assert_eq!(elsewhere.between("name=\"back\" value=\"", "\"").as_deref(), Some(to.as_str()));
    let nothing = visitor.get(&to).await;
    assert_eq!(nothing.status, 405);
    assert!(nothing.has("There is no page at this address"), "{}", nothing.body);
    assert_eq!(nothing.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn a_page_behind_the_last_leads_to_the_last() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    for list in ["instances", "licenses", "events", "general"] {
        for page in ["2", "18446744073709551615"] {
            let found = visitor.get(&format!("{}?page={page}", world.page(list))).await;
            let to = found.header("location").to_owned();
            assert_eq!(found.status, 303, "{list} {page}: {}", found.body);
            assert_eq!(visitor.get(&to).await.status, 200, "{to}");
        }
    }
}
