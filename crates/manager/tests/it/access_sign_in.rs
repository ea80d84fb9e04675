//! Signing in step by step, the second factor, sessions, and what can't be used to lock others out.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Method;
use seatpool_manager::app::access::{second_factor, sessions};
use serde_json::json;

use crate::rest_support::Caller;
use crate::support::{ALICE, Manager, Page, Visitor, World, totp};

const SESSION: &str = "__Host-seatpool";
const DEVICE: &str = "__Host-seatpool-device";
const SECURITY: &str = "/preferences/security";
const USERS: &str = "/api/seatpool/v1/accounts/example.com/users";

/// Sets up a second factor in the portal; its secret and the recovery codes.
async fn enrol(visitor: &mut Visitor, password: &str) -> (String, String, Vec<String>) {
    let form = format!("{SECURITY}/second-factor");
    let page = visitor.get(&form).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let secret = page.between("id=\"secret\">", "</code>").unwrap();
    let picture = page.between("<div class=\"qr\"", "</div>").unwrap();
    assert!(picture.contains("<svg") && !picture.contains("style="), "the policy takes no inline style");
    let sealed = page.between("name=\"sealed\" value=\"", "\"").unwrap();
    assert!(!sealed.contains(&secret));
    let code = totp::code(&secret, 0);
    let sent = |page: &Page, password: &str, code: &str| {
        [
            ("csrf", page.csrf()),
            ("sealed", sealed.clone()),
            ("password", password.into()),
            ("code", code.into()),
        ]
    };
    // An open session alone is not enough, whatever phone is at hand.
    let fields = sent(&page, "not the password", &code);
    let refused = visitor.post(&form, &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert_eq!(refused.status, 422);
    assert!(refused.has("id=\"password-error\"") && refused.has(&secret), "the same secret again");
    let fields = sent(&refused, password, "000000");
    let wrong = visitor.post(&form, &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("id=\"code-error\"") && wrong.has(&secret), "the same secret again");
    let fields = sent(&wrong, password, &code);
    let done = visitor.post(&form, &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let codes: Vec<String> = done
        .body
        .split("<li><code>")
        .skip(1)
        .map(|rest| rest.split_once("</code>").unwrap().0.to_owned())
        .collect();
    assert_eq!(codes.len(), 10);
    (secret, code, codes)
}

async fn give_code(visitor: &mut Visitor, code: &str) -> Page {
    visitor.submit("/sign-in/code", "/sign-in/code", &[("code", code), ("back", "/portal")]).await
}

#[tokio::test]
async fn a_second_factor_is_asked_for_once_it_is_on_and_each_code_is_good_once() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let before = alice.cookies[SESSION].clone();
    let (secret, used, codes) = enrol(&mut alice, ALICE.1).await;
    assert_ne!(alice.cookies[SESSION], before, "a step, a new session");

    let mut other = Visitor::new(&manager);
    let page = other.sign_in(ALICE.0, ALICE.1).await;
    assert_eq!(page.header("location"), "/sign-in/code?back=%2Fportal");
    let half = other.cookies[SESSION].clone();
    assert!(!other.cookies.contains_key(DEVICE), "not known before it is in");
    for path in ["/portal", SECURITY, "/portal/example.com"] {
        let page = other.get(path).await;
        assert_eq!(page.status, 303, "{path}: half a sign-in opens nothing");
        assert!(page.header("location").starts_with("/sign-in"), "{path}");
    }
    let replayed = give_code(&mut other, &used).await;
    assert_eq!(replayed.status, 401, "the code that set it up is used");
    assert!(replayed.has("id=\"code-error\""));
    let done = give_code(&mut other, &totp::code(&secret, 1)).await;
    assert_eq!((done.status, done.header("location")), (303, "/portal"), "{}", done.body);
    assert_ne!(other.cookies[SESSION], half, "a step, a new session");
    assert!(other.cookies.contains_key(DEVICE));
    let mut thief = Visitor::new(&manager);
    thief.cookies.insert(SESSION.into(), half);
    assert!(thief.get("/portal").await.header("location").starts_with("/sign-in"), "the old token is void");

    let mut third = Visitor::new(&manager);
    third.sign_in(ALICE.0, ALICE.1).await;
    assert_eq!(give_code(&mut third, &totp::code(&secret, 1)).await.status, 401, "used in another browser");
    assert_eq!(give_code(&mut third, &codes[0].to_lowercase().replace('-', " ")).await.status, 303);
    let mut fourth = Visitor::new(&manager);
    fourth.sign_in(ALICE.0, ALICE.1).await;
    assert_eq!(give_code(&mut fourth, &codes[0]).await.status, 401, "a recovery code is good once");
    let security = third.get(SECURITY).await;
    assert!(security.has("9 recovery codes are left"), "{}", security.body);

    let events =
        Caller::first(&world, &manager).await.get("/api/seatpool/v1/accounts/example.com/events").await;
    for kind in ["second_factor_enabled", "recovery_code_used"] {
        assert!(events.text.contains(kind), "{kind}");
    }
    for held in [&secret, &codes[0], &codes[1]] {
        assert!(!events.text.contains(held.as_str()) && !manager.log().contains(held.as_str()));
    }
    let file = std::fs::read(world.data_dir().join("seatpool.db")).unwrap();
    assert!(!file.windows(secret.len()).any(|part| part == secret.as_bytes()), "it is stored encrypted");
}

#[tokio::test]
async fn turning_the_second_factor_off_takes_password_and_code_and_new_codes_void_the_old() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (secret, _, codes) = enrol(&mut alice, ALICE.1).await;
    let fields = [("codes_password", ALICE.1)];
    let page = alice.submit(SECURITY, &format!("{SECURITY}/recovery-codes"), &fields).await;
    assert!(page.has("Keep your recovery codes") && !page.has(&codes[0]), "{}", page.body);
    let off = format!("{SECURITY}/second-factor/off");
    let code = totp::code(&secret, 1);
    let wrong = alice.submit(SECURITY, &off, &[("off_password", "not it"), ("off_code", &code)]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("id=\"off_password-error\""));
    let wrong = alice.submit(SECURITY, &off, &[("off_password", ALICE.1), ("off_code", "000000")]).await;
    assert!(wrong.status == 422 && wrong.has("id=\"off_code-error\""), "{}", wrong.body);
    let done = alice.submit(SECURITY, &off, &[("off_password", ALICE.1), ("off_code", &code)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let mut again = Visitor::new(&manager);
    assert_eq!(again.sign_in(ALICE.0, ALICE.1).await.header("location"), "/portal");
}

#[tokio::test]
async fn an_account_that_requires_a_second_factor_lets_nobody_in_without() {
    let world = World::new().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let rules = json!({ "second_factor_required": true, "password_grant": false });
    let path = "/api/seatpool/v1/accounts/example.com/sign-in-rules";
    assert_eq!(first.call(Method::PUT, path, Some(&rules)).await.status, 200);
    let mut alice = Visitor::new(&manager);
    let page = alice.sign_in(ALICE.0, ALICE.1).await;
    assert_eq!(page.header("location"), "/sign-in/second-factor?back=%2Fportal");
    assert_eq!(alice.get("/portal").await.status, 303);
    let page = alice.get("/sign-in/second-factor").await;
    let secret = page.between("id=\"secret\">", "</code>").unwrap();
    let sealed = page.between("name=\"sealed\" value=\"", "\"").unwrap();
    let fields = [("csrf", page.csrf()), ("sealed", sealed), ("code", totp::code(&secret, 0))];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = alice.post("/sign-in/second-factor", &fields).await;
    assert!(page.has("Keep your recovery codes"), "{}", page.body);
    assert_ne!(alice.get("/portal/example.com").await.status, 404);
    assert_eq!(alice.get("/portal/example.com").await.status, 200);
}

async fn invited(manager: &Manager, world: &World, login: &str) -> String {
    let first = Caller::first(world, manager).await;
    let new = json!({ "login": login, "name": "Dora", "roles": [{ "role": "account_administrator" }] });
    let made = first.post(USERS, new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let link = made.json()["link"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&manager.url), "{link}");
    link[manager.url.len()..].to_owned()
}

#[tokio::test]
async fn an_invited_person_sets_a_good_password_with_a_link_that_works_once() {
    let world = World::new().await;
    let manager = world.start();
    let link = invited(&manager, &world, "Dora").await;
    let mut dora = Visitor::new(&manager);
    assert_eq!(dora.sign_in("dora", "anything at all").await.status, 401, "no password yet");
    let page = dora.get(&link).await;
    assert!(page.status == 200 && page.has("You sign in as dora"), "{}", page.body);
    for (new, again, field, told) in [
        ("short", "short", "new-error", "12 characters"),
        ("dora1234567890", "dora1234567890", "new-error", "guessed too soon"),
        ("umbrella tramway 91", "umbrella tramway 92", "again-error", "not the same"),
        ("", "", "new-error", "Type the new password"),
    ] {
        let page = dora.submit(&link, &link, &[("new", new), ("again", again)]).await;
        assert_eq!(page.status, 422, "{new}");
        assert!(page.has(&format!("id=\"{field}\"")) && page.has(told), "{new}: {}", page.body);
        assert!(new.is_empty() || !page.has(new), "what was typed as a password is not sent back");
    }
    let good = [("new", "umbrella tramway 91"), ("again", "umbrella tramway 91")];
    let done = dora.submit(&link, &link, &good).await;
    assert_eq!((done.status, done.header("location")), (303, "/portal"), "{}", done.body);
    assert_eq!(dora.get("/portal/example.com").await.status, 200);
    let again = Visitor::new(&manager).get(&link).await;
    assert_eq!(again.status, 410);
    assert!(again.has("no longer good"));
    for bad in ["/welcome/x", "/welcome/00000000000000000000000000000000.x"] {
        assert_eq!(dora.get(bad).await.status, 410, "{bad}");
    }
    let secret = link.split_once('.').unwrap().1;
    assert!(!manager.log().contains(secret), "no log holds the link");
}

#[tokio::test]
async fn changing_the_password_asks_the_present_one_and_ends_all_other_sessions() {
    let world = World::new().await;
    let manager = world.start();
    let mut here = Visitor::signed_in(&manager, ALICE).await;
    let mut there = Visitor::signed_in(&manager, ALICE).await;
    let to = format!("{SECURITY}/password");
    let new = "umbrella tramway 91";
    let wrong = here.submit(SECURITY, &to, &[("present", "not it"), ("new", new), ("again", new)]).await;
    assert!(wrong.status == 422 && wrong.has("id=\"present-error\""), "{}", wrong.body);
    assert_eq!(there.get(SECURITY).await.status, 200);
    let before = here.cookies[SESSION].clone();
    let done = here.submit(SECURITY, &to, &[("present", ALICE.1), ("new", new), ("again", new)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_ne!(here.cookies[SESSION], before);
    assert_eq!(here.get(SECURITY).await.status, 200);
    assert_eq!(there.get(SECURITY).await.status, 303, "the other session has ended");
    assert_eq!(Visitor::new(&manager).sign_in(ALICE.0, ALICE.1).await.status, 401);
    Visitor::signed_in(&manager, (ALICE.0, new)).await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let world = World::new().await;
    let manager = world.start();
    let mut here = Visitor::signed_in(&manager, ALICE).await;
    let mut there = Visitor::signed_in(&manager, ALICE).await;
    let mut third = Visitor::signed_in(&manager, ALICE).await;
    let page = here.get(SECURITY).await;
    assert_eq!(page.body.matches("<tr role=\"row\" id=\"s-").count(), 3);
    assert!(page.has("This one") && page.has("127.0.0.1"));
    let own = there.get(SECURITY).await;
    let row = own.body.split("<tr role=\"row\" id=\"s-").find(|row| row.contains("This one")).unwrap();
    let id = row.split('"').next().unwrap().to_owned();
    let end = format!("{SECURITY}/sessions/{id}/end");
    assert_eq!(here.submit(SECURITY, &end, &[]).await.status, 303);
    assert_eq!(there.get(SECURITY).await.status, 303);
    assert_eq!(third.get(SECURITY).await.status, 200);
    assert_eq!(here.submit(SECURITY, &format!("{SECURITY}/sessions/end-others"), &[]).await.status, 303);
    assert_eq!(third.get(SECURITY).await.status, 303);
    assert_eq!(here.get(SECURITY).await.status, 200);

    // An administrator sees them, too, and ends them.
    let first = Caller::first(&world, &manager).await;
    let sessions = first.get(&format!("{USERS}/alice/sessions")).await.json();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    let ended = first.call(Method::DELETE, &format!("{USERS}/alice/sessions"), None).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    assert_eq!(here.get(SECURITY).await.status, 303);
}

#[tokio::test]
async fn a_planted_session_is_worth_nothing_and_no_answer_follows_a_forged_host() {
    let world = World::new().await;
    let manager = world.start();
    let mut victim = Visitor::new(&manager);
    victim.get("/sign-in").await;
    victim.cookies.insert(SESSION.into(), "planted-by-somebody-else-planted-by-somebody".into());
    victim.sign_in(ALICE.0, ALICE.1).await;
    assert_ne!(victim.cookies[SESSION], "planted-by-somebody-else-planted-by-somebody");
    let mut planter = Visitor::new(&manager);
    planter.cookies.insert(SESSION.into(), "planted-by-somebody-else-planted-by-somebody".into());
    assert_eq!(planter.get("/portal").await.status, 303);

    let evil = [("host", "evil.example"), ("x-forwarded-host", "evil.example")];
    let page = victim.get_with("/portal", &evil).await;
    assert!(page.header("location").starts_with("/portal"), "{}", page.header("location"));
    let user = "/portal/example.com/account/users/alice";
    let page = victim.get_with(user, &evil).await;
    assert!(page.status == 200 && !page.has("evil.example"));
    let form = victim.get("/portal/example.com/account/users/new").await;
    let fields = [("csrf", form.csrf()), ("login", "dora".into()), ("approver", "yes".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let made = victim.post_with("/portal/example.com/account/users", &fields, &evil).await;
    assert!(made.has(&format!("{}/welcome/", manager.url)) && !made.has("evil.example"), "{}", made.body);
    for back in ["//evil.example", "https://evil.example/", "/portal\\@evil.example"] {
        let mut visitor = Visitor::new(&manager);
        let form = visitor.get("/sign-in").await;
        let csrf = form.csrf();
        let fields = [("csrf", csrf.as_str()), ("back", back), ("login", ALICE.0), ("password", ALICE.1)];
        assert_eq!(visitor.post("/sign-in", &fields).await.header("location"), "/portal", "{back}");
    }
}

#[tokio::test]
async fn who_signs_in_with_a_password_that_somebody_else_chose_sets_another_first() {
    let world = World::new().await;
    let manager = world.start();
    let first = Caller::first(&world, &manager).await;
    let administrator = json!({ "login": "gina", "password": "chosen by the vendor 7" });
    let new = json!({ "domain": "third.example", "administrator": administrator });
    assert_eq!(first.post("/api/seatpool/v1/accounts", new).await.status, 201);
    let mut gina = Visitor::new(&manager);
    let page = gina.sign_in("gina", "chosen by the vendor 7").await;
    assert_eq!(page.header("location"), "/sign-in/new-password?back=%2Fportal");
    assert!(gina.get("/portal").await.header("location").starts_with("/sign-in"));
    let step = "/sign-in/new-password";
    let new = [("new", "umbrella tramway 91"), ("again", "umbrella tramway 91")];
    let done = gina.submit(step, step, &new).await;
    assert_eq!((done.status, done.header("location")), (303, "/portal"), "{}", done.body);
    assert_eq!(gina.get("/portal/third.example").await.status, 200);
    Visitor::signed_in(&manager, ("gina", "umbrella tramway 91")).await;
}

#[tokio::test]
async fn a_time_lapse_signs_nobody_out_sooner_and_changes_no_code() {
    let flags = ["--demonstration"];
    let world = World::with(tempfile::tempdir().unwrap(), &flags).await;
    let clock = crate::support::manager::in_days(200);
    let factor = i64::from(clock.factor());
    world
        .offline(clock, async |app: seatpool_manager::App| {
            let browser = sessions::Browser::default();
            let typed = sessions::Typed { login: ALICE.0, password: ALICE.1.into(), code: "" };
            let signed_in = sessions::sign_in(&app, typed, &browser).await.unwrap();
            let user = app.store().user_by_login(ALICE.0).await.unwrap().unwrap();
            let session = app.store().sessions(user.id, app.now()).await.unwrap().remove(0);
            let lasts = session.expires_at.duration_since(session.created_at);
            assert_eq!(lasts, jiff::SignedDuration::from_hours(sessions::SESSION_HOURS * factor));
            let current = sessions::session(&app, &signed_in.token, None, true).await.unwrap().unwrap();
            assert_eq!(current.login, ALICE.0);
            // An authenticator app knows the real time alone.
            let enrolment = second_factor::begin(&app, &user).unwrap();
            let code = totp::code(&enrolment.secret, 0);
            let enabled =
                second_factor::enable(&app, &current.principal, &user, &enrolment.sealed, &code).await;
            assert_eq!(enabled.unwrap().len(), 10);
        })
        .await;
}

/// A host of a provider's network of its own.
fn from(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, n, 0, 1))
}

/// Guesses at a login from so many networks that it is besieged.
async fn besiege(manager: &Manager, login: &str) {
    for n in 10..17 {
        let mut guesser = Visitor::at(manager, from(n));
        for _ in 0..3 {
            let page = guesser.sign_in(login, "not the password").await;
            assert_eq!((page.status, page.has("The name or the password is wrong")), (401, true));
        }
    }
}

#[tokio::test]
async fn many_attempts_at_once_are_no_way_around_the_wait() {
    let world = World::new().await;
    let manager = world.start();
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let mut guesser = Visitor::at(&manager, from(9));
        let form = guesser.get("/sign-in").await;
        tries.spawn(async move {
            let fields = [("csrf", form.csrf()), ("login", ALICE.0.into()), ("password", "not it".into())];
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let page = guesser.post("/sign-in", &fields).await;
            (page.status, page.header("retry-after").is_empty())
        });
    }
    let answers = tries.join_all().await;
    assert!(answers.iter().filter(|answer| **answer == (401, true)).count() <= 4, "{answers:?}");
    assert!(answers.iter().filter(|answer| **answer == (429, false)).count() >= 26, "{answers:?}");
}

#[tokio::test]
async fn guessing_from_everywhere_stops_neither_known_browsers_and_networks_nor_second_factors_nor_newcomers()
{
    let world = World::new().await;
    let manager = world.start();
    let mut known = Visitor::signed_in(&manager, ALICE).await;
    let device = known.cookies[DEVICE].clone();
    let (secret, _, codes) = enrol(&mut known, ALICE.1).await;
    besiege(&manager, ALICE.0).await;
    besiege(&manager, "nobody").await;

    // A network has two turns as a newcomer, and one that nobody else wants; then it waits, somebody or nobody.
    for login in [ALICE.0, "nobody"] {
        for status in [401, 401, 401, 429] {
            let page = Visitor::at(&manager, from(30)).sign_in(login, "not it").await;
            assert_eq!(page.status, status, "{login}: {}", page.body);
            assert_eq!(page.has("The turn of yours is in 40 minutes"), status == 429, "{}", page.body);
            assert_eq!(page.header("retry-after").is_empty(), status != 429);
        }
    }
    let page = Visitor::at(&manager, from(30)).sign_in(ALICE.0, ALICE.1).await;
    assert!(page.status == 429 && page.has("id=\"code\""), "{}", page.body);

    let mut back = Visitor::at(&manager, from(30));
    back.cookies.insert(DEVICE.into(), device.clone());
    assert_eq!(back.sign_in(ALICE.0, ALICE.1).await.status, 303, "a known browser gets through");
    let mut altered = Visitor::at(&manager, from(30));
    let last = if device.ends_with('A') { 'B' } else { 'A' };
    altered.cookies.insert(DEVICE.into(), format!("{}{last}", &device[..device.len() - 1]));
    assert_eq!(altered.sign_in(ALICE.0, ALICE.1).await.status, 429);

    // With a second factor, password and code together.
    let both = async |host: u8, password: &str, code: &str| {
        let mut visitor = Visitor::at(&manager, IpAddr::V4(Ipv4Addr::new(127, 30, 0, host)));
        let csrf = visitor.get("/sign-in").await.csrf();
        let fields = [("csrf", csrf.as_str()), ("login", ALICE.0), ("password", password), ("code", code)];
        visitor.post("/sign-in", &fields).await
    };
    let code = totp::code(&secret, 1);
    let wrong = [("not it", code.as_str()), (ALICE.1, "000000"), ("not it", codes[0].as_str())];
    for (host, (password, code)) in (2..).zip(wrong) {
        let page = both(host, password, code).await;
        assert!(
            page.status == 429 && page.has("The turn of yours"),
            "which was wrong is not told: {}",
            page.body
        );
    }
    let page = both(5, ALICE.1, &codes[0]).await;
    assert_eq!((page.status, page.header("location")), (303, "/portal"), "{}", page.body);
    let page = both(6, ALICE.1, &code).await;
    assert_eq!(page.status, 303, "the wrong password did not use the code up");

    // The owner somewhere new, and at a network that she signed in from.
    let page = Visitor::at(&manager, from(40)).sign_in(ALICE.0, ALICE.1).await;
    assert_eq!(page.header("location"), "/sign-in/code?back=%2Fportal", "a newcomer has a turn");
    let neighbour = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));
    let page = Visitor::at(&manager, neighbour).sign_in(ALICE.0, ALICE.1).await;
    assert_eq!(page.status, 303, "{}", page.body);
}

#[tokio::test]
async fn more_passwords_than_can_be_checked_are_sent_away_at_once_and_known_browsers_are_not() {
    let world = World::new().await;
    let manager = world.start();
    let known = Visitor::signed_in(&manager, ALICE).await;
    let mut forms = Vec::new();
    for n in 10..90 {
        let mut guesser = Visitor::at(&manager, from(n));
        let csrf = guesser.get("/sign-in").await.csrf();
        forms.push((n, guesser, csrf));
    }
    let mut tries = tokio::task::JoinSet::new();
    for (n, mut guesser, csrf) in forms {
        tries.spawn(async move {
            let login = format!("nobody-{n}");
            let fields = [("csrf", csrf.as_str()), ("login", &login), ("password", "not it")];
            let page = guesser.post("/sign-in", &fields).await;
            let is_told = page.has("Too many people sign in at this moment") && page.has(&login);
            (page.status, page.header("retry-after").to_owned(), is_told)
        });
    }
    let mut back = Visitor::new(&manager);
    back.cookies.insert(DEVICE.into(), known.cookies[DEVICE].clone());
    assert_eq!(back.sign_in(ALICE.0, ALICE.1).await.status, 303, "there is room for who is known");
    let answers = tries.join_all().await;
    let busy = (503, "5".to_owned(), true);
    assert!(answers.contains(&busy), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == busy || answer.0 == 401), "{answers:?}");
    assert_eq!(Visitor::at(&manager, from(99)).sign_in(ALICE.0, ALICE.1).await.status, 303, "it passes");
}
