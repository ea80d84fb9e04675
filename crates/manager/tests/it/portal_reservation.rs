//! Licences of products that are never in contact, in the portal: the wizard, the codes, giving back and rehosting.
//! Without script.

use seatpool_domain::access::Role;
use seatpool_domain::command::Action;
use seatpool_proto::Quantity;
use seatpool_proto::code::picture::{self, SCREEN_BYTES_MAX};
use seatpool_proto::code::{ReservationKind, Returned};

use crate::support::scene::contact_centre;
use crate::support::{ALICE, Agent, Browser, Manager, Page, Product, TAG, Visitor, World};

/// Largest page, in bytes.
const PAGE_BYTES_MAX: usize = 100 * 1024;

/// Goes through the wizard to its end; the path of the product instance.
pub(crate) async fn reserve(visitor: &mut Visitor, world: &World, product: &Product, count: &str) -> String {
    let new = world.page("reservations/new");
    let code = product.request.to_string();
    let chosen = visitor.submit(&new, &new, &[("request_code", &code), ("step", "code")]).await;
    assert_eq!(chosen.status, 200, "{}", chosen.body);
    let field = field_of(&chosen);
    let fields = [("request_code", code.as_str()), (field.as_str(), count), ("step", "select")];
    let review = visitor.submit(&new, &new, &fields).await;
    assert_eq!(review.status, 200, "{}", review.body);
    assert!(chosen.body.len().max(review.body.len()) < PAGE_BYTES_MAX);
    let reviewed = review.between("name=\"reviewed\" value=\"", "\"").unwrap();
    let fields = [
        ("request_code", code.as_str()),
        (field.as_str(), count),
        ("reviewed", reviewed.as_str()),
        ("step", "reserve"),
    ];
    let done = visitor.submit(&new, &new, &fields).await;
    assert_eq!(done.status, 303, "{}", done.body);
    done.header("location").strip_suffix("/reservation?done=reserved").unwrap().to_owned()
}

/// The first field of a selection.
pub(crate) fn field_of(page: &Page) -> String {
    format!("lot-{}", page.between("id=\"lot-", "\"").expect("there is a lot to choose from"))
}

async fn code_of(visitor: &mut Visitor, instance: &str) -> String {
    let file = visitor.get(&format!("{instance}/reservation/authorization-code.txt")).await;
    assert_eq!(file.status, 200, "{}", file.body);
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"UCCX-"));
    file.body
}

/// Sends a code that the product printed.
async fn enter(visitor: &mut Visitor, instance: &str, what: &str, code: &str) -> Page {
    let path = format!("{instance}/reservation/{what}");
    visitor.submit(&path, &path, &[("code", code)]).await
}

