//! A session that ends while a form is being filled in: nothing that was typed is lost, and nobody else gets it.

use crate::portal_security::ROUTES;
use crate::support::scene::BOB;
use crate::support::{ALICE, Manager, Page, Product, TAG, Visitor, World};

const ORDER: &str = "/portal/example.com/orders/new";

/// Alice's sessions end, as by an administrator or by their time; the browser does not know.
async fn end_sessions(manager: &Manager) {
    let mut other = Visitor::signed_in(manager, ALICE).await;
    let security = "/preferences/security";
    let done = other.submit(security, &format!("{security}/sessions/end-others"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
}

/// Signs in where the manager leads to, and comes back.
async fn sign_in_again(visitor: &mut Visitor, asked: &Page, (login, password): (&str, &str)) -> Page {
    assert_eq!(asked.status, 303, "{}", asked.body);
    let form = visitor.get(asked.header("location")).await;
    assert!(form.has("Your session has ended") && form.has("what you typed is kept"), "{}", form.body);
    let back = form.between("name=\"back\" value=\"", "\"").unwrap().replace("&#38;", "&");
    let csrf = form.csrf();
    let fields = [("csrf", csrf.as_str()), ("back", &back), ("login", login), ("password", password)];
    let done = visitor.post("/sign-in", &fields).await;
    assert_eq!((done.status, done.header("location")), (303, back.as_str()), "{}", done.body);
    visitor.get(&back).await
}

#[tokio::test]
async fn an_order_that_was_typed_is_there_after_signing_in_again_and_nothing_is_done_before() {
    let world = World::new().await;
    let theirs = world.other_account().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let form = alice.get(ORDER).await;
    let place = world.default.to_string();
    let fields = [
        ("csrf", form.csrf()),
        ("form_id", form.between("name=\"form_id\" value=\"", "\"").unwrap()),
        ("virtual_account", place.clone()),
        ("license", TAG.into()),
        ("length", "3".into()),
        ("quantity", "17".into()),
        ("order_id", "SO <4711> & \"more\"".into()),
        ("step", "do".into()),
    ];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    end_sessions(&manager).await;
    let asked = alice.post(ORDER, &fields).await;
    let to = asked.header("location").to_owned();
    assert!(!to.contains("4711"), "what was typed is in no address: {to}");
    for file in ["seatpool.db", "seatpool.db-wal"] {
        let Ok(file) = std::fs::read(world.data_dir().join(file)) else { continue };
        assert!(!file.windows(7).any(|part| part == b"4711> &"), "nor in the clear in the database");
    }

    // Another person who signs in there does not get it.
    let mut bob = Visitor::new(&manager);
    bob.cookies.clone_from(&alice.cookies);
    let page = sign_in_again(&mut bob, &asked, BOB).await;
    assert!(page.status == 404 && !page.has("4711"), "{}", page.body);
    let page = bob.get(&format!("/portal/other.example/va/{theirs}/general?{}", typed_of(&to))).await;
    assert!(page.status == 200 && !page.has("4711") && !page.has("Nothing has been sent yet"));

    let page = sign_in_again(&mut alice, &asked, ALICE).await;
    assert!(page.status == 200 && page.has("Nothing has been sent yet"), "{}", page.body);
    assert!(page.has("value=\"SO &#60;4711&#62; &#38; &#34;more&#34;\""), "{}", page.body);
    assert!(
        page.has("value=\"17\"") && page.has(&format!("<option value=\"{TAG}\" selected>")),
        "{}",
        page.body
    );
    let lots = alice.get("/portal/example.com/reports/lots").await;
    assert!(!lots.has("4711"), "nothing is done yet");

    // As it is shown, it is sent.
    let csrf = page.csrf();
    let again = [("csrf", csrf.as_str())].into_iter().chain(fields.into_iter().skip(2)).collect::<Vec<_>>();
    let done = alice.post(ORDER, &again).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(alice.get("/portal/example.com/reports/lots").await.has("4711"));
}

/// The part of an address that names what was typed.
fn typed_of(to: &str) -> String {
    let (_, rest) = to.split_once("typed%3D").unwrap();
    format!("typed={}", rest.split(['&', '%']).next().unwrap())
}

#[tokio::test]
async fn who_signed_in_again_in_another_tab_finds_the_form_as_it_was() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let csrf = alice.get(&world.page("tokens/new")).await.csrf();
    let fields =
        [("csrf", csrf.as_str()), ("description", "typed in the old tab"), ("days", "7"), ("uses", "3")];
    alice.cookies.clone_from(&Visitor::signed_in(&manager, ALICE).await.cookies);
    let page = alice.post(&world.page("tokens"), &fields).await;
    assert_eq!(page.status, 303, "{}", page.body);
    assert!(
        page.header("location").starts_with(&world.page("tokens/new?typed=")),
        "{}",
        page.header("location")
    );
    let page = alice.get(page.header("location")).await;
    assert!(page.has("typed in the old tab") && page.has("Nothing has been sent yet"), "{}", page.body);
    assert!(!page.has("name=\"export\" value=\"yes\" checked"), "a box that was not ticked");
    assert!(alice.get(&world.page("general")).await.has("There is no token yet"));
}

#[tokio::test]
async fn what_no_page_of_that_person_made_is_not_kept_nor_are_passwords() {
    let world = World::new().await;
    world.other_account().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let csrf = alice.get(ORDER).await.csrf();
    let bobs = Visitor::signed_in(&manager, BOB).await.get("/preferences").await.csrf();
    end_sessions(&manager).await;
    let kept = |page: &Page| page.header("location").contains("typed");
    for csrf in ["", "a-guess-that-is-wrong-but-long-enough", &csrf[1..]] {
        let page = alice.post(ORDER, &[("csrf", csrf), ("order_id", "x")]).await;
        assert!(page.status == 303 && !kept(&page), "{csrf}: {}", page.header("location"));
    }
    let elsewhere = [("sec-fetch-site", "cross-site")];
    let page = alice.post_with(ORDER, &[("csrf", &csrf), ("order_id", "x")], &elsewhere).await;
    assert!(!kept(&page), "another site's page can't type for her");
    let to = "/preferences/security/password";
    let page = alice.post(to, &[("csrf", &csrf), ("present", ALICE.1), ("new", "secret secret 1")]).await;
    assert!(page.status == 303 && !kept(&page), "{}", page.header("location"));

    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let page = alice.post(ORDER, &[("csrf", &bobs), ("order_id", "x")]).await;
    assert_eq!(page.status, 403, "a form of somebody else's session");
}

#[tokio::test]
async fn a_wizard_goes_on_where_it_was() {
    let world = World::new().await;
    world.order(100).await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let new = world.page("reservations/new");
    let code = Product::new("SN-SLR-1").request.to_string();
    let chosen = alice.submit(&new, &new, &[("request_code", &code), ("step", "code")]).await;
    let lot = format!("lot-{}", chosen.between("id=\"lot-", "\"").unwrap());
    let csrf = chosen.csrf();
    end_sessions(&manager).await;
    let fields = [("csrf", csrf.as_str()), ("request_code", &code), (&lot, "30"), ("step", "select")];
    let asked = alice.post(&new, &fields).await;
    let page = sign_in_again(&mut alice, &asked, ALICE).await;
    assert!(page.has(&code[..20]), "{}", page.body);
    let carried = page.between(&format!("name=\"{lot}\" value=\""), "\"");
    assert_eq!(carried.as_deref(), Some("30"), "{}", page.body);
    let csrf = page.csrf();
    let fields = [("csrf", csrf.as_str()), ("request_code", &code), (&lot, "30"), ("step", "code")];
    let chosen = alice.post(&new, &fields).await;
    assert!(chosen.status == 200 && chosen.has("value=\"30\""), "{}", chosen.body);
}

/// Every form that somebody fills in is shown by a page that is there.
#[test]
fn every_form_has_a_page_that_shows_it() {
    let gets: Vec<_> = ROUTES.iter().filter(|(method, _)| *method == "GET").map(|(_, path)| *path).collect();
    let not_kept = ["/preferences/security", "/sign-", "/appearance", "/inventory-alerts", "/welcome"];
    for (_, path) in ROUTES.iter().filter(|(method, _)| *method == "POST") {
        if not_kept.iter().any(|prefix| path.starts_with(prefix)) || path.contains("/alerts/") {
            continue;
        }
        // As `portal::resume::form_page` has it.
        let page = match path.rsplit('/').next().unwrap() {
            "tokens" | "users" | "clients" => format!("{path}/new"),
            "rules" => path.replace("/rules", "/users"),
            "time-zone" => "/preferences".into(),
            _ => (*path).to_owned(),
        };
        assert!(gets.contains(&page.as_str()), "{path} is sent by a page that portal::resume does not know");
    }
}
