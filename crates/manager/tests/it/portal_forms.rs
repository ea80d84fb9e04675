//! What people do in the portal: tokens, moving and removing product instances. Without script.

use seatpool_proto::ProblemCode;

use crate::support::scene::contact_centre;
use crate::support::{ALICE, Agent, Visitor, World};

#[tokio::test]
async fn a_token_that_was_made_in_the_portal_lets_a_product_in_until_it_is_revoked() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let (form, tokens) = (world.page("tokens/new"), world.page("tokens"));
    let fields = [("description", "Vienna, second node"), ("days", "7"), ("uses", "2"), ("export", "yes")];
    let made = visitor.submit(&form, &tokens, &fields).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let shown = visitor.get(made.header("location")).await;
    assert!(
        shown.has("The token is created") && shown.has("in 7 days") && shown.has("Allowed"),
        "{}",
        shown.body
    );
    let text = shown.between("<output id=\"token-text\">", "</output>").unwrap();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &text).await;

    let general = visitor.get(&world.page("general")).await;
    assert!(general.has("Vienna, second node") && general.has("of 2") && general.has("by alice"));
    assert!(!general.has(&text), "the list does not show what lets products in");

    let token = made.header("location").split(['/', '?']).nth_back(1).unwrap().to_owned();
    let revoke = world.page(&format!("tokens/{token}/revoke"));
    let asked = visitor.get(&revoke).await;
    assert!(asked.has("was used once") && asked.has("nothing can register with it"));
    let done = visitor.submit(&revoke, &revoke, &[]).await;
    assert_eq!(done.status, 303);
    let after = visitor.get(done.header("location")).await;
    assert!(after.has("The token is revoked") && after.has("Revoked") && !after.has("/revoke\""));
    assert_eq!(visitor.get(&world.page(&format!("tokens/{token}"))).await.status, 404);

    let mut late = Agent::new("SN2");
    let request = late.request(late.registration(&text, false));
    let answer = manager.send(&late.signed(&request)).await;
    assert_eq!(answer.refusal(&manager, request.request_id, request.nonce), ProblemCode::TokenRevoked);
    let events = visitor.get(&world.page("events?kind=token_revoked")).await;
    assert!(events.has("1 to 1 of 1") && events.has("alice"), "{}", events.body);
}

#[tokio::test]
async fn a_token_form_says_what_is_wrong_beside_each_field_and_keeps_what_was_typed() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let (form, tokens) = (world.page("tokens/new"), world.page("tokens"));
    for (fields, wrong, right) in [
        ([("description", ""), ("days", "12"), ("uses", "3")], vec!["description"], vec!["days", "uses"]),
        ([("description", "x"), ("days", "366"), ("uses", "")], vec!["days"], vec!["description", "uses"]),
        ([("description", "x"), ("days", "0"), ("uses", "-1")], vec!["days", "uses"], vec!["description"]),
        (
            [("description", ""), ("days", "soon"), ("uses", "many")],
            vec!["description", "days", "uses"],
            vec![],
        ),
    ] {
        let page = visitor.submit(&form, &tokens, &fields).await;
        assert_eq!(page.status, 422, "{fields:?}");
        for field in wrong {
            assert!(page.has(&format!("id=\"{field}-error\"")), "{fields:?}: {field}");
        }
        for field in right {
            assert!(!page.has(&format!("id=\"{field}-error\"")), "{fields:?}: {field}");
        }
        for (_, typed) in fields {
            assert!(page.has(&format!("value=\"{typed}\"")), "{fields:?}: {typed}");
        }
        assert!(!page.has("name=\"export\" value=\"yes\" checked"), "the box was not ticked");
    }
    let long = "x".repeat(5000);
    let page = visitor.submit(&form, &tokens, &[("description", &long), ("days", "30"), ("uses", "0")]).await;
    assert_eq!(page.status, 422);
    assert!(page.has("id=\"description-error\"") && page.has(&long));
    assert!(visitor.get(&world.page("general")).await.has("There is no token yet"));
}

#[tokio::test]
async fn export_controlled_functionality_is_offered_only_where_the_account_is_permitted() {
    let world = World::new().await;
    let theirs = world.other_account().await;
    let manager = world.start();
    let mut bob = Visitor::signed_in(&manager, crate::support::scene::BOB).await;
    let base = format!("/portal/other.example/va/{theirs}");
    let form = format!("{base}/tokens/new");
    assert!(!bob.get(&form).await.has("name=\"export\""));
    let fields = [("description", "sly"), ("days", "7"), ("uses", "0"), ("export", "yes")];
    let made = bob.submit(&form, &format!("{base}/tokens"), &fields).await;
    assert_eq!(made.status, 303);
    assert!(bob.get(made.header("location")).await.has("Not allowed"));
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    assert!(alice.get(&world.page("tokens/new")).await.has("name=\"export\" value=\"yes\" checked"));
}