#[tokio::test]
async fn a_reservation_is_made_changed_confirmed_and_given_back() {
    let world = World::new().await;
    world.order(100).await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let licenses = alice.get(&world.page("licenses")).await;
    assert!(licenses.has("/reservations/new\">License Reservation…"));

    // Four steps: the code is there as text, as a file and as pictures.
    let product = Product::new("SN-SLR-1");
    let instance = reserve(&mut alice, &world, &product, "30").await;
    let text = code_of(&mut alice, &instance).await;
    let code = product.install(&text);
    assert_eq!(code.grant.entitlements[0].count.count(), 30);
    let page = alice.get(&format!("{instance}/reservation?done=reserved")).await;
    assert!(page.has("&#60;specificPLR&#62;") || page.has("&#60;smartLicense&#62;"), "{}", page.body);
    assert!(page.has("data-copy=\"authorization-code\" hidden") && page.body.len() < PAGE_BYTES_MAX);
    // All pictures are of one signing, and of the file's: else they could not be put together.
    let drawn = picture::parts_of(text.trim(), SCREEN_BYTES_MAX);
    let parts = drawn.len();
    for (number, part) in (1..).zip(&drawn) {
        assert!(page.has(&format!("part {number} of {parts}")), "{number} of {parts}");
        let image = alice.get(&format!("{instance}/reservation/pictures/{number}")).await;
        assert_eq!((image.status, image.header("content-type")), (200, "image/svg+xml"));
        assert!(image.body.starts_with("<svg") && image.body.len() < PAGE_BYTES_MAX, "{}", image.body.len());
        assert_eq!(image.body, picture::svg(part, 400).unwrap(), "part {number} is of another signing");
    }
    for number in ["0", "999", "x"] {
        assert_eq!(alice.get(&format!("{instance}/reservation/pictures/{number}")).await.status, 404);
    }
    let shown = alice.get(&instance).await;
    for text in [
        "Reserved licenses",
        "In Compliance (Reserved)",
        "Update Reserved Licenses…",
        "It can&#39;t be transferred",
    ] {
        assert!(shown.has(text) || shown.has(&text.replace("&#39;", "'")), "{text}: {}", shown.body);
    }
    assert!(!shown.has("Enter Confirmation Code") && shown.has("Never: it holds reserved licenses"));
    let list = alice.get(&world.page("instances")).await;
    assert!(list.has("SN-SLR-1") && list.has("30 CCX Premium Agent") && list.has("Reserved licenses"));
    assert!(alice.get(&world.page("licenses")).await.has("<span>30</span>"), "it is reserved in the pool");

    // A change: fields hold what is held; nothing is done for nothing; then it is in transit.
    let update = format!("{instance}/reservation/update");
    let form = alice.get(&update).await;
    let field = field_of(&form);
    assert!(form.has("value=\"30\"") && form.has("<span>100</span>"), "{}", form.body);
    let same = alice.submit(&update, &update, &[(&field, "30"), ("step", "select")]).await;
    assert_eq!(same.status, 422);
    assert!(same.has("Nothing is different"));
    let review = alice.submit(&update, &update, &[(&field, "12"), ("step", "select")]).await;
    assert!(review.status == 200 && review.has("stays in transit"), "{}", review.body);
    let reviewed = review.between("name=\"reviewed\" value=\"", "\"").unwrap();
    let fields = [(field.as_str(), "12"), ("reviewed", reviewed.as_str()), ("step", "reserve")];
    let done = alice.submit(&update, &update, &fields).await;
    assert_eq!(done.header("location"), format!("{instance}/reservation?done=updated"), "{}", done.body);
    let changed = product.install(&code_of(&mut alice, &instance).await);
    assert_eq!(changed.grant.entitlements[0].count.count(), 12);
    assert!(changed.grant.sequence > code.grant.sequence);
    let shown = alice.get(&instance).await;
    assert!(shown.has("in transit: 30 → 12") && shown.has("A change is in transit"), "{}", shown.body);
    for why in [
        "It holds 12 of CCX Premium Agent by the authorization code of ",
        "of each license the larger number is held",
        "enter the confirmation code that it shows",
        &format!("{instance}/reservation/confirm"),
    ] {
        assert!(shown.has(why), "{why}: {}", shown.body);
    }
    assert!(alice.get(&world.page("instances")).await.has("30 CCX Premium Agent"), "the larger is held");
    let again = alice.get(&update).await;
    assert_eq!(again.status, 409);
    assert!(again.has("The last change is still in transit"));
    let file = alice.get(&format!("{instance}?format=csv")).await;
    assert!(file.has("CCX_PREMIUM,Perpetual,,30,30,12"), "{}", file.body);
    let file = alice.get("/portal/example.com/reservations?format=csv").await;
    assert!(file.has("UCCX,SN-SLR-1,") && file.has("30 CCX Premium Agent,In transit,"), "{}", file.body);
    let index = alice.get("/portal/example.com/reservations").await;
    assert!(index.has("One reservation waits for somebody") && index.has("/reservation/confirm"));

    // Its confirmation code, after a wrong one, which stays in its field.
    let wrong = enter(&mut alice, &instance, "confirm", "00c0ffee").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("id=\"code-error\"") && wrong.has("value=\"00c0ffee\""), "{}", wrong.body);
    let right = product.confirmation(&changed).to_spoken();
    let done = enter(&mut alice, &instance, "confirm", &right).await;
    assert_eq!(done.header("location"), format!("{instance}?done=confirmed"), "{}", done.body);
    let shown = alice.get(done.header("location")).await;
    assert!(shown.has("The confirmation code is entered") && !shown.has("in transit:"), "{}", shown.body);
    assert!(alice.get("/portal/example.com/reservations").await.has("Nothing waits for anybody"));
    let none = alice.get(&format!("{instance}/reservation/confirm")).await;
    assert!(none.has("No change waits for a confirmation code") && !none.has("name=\"code\""));

    // Removing it asks for its return code.
    let remove = alice.get(&format!("{instance}/remove")).await;
    assert_eq!(remove.header("location"), format!("{instance}/reservation/return"));
    let strange = Product::new("SN-SLR-1").return_code(&changed, Returned::Whole).to_string();
    let wrong = enter(&mut alice, &instance, "return", &strange).await;
    assert!(wrong.status == 422 && wrong.has("id=\"code-error\"") && wrong.has(&strange), "{}", wrong.body);
    let right = product.return_code(&changed, Returned::Whole).to_string();
    let done = enter(&mut alice, &instance, "return", &right).await;
    assert_eq!(done.header("location"), world.page("instances?done=returned-1"), "{}", done.body);
    assert!(alice.get(done.header("location")).await.has("Its return code is entered"));
    assert_eq!(alice.get(&format!("{instance}/reservation")).await.status, 409);
    let ended = alice.get(&instance).await;
    assert!(ended.has("Removed") && !ended.has("/reservation"), "{}", ended.body);
    let events = alice.get(&world.page("events")).await;
    for text in ["Reserved in Default for", "The confirmation code of", "gave its reservation back"] {
        assert!(events.has(text), "{text}: {}", events.body);
    }
}

