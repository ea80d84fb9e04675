//! Smart accounts in the portal: the vendor's operator opens one, and changes what it is permitted.

use seatpool_domain::command::Action;

use crate::support::scene::BOB;
use crate::support::{ALICE, Visitor, World};

const NEW: &str = "/smart-accounts/new";
const EDIT: &str = "/portal/example.com/smart-account";

#[tokio::test]
async fn an_operator_opens_an_account_whose_first_administrator_signs_in() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let list = alice.get("/smart-accounts").await;
    assert!(list.has("example.com") && list.has(NEW), "{}", list.body);

    let wrong = [("domain", "no spaces"), ("name", "Kept"), ("login", ""), ("password", "whose is this one")];
    let page = alice.submit(NEW, NEW, &wrong).await;
    assert_eq!(page.status, 422);
    assert!(
        page.has("Type whose first password this is") && page.has("value=\"no spaces\""),
        "{}",
        page.body
    );
    assert!(page.has("value=\"Kept\"") && !page.has("whose is this one"));
    let wrong = [("domain", "no spaces"), ("export_permitted", "yes")];
    let page = alice.submit(NEW, NEW, &wrong).await;
    assert!(page.has("It is not written as in example.com"), "{}", page.body);
    assert!(page.between("id=\"export_permitted\"", ">").unwrap().contains("checked"), "{}", page.body);
    let wrong = [("domain", "third.example"), ("login", "carla"), ("password", "short")];
    let page = alice.submit(NEW, NEW, &wrong).await;
    assert!(page.has("id=\"password-error\""), "{}", page.body);

    let fields = [
        ("domain", "Third.Example"),
        ("name", "Third & Sons"),
        ("universal_permitted", "yes"),
        ("login", "carla"),
        ("password", "a long enough one, quite"),
    ];
    let made = alice.submit(NEW, NEW, &fields).await;
    assert_eq!((made.status, made.header("location")), (303, "/portal/third.example?done=opened"));
    let page = alice.get("/portal/third.example?done=opened").await;
    assert!(page.has("The smart account is created") && page.has("Default"), "{}", page.body);
    let mut taken = fields;
    taken[0].1 = "fourth.example";
    let page = alice.submit(NEW, NEW, &taken).await;
    assert!(page.has("There already is a user named"), "{}", page.body);
    assert_eq!(
        alice.get("/portal/fourth.example").await.status,
        404,
        "nothing was created without its administrator"
    );
    let page = alice.submit(NEW, NEW, &fields[..2]).await;
    assert!(page.status == 422 && page.has("There already is a smart account named"), "{}", page.body);

    let list = alice.get("/portal").await;
    assert!(list.has("Third &#38; Sons") && list.has("universal reservation permitted"), "{}", list.body);
    let file = alice.get("/smart-accounts?format=csv").await;
    assert!(file.has("third.example,Third & Sons,no,yes,"), "{}", file.body);

    let mut carla = Visitor::new(&manager);
    let page = carla.sign_in("carla", "a long enough one, quite").await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in/new-password?back=%2Fportal"));
}

#[tokio::test]
async fn a_permission_is_taken_away_after_a_page_that_says_who_holds_it() {
    let world = World::new().await;
    world.other_account().await;
    world.token().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let form = alice.get(EDIT).await;
    let was = form.between("name=\"was\" value=\"", "\"").unwrap().replace("&#34;", "\"");
    assert!(was.contains("\"export_permitted\":true"), "{was}");
    let name = form.between("name=\"name\" type=\"text\" value=\"", "\"").unwrap();

    let fields = [("was", was.as_str()), ("name", name.as_str()), ("universal_permitted", "yes")];
    let asked = alice.submit(EDIT, EDIT, &fields).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    for text in [
        "Take permissions from",
        "1 token that allows it goes on registering product instances, without it.",
        "No product instance holds an export-restricted feature now.",
        "Balances and compliance stay as they are.",
        "name=\"confirmed\" value=\"yes\"",
    ] {
        assert!(asked.has(text), "{text}: {}", asked.body);
    }
    assert!(alice.get(EDIT).await.between("id=\"export_permitted\"", ">").unwrap().contains("checked"));
    let done = alice.submit(EDIT, EDIT, &[&fields[..], &[("confirmed", "yes")]].concat()).await;
    assert_eq!((done.status, done.header("location")), (303, "/portal/example.com?done=account"));
    let log = alice.get("/portal/example.com/activity?kind=account_changed&format=csv").await;
    assert!(log.has("Export-controlled functionality is not permitted"), "{}", log.body);
    assert!(log.has("Universal reservation is permitted"), "{}", log.body);

    // The page that was opened before that shows what is no longer so.
    let stale =
        alice.submit(EDIT, EDIT, &[("was", &was), ("name", "Renamed"), ("export_permitted", "yes")]).await;
    assert_eq!(stale.status, 409);
    assert!(stale.has("Somebody changed this smart account meanwhile"), "{}", stale.body);
    assert!(stale.has("was permitted when you opened the page and is not permitted now"), "{}", stale.body);
    assert!(stale.has("value=\"Renamed\""), "what was typed is kept");
    let was = stale.between("name=\"was\" value=\"", "\"").unwrap().replace("&#34;", "\"");
    let fields = [
        ("was", was.as_str()),
        ("name", "Renamed"),
        ("export_permitted", "yes"),
        ("universal_permitted", "yes"),
    ];
    assert_eq!(alice.submit(EDIT, EDIT, &fields).await.status, 303);
    assert!(alice.get("/portal/example.com").await.has("<h1>Renamed</h1>"));
    let page = alice.submit(EDIT, EDIT, &[("was", "unreadable"), ("name", "")]).await;
    assert!(page.status == 422 && page.has("Give it a name"), "{}", page.body);

    let mut bob = Visitor::signed_in(&manager, BOB).await;
    assert_eq!(bob.get("/portal/other.example/smart-account").await.status, 403);
    assert_eq!(bob.get(EDIT).await.status, 404);
    assert_eq!(bob.get("/smart-accounts").await.status, 403);
    let page = bob.get("/portal/other.example").await;
    assert!(!page.has("smart-account"), "{}", page.body);
}

#[tokio::test]
async fn a_token_can_not_allow_what_its_account_is_not_permitted_any_more() {
    let world = World::new().await;
    let change = seatpool_domain::command::AccountChange {
        export_permitted: Some(false),
        ..seatpool_domain::command::AccountChange::default()
    };
    world.command(Action::ChangeAccount { change }).await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let form = alice.get(&world.page("tokens/new")).await;
    assert!(!form.has("name=\"export"), "{}", form.body);
}