#[tokio::test]
async fn a_product_instance_is_moved_and_removed_after_a_page_that_says_what_it_will_do() {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await;
    world.order(100).await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = contact_centre(&manager, &token.text, "SN1", "uccx-1", &[("CCX_PREMIUM", 30)]).await;
    let instance = agent.instance.unwrap();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let own = world.page(&format!("instances/{instance}"));
    let detail = visitor.get(&own).await;
    for text in
        ["UCCX", "SN1", "uccx-1", "What happens next", "It renews its ID certificate by itself", "registered"]
    {
        assert!(detail.has(text), "{text}: {}", detail.body);
    }

    let transfer = format!("{own}/transfer");
    let asked = visitor.get(&transfer).await;
    assert!(asked.has("30 CCX Premium Agent") && asked.has("Graz") && !asked.has("What it will do"));
    let unchosen = visitor.submit(&transfer, &transfer, &[("to", "")]).await;
    assert_eq!(unchosen.status, 422);
    assert!(unchosen.has("id=\"to-error\""));
    // What it will do to both balances is shown before it is done.
    let graz_id = graz.to_string();
    let shown = visitor.submit(&transfer, &transfer, &[("to", &graz_id)]).await;
    assert_eq!(shown.status, 200);
    for text in [
        "This takes licenses out of compliance",
        "CCX Premium Agent in Graz",
        "<span>30 → 0</span>",
        "<span>0 → 30</span>",
        "<span class=\"surplus\">+70</span> → <span class=\"surplus\">+100</span>",
        "<span class=\"surplus\">0</span> → <span class=\"shortage\">−30</span>",
        "Goes out of compliance",
    ] {
        assert!(shown.has(text), "{text}: {}", shown.body);
    }
    assert_eq!(visitor.get(&own).await.status, 200, "nothing is moved yet");
    let moved = visitor.submit(&transfer, &transfer, &[("to", &graz_id), ("previewed", &graz_id)]).await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (303, world.page_of(graz, "instances?done=moved-1").as_str())
    );
    assert!(visitor.get(moved.header("location")).await.has("uccx-1"));
    assert_eq!(visitor.get(&own).await.status, 404);
    let licenses = visitor.get(&world.page_of(graz, "licenses")).await;
    assert!(licenses.has("30 of CCX Premium Agent are short in Graz"), "{}", licenses.body);

    let own = world.page_of(graz, &format!("instances/{instance}"));
    let remove = format!("{own}/remove");
    let asked = visitor.get(&remove).await;
    assert!(asked.has("free for others at once") && asked.has("The certificate is revoked"));
    assert!(asked.has("This brings licenses back into compliance"), "{}", asked.body);
    let removed = visitor.submit(&remove, &remove, &[]).await;
    assert_eq!(removed.status, 303);
    let after = visitor.get(removed.header("location")).await;
    assert!(
        after.has("The product instance is removed")
            && after.has("No product instance is registered here yet")
    );
    let ended = visitor.get(&own).await;
    assert!(ended.has("It was removed") && !ended.has("/remove\""), "{}", ended.body);
    let again = visitor.get(&remove).await;
    assert_eq!(again.status, 409);
    assert!(again.has("uccx-1 ended on"), "{}", again.body);

    let request = agent.request(Agent::report(30));
    let answer = manager.send(&agent.signed(&request)).await;
    assert_eq!(answer.refusal(&manager, request.request_id, request.nonce), ProblemCode::InstanceRemoved);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_done_once_and_leads_to_the_same_place() {
    let world = World::new().await;
    let manager = world.start();
    let mut visitor = Visitor::signed_in(&manager, ALICE).await;
    let (form, tokens) = (world.page("tokens/new"), world.page("tokens"));
    let page = visitor.get(&form).await;
    let (csrf, form_id) = (page.csrf(), page.between("name=\"form_id\" value=\"", "\"").unwrap());
    let fields = |description| {
        [("csrf", csrf.as_str()), ("form_id", &form_id), ("description", description), ("days", "7")]
    };
    let mut again = Visitor::new(&manager);
    again.cookies.clone_from(&visitor.cookies);
    let (first, second) = (fields("Pressed twice"), fields("Pressed twice"));
    let (first, second) = tokio::join!(visitor.post(&tokens, &first), again.post(&tokens, &second));
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(first.header("location"), second.header("location"));
    let general = visitor.get(&world.page("general")).await;
    assert_eq!(general.body.matches("class=\"name\">Pressed twice").count(), 1, "{}", general.body);

    // What was refused changed nothing: mended, it can be sent with the same id.
    assert_eq!(visitor.post(&tokens, &fields("")).await.status, 422);
    assert_eq!(visitor.post(&tokens, &fields("")).await.status, 422);
    let other = visitor.post(&tokens, &fields("Mended")).await;
    assert_eq!(other.status, 303);
    assert_ne!(other.header("location"), first.header("location"));
}