#[tokio::test]
async fn a_request_code_is_taken_as_text_read_aloud_or_as_a_file_and_refused_beside_its_field() {
    let world = World::new().await;
    world.order(10).await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let new = world.page("reservations/new");
    let product = Product::new("SN-SLR-2");
    let line = product.request.to_string();
    let wrong = line.replace("SLR-2", "SLR-3");
    for (text, told) in [
        ("", "there is no request code"),
        (wrong.as_str(), "wrong or a swapped character"),
        (&line[..line.len() - 4], "cut off"),
        ("17488c1f", "a confirmation code"),
        ("<b>hello</b>", "an authorization code"),
    ] {
        let page = alice.submit(&new, &new, &[("request_code", text), ("step", "code")]).await;
        assert_eq!(page.status, 422, "{text}");
        assert!(page.has("id=\"request_code-error\"") && page.has(told), "{text}: {}", page.body);
        let kept = text.replace('<', "&#60;").replace('>', "&#62;");
        assert!(page.has(&format!("{kept}</textarea>")), "{text}: {}", page.body);
    }
    let spoken = product.request.to_spoken();
    let read = alice.submit(&new, &new, &[("request_code", &spoken), ("step", "code")]).await;
    assert!(read.status == 200 && read.has("SN-SLR-2") && read.has(&line), "{}", read.body);

    // A file counts, not what stood in the text from a try before.
    let csrf = alice.get(&new).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("form_id", "1"), ("request_code", "old"), ("step", "code")];
    let read = alice.upload(&new, &fields, &format!("\u{feff}\"{line}\"\r\n")).await;
    assert!(read.status == 200 && read.has("SN-SLR-2"), "{}", read.body);
    let forged = alice.upload(&new, &[("csrf", "forged"), ("step", "code")], &line).await;
    assert_eq!(forged.status, 403);
    let large = alice.upload(&new, &fields, &"x".repeat(70_000)).await;
    assert_eq!(large.status, 413);
}

#[tokio::test]
async fn a_choice_that_does_not_fit_is_told_beside_its_field_and_kept() {
    let world = World::new().await;
    world.order(100).await;
    world
        .deposit(
            world.default,
            "SO-7",
            &[("CCX_FLEX_PREMIUM", 5, Some(30)), ("CCX_FLEX_STANDARD", 5, Some(30))],
        )
        .await;
    let token = world.token().await;
    let manager = world.start();
    contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 60)]).await;
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let new = world.page("reservations/new");
    let product = Product::new("SN-SLR-4");
    let code = product.request.to_string();
    let start = alice.submit(&new, &new, &[("request_code", &code), ("step", "code")]).await;
    assert!(
        start.has("Supports substitution") && start.has("Never") && start.has("in 30 days"),
        "{}",
        start.body
    );
    let row = start.body.split("<tr role=\"row\">").find(|row| row.contains("CCX Premium Agent")).unwrap();
    let field = format!("lot-{}", row.split_once("id=\"lot-").unwrap().1.split_once('"').unwrap().0);
    assert!(row.contains("<span>100</span>") && row.contains("<span>40</span>"), "{row}");
    for (typed, told) in [
        ("41", "Only 40 can be reserved"),
        ("some", "Type a whole number"),
        ("", "Say how many of at least one"),
    ] {
        let fields = [("request_code", code.as_str()), (&field, typed), ("step", "select")];
        let page = alice.submit(&new, &new, &fields).await;
        assert_eq!(page.status, 422, "{typed}");
        assert!(page.has(told), "{typed}: {}", page.body);
        assert!(typed.is_empty() || page.has(&format!("value=\"{typed}\"")), "{typed}");
    }
    // What was reviewed is what is done: another number is shown first.
    let fields =
        [("request_code", code.as_str()), (&field, "9"), ("reviewed", "other=1"), ("step", "reserve")];
    let page = alice.submit(&new, &new, &fields).await;
    assert!(page.status == 200 && page.has("Nothing is reserved yet"), "{}", page.body);
    assert!(
        page.has("<span class=\"surplus\">+40</span> → <span class=\"surplus\">+31</span>"),
        "{}",
        page.body
    );
    let back = [("request_code", code.as_str()), (&field, "9"), ("step", "again")];
    assert!(alice.submit(&new, &new, &back).await.has("value=\"9\""));

    // Somebody else takes them between review and confirmation.
    let other = Product::new("SN-SLR-5");
    reserve_of(&mut alice, &world, &other, &field, "35").await;
    let reviewed = page.between("name=\"reviewed\" value=\"", "\"").unwrap();
    let fields =
        [("request_code", code.as_str()), (&field, "9"), ("reviewed", &reviewed), ("step", "reserve")];
    let late = alice.submit(&new, &new, &fields).await;
    assert!(late.status == 422 && late.has("Only 5 can be reserved"), "{}", late.body);
}

async fn reserve_of(
    visitor: &mut Visitor,
    world: &World,
    product: &Product,
    field: &str,
    count: &str,
) -> Page {
    let new = world.page("reservations/new");
    let code = product.request.to_string();
    let fields = [("request_code", code.as_str()), (field, count), ("step", "select")];
    let review = visitor.submit(&new, &new, &fields).await;
    let reviewed = review.between("name=\"reviewed\" value=\"", "\"").unwrap();
    let fields =
        [("request_code", code.as_str()), (field, count), ("reviewed", &reviewed), ("step", "reserve")];
    visitor.submit(&new, &new, &fields).await
}

#[tokio::test]
async fn the_same_request_code_gives_the_same_code_and_a_product_reserves_once() {
    let world = World::new().await;
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let product = Product::new("SN-SLR-6");
    let instance = reserve(&mut alice, &world, &product, "10").await;
    let first = code_of(&mut alice, &instance).await;
    let new = world.page("reservations/new");
    let again =
        alice.submit(&new, &new, &[("request_code", &product.request.to_string()), ("step", "code")]).await;
    assert_eq!(again.header("location"), format!("{instance}/reservation?done=before"), "{}", again.body);
    assert!(alice.get(again.header("location")).await.has("This request code was answered before"));
    let field = {
        let other = Product::new("SN-SLR-7").request.to_string();
        field_of(&alice.submit(&new, &new, &[("request_code", &other), ("step", "code")]).await)
    };
    let twice = reserve_twice(&mut alice, &new, &product, &field).await;
    assert_eq!(twice.header("location"), format!("{instance}/reservation?done=reserved"), "{}", twice.body);
    let second = code_of(&mut alice, &instance).await;
    assert_eq!(product.install(&first).grant, product.install(&second).grant);

    // The same device with a new request, and a device that is in contact, are told so at once.
    for (product, told) in
        [(Product::new("SN-SLR-6"), "holds a reservation in Default"), (Product::new("SN1"), "deregister")]
    {
        if told == "deregister" {
            let mut agent = Agent::new("SN1");
            agent.udi = product.request.udi.clone();
            agent.register(&manager, &token.text).await;
        }
        let code = product.request.to_string();
        let page = alice.submit(&new, &new, &[("request_code", &code), ("step", "code")]).await;
        assert!(
            page.status == 422 && page.has("id=\"request_code-error\"") && page.has(told),
            "{}",
            page.body
        );
    }
    // One of them does not count twice in the pool.
    assert!(alice.get(&world.page("licenses")).await.has("<span>10</span>"));
}

async fn reserve_twice(visitor: &mut Visitor, new: &str, product: &Product, field: &str) -> Page {
    let code = product.request.to_string();
    let reviewed = format!("{}=10", field.trim_start_matches("lot-"));
    let fields =
        [("request_code", code.as_str()), (field, "10"), ("reviewed", &reviewed), ("step", "reserve")];
    visitor.submit(new, new, &fields).await
}

#[tokio::test]
async fn a_universal_reservation_takes_permission_and_no_choice() {
    let refused = World::new().await;
    refused.order(10).await;
    let manager = refused.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let product = Product::of_kind("SN-PLR-1", ReservationKind::Universal);
    let code = product.request.to_string();
    let new = refused.page("reservations/new");
    let page = alice.submit(&new, &new, &[("request_code", &code), ("step", "code")]).await;
    assert!(page.status == 409 && page.has("is not permitted universal reservation"), "{}", page.body);
    drop(manager);

    let world = World::with(tempfile::tempdir().unwrap(), &["--universal-permitted"]).await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let new = world.page("reservations/new");
    let page = alice.submit(&new, &new, &[("request_code", &code), ("step", "code")]).await;
    assert!(page.has("Review and confirm") && page.has("Universal: all licenses"), "{}", page.body);
    let done =
        alice.submit(&new, &new, &[("request_code", &code), ("reviewed", ""), ("step", "reserve")]).await;
    let instance = done.header("location").strip_suffix("/reservation?done=reserved").unwrap().to_owned();
    assert_eq!(product.install(&code_of(&mut alice, &instance).await).grant.kind, ReservationKind::Universal);
    let shown = alice.get(&instance).await;
    assert!(shown.has("A universal reservation") && !shown.has("Update Reserved"), "{}", shown.body);
    let update = alice.get(&format!("{instance}/reservation/update")).await;
    assert!(update.status == 409 && update.has("There is nothing to change"), "{}", update.body);
    assert!(alice.get(&world.page("instances")).await.has("All licenses (universal reservation)"));
}

/// A world with one reservation; the product instance's path.
async fn with_reservation(world: &World, manager: &Manager, product: &Product) -> String {
    let mut alice = Visitor::signed_in(manager, ALICE).await;
    reserve(&mut alice, world, product, "10").await
}

#[tokio::test]
async fn licenses_of_a_failed_product_are_released_by_two_people_or_by_the_vendor() {
    let world = World::new().await;
    world.order(100).await;
    for (login, role) in [
        ("administrator", Role::AccountAdministrator),
        ("approver", Role::Approver),
        ("operator", Role::VendorOperator),
        ("reader", Role::VirtualAccountUser(world.default)),
    ] {
        world.person(login, role).await;
    }
    let manager = world.start();
    let instance = with_reservation(&world, &manager, &Product::new("SN-SLR-8")).await;
    let rehost = format!("{instance}/reservation/rehost");
    let mut administrator =
        Visitor::signed_in(&manager, ("administrator", "administrator administrator")).await;
    let mut approver = Visitor::signed_in(&manager, ("approver", "approver approver")).await;
    let mut operator = Visitor::signed_in(&manager, ("operator", "operator operator")).await;
    let mut reader = Visitor::signed_in(&manager, ("reader", "reader reader")).await;
    let ask = [("step", "ask"), ("reason", "The machine burned")];

    // Nobody asked: the approver can only wait; the reader is told what it takes.
    assert!(approver.get(&rehost).await.has("Nobody has asked for it"));
    assert_eq!(reader.get(&rehost).await.status, 403);
    assert!(!reader.get(&instance).await.has("/reservation"), "a reader sees what is held, and no code");
    let bare = administrator.submit(&rehost, &rehost, &[("step", "ask"), ("reason", " ")]).await;
    assert!(bare.status == 422 && bare.has("id=\"reason-error\""), "{}", bare.body);
    let asked = administrator.submit(&rehost, &rehost, &ask).await;
    assert_eq!(asked.header("location"), format!("{instance}?done=rehost-asked"), "{}", asked.body);
    let shown = administrator.get(asked.header("location")).await;
    assert!(shown.has("The machine burned") && shown.has("Release asked for"), "{}", shown.body);
    let waits = administrator.get(&rehost).await;
    assert!(waits.has("you can only wait") && !waits.has("name=\"step\""), "{}", waits.body);
    let csrf = administrator.get("/preferences").await.csrf();
    let forced = [("csrf", csrf.as_str()), ("step", "approve")];
    assert_eq!(administrator.post(&rehost, &forced).await.status, 403);

    // Refused with a reason, asked again, approved.
    let refused = approver.submit(&rehost, &rehost, &[("step", "refuse"), ("reason", "It answers")]).await;
    assert_eq!(refused.header("location"), format!("{instance}?done=rehost-refused"), "{}", refused.body);
    administrator.submit(&rehost, &rehost, &ask).await;
    assert!(approver.get("/portal/example.com/reservations").await.has(&rehost));
    let approved = approver.submit(&rehost, &rehost, &[("step", "approve"), ("reason", "")]).await;
    assert_eq!(approved.header("location"), world.page("instances?done=released-1"), "{}", approved.body);
    assert!(approver.get(approved.header("location")).await.has("without its return code"));
    assert_eq!(administrator.get(&rehost).await.status, 409);

    // The vendor needs nobody.
    let instance = with_reservation(&world, &manager, &Product::new("SN-SLR-9")).await;
    let rehost = format!("{instance}/reservation/rehost");
    assert!(operator.get(&instance).await.has(&rehost));
    let done = operator.submit(&rehost, &rehost, &[("step", "release"), ("reason", "RMA 7")]).await;
    assert_eq!(done.header("location"), world.page("instances?done=released-1"), "{}", done.body);
}

#[tokio::test]
async fn a_reserved_product_instance_is_neither_moved_nor_removed_like_others() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await.to_string();
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    let agent = contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 3)]).await;
    let other = agent.instance.unwrap().to_string();
    let product = Product::new("SN-SLR-10");
    let instance = with_reservation(&world, &manager, &product).await;
    let id = instance.rsplit_once('/').unwrap().1;
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let told = "be transferred like this";
    let page = alice.get(&format!("{instance}/transfer")).await;
    assert!(page.status == 409 && page.has(told) && page.has("enter its return code"), "{}", page.body);
    let csrf = alice.get("/preferences").await.csrf();
    let sent = alice
        .post(&format!("{instance}/transfer"), &[("csrf", &csrf), ("to", &graz), ("previewed", &graz)])
        .await;
    assert!(sent.status == 409 && sent.has(told), "{}", sent.body);
    let both = format!("instances/selected?step=remove&instance={id}&instance={other}");
    let page = alice.get(&world.page(&both)).await;
    assert!(page.status == 409 && page.has("choose the others without it"), "{}", page.body);
    let fields = [("csrf", csrf.as_str()), ("step", "remove"), ("instance", id), ("instance", &other)];
    assert_eq!(alice.post(&world.page("instances/selected"), &fields).await.status, 409);
    let list = alice.get(&world.page("instances")).await;
    assert!(list.has("uccx-1") && list.has("SN-SLR-10"), "{}", list.body);

    // A code that was never installed is given back as well.
    let code = product.install(&code_of(&mut alice, &instance).await);
    let given = product.return_code(&code, Returned::Change).to_spoken();
    let done = enter(&mut alice, &instance, "return", &given).await;
    assert_eq!(done.header("location"), world.page("instances?done=returned-1"), "{}", done.body);
}

/// Pictures a page wide and narrow, and looks for what keeps somebody out of it.
async fn picture_of(browser: &Browser, name: &str, theme: &str) {
    for width in [1400, 390, 360] {
        browser.resize(width, 900).await;
        let beyond = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
        assert_eq!(beyond, serde_json::json!(0), "{name} is wider than {width}");
        if width != 390 {
            browser.check_accessible(&format!("{name}, {theme}, {width} px")).await;
        }
        if width != 360 {
            let picture = browser.screenshot(&format!("reservation-{name}-{theme}-{width}")).await;
            assert!(std::fs::metadata(picture).unwrap().len() > 5_000, "{name} is blank");
        }
    }
    browser.resize(1400, 900).await;
}

#[tokio::test]
async fn a_person_reserves_in_a_browser_in_light_and_dark_wide_and_narrow() {
    let world = World::new().await;
    world.order(100).await;
    world
        .deposit(
            world.default,
            "SO-7",
            &[("CCX_FLEX_PREMIUM", 25, Some(30)), ("CCX_FLEX_STANDARD", 50, Some(300))],
        )
        .await;
    let manager = world.start();
    let browser = Browser::start().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    browser.fill("#login", ALICE.0).await;
    browser.fill("#password", ALICE.1).await;
    browser.click("main button.primary").await;
    browser.until_found(".sections").await;
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    for (theme, sn) in [("light", "9ABN1F00001"), ("dark", "9ABN1F00002")] {
        browser.set_cookie("seatpool-appearance", theme).await;
        let product = Product::new(sn);
        browser.open(&format!("{}{}", manager.url, world.page("licenses"))).await;
        browser.click("main a[href$='/reservations/new']").await;
        browser.until_found("#request_code").await;
        picture_of(&browser, "1-request", theme).await;
        browser.fill("#request_code", "17488c1f").await;
        browser.click("main button.primary").await;
        browser.until_found("#request_code-error").await;
        picture_of(&browser, "1-refused", theme).await;
        browser.fill("#request_code", &product.request.to_string()).await;
        browser.click("main button.primary").await;
        browser.until_found("main input[type=number]").await;
        picture_of(&browser, "2-select", theme).await;
        browser.fill("main input[type=number]", "10").await;
        browser.click("main button[value=select]").await;
        browser.until_found("[name=reviewed]").await;
        picture_of(&browser, "3-review", theme).await;
        browser.click("main button[value=reserve]").await;
        browser.until_found("#authorization-code").await;
        browser.until("!document.querySelector('[data-copy]').hidden").await;
        let drawn =
            "[...document.querySelectorAll('.pictures img')].every((image) => image.naturalWidth > 100)";
        browser.until(drawn).await;
        picture_of(&browser, "4-code", theme).await;
        let text = browser.run("return document.getElementById('authorization-code').value").await;
        product.install(text.as_str().unwrap());
        let path = browser.run("return location.pathname").await.as_str().unwrap().to_owned();
        let instance = path.strip_suffix("/reservation").unwrap().to_owned();

        // A change that waits for its confirmation code, and a release that waits for an approver.
        let update = format!("{path}/update");
        let field = field_of(&visitor.get(&update).await);
        let review = visitor.submit(&update, &update, &[(&field, "4"), ("step", "select")]).await;
        let reviewed = review.between("name=\"reviewed\" value=\"", "\"").unwrap();
        browser.open(&format!("{}{update}", manager.url)).await;
        picture_of(&browser, "update", theme).await;
        let fields = [(field.as_str(), "4"), ("reviewed", &reviewed), ("step", "reserve")];
        assert_eq!(visitor.submit(&update, &update, &fields).await.status, 303);
        for (name, page) in [
            ("instance", instance.clone()),
            ("in-transit", format!("{path}?done=updated")),
            ("confirm", format!("{path}/confirm")),
            ("return", format!("{path}/return")),
            ("rehost", format!("{path}/rehost")),
            ("transfer", format!("{instance}/transfer")),
            ("still-in-transit", update.clone()),
            ("instances", world.page("instances")),
            ("licenses", world.page("licenses")),
            ("index", "/portal/example.com/reservations".into()),
            ("alerts", "/portal/example.com/alerts".into()),
        ] {
            browser.open(&format!("{}{page}", manager.url)).await;
            picture_of(&browser, name, theme).await;
        }
        let rehost = format!("{path}/rehost");
        let ask = [("step", "ask"), ("reason", "The machine burned; see ticket 4711.")];
        assert_eq!(visitor.submit(&rehost, &rehost, &ask).await.status, 303);
        browser.open(&format!("{}{instance}", manager.url)).await;
        picture_of(&browser, "instance-asked", theme).await;
    }
}

#[tokio::test]
async fn a_person_reserves_in_a_browser_that_runs_no_script() {
    let world = World::new().await;
    world.order(100).await;
    let manager = world.start();
    let browser = Browser::without_script().await;
    browser.open(&format!("{}/sign-in", manager.url)).await;
    browser.fill("#login", ALICE.0).await;
    browser.fill("#password", ALICE.1).await;
    browser.click("main button.primary").await;
    browser.until_found(".sections").await;
    assert_eq!(browser.text("#live").await, "", "no script runs");

    let product = Product::new("SN-SLR-NS");
    browser.open(&format!("{}{}", manager.url, world.page("licenses"))).await;
    browser.click("main a[href$='/reservations/new']").await;
    browser.until_found("#request_code").await;
    browser.fill("#request_code", "not a code").await;
    browser.click("main button.primary").await;
    browser.until_found("#request_code-error").await;
    browser.fill("#request_code", &product.request.to_string()).await;
    browser.click("main button.primary").await;
    browser.until_found("main input[type=number]").await;
    browser.fill("main input[type=number]", "101").await;
    browser.click("main button[value=select]").await;
    browser.until_found("main input[aria-invalid=true]").await;
    browser.fill("main input[type=number]", "7").await;
    browser.click("main button[value=select]").await;
    browser.until_found("[name=reviewed]").await;
    browser.click("main button[value=again]").await;
    browser.until_found("main input[type=number]").await;
    browser.click("main button[value=select]").await;
    browser.until_found("[name=reviewed]").await;
    browser.click("main button[value=reserve]").await;
    browser.until_found("#authorization-code").await;
    let path = browser.path().await;
    let instance = path.strip_suffix("/reservation").unwrap();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let code = product.install(&code_of(&mut visitor, instance).await);
    assert_eq!(code.grant.entitlements[0].count.count(), 7, "what was chosen first was kept");
}

#[tokio::test]
async fn what_waits_for_the_vendor_to_confirm_it_is_not_offered() {
    let world = World::new().await;
    world.order(10).await;
    let declared = Action::Declare {
        virtual_account: world.default,
        tag: TAG.parse().unwrap(),
        quantity: Quantity::of(7),
        note: "contract 7".into(),
    };
    world.command(declared).await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let new = world.page("reservations/new");
    let code = Product::new("SN-SLR-9").request.to_string();
    let chosen = alice.submit(&new, &new, &[("request_code", &code), ("step", "code")]).await;
    assert_eq!(chosen.status, 200, "{}", chosen.body);
    assert_eq!(chosen.body.matches("id=\"lot-").count(), 1, "the ordered lot alone: {}", chosen.body);
    let field = field_of(&chosen);
    let fields = [("request_code", code.as_str()), (field.as_str(), "11"), ("step", "select")];
    let refused = alice.submit(&new, &new, &fields).await;
    assert!(refused.status == 422 && refused.has("Only 10 can be reserved"), "{}", refused.body);
}
