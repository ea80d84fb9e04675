//! Forms that show a secret once: sent twice, one after the other or at the same time, they make one.

use serde_json::json;

use crate::rest_support::Caller;
use crate::support::{ALICE, Manager, Page, Visitor, World, totp};

const ACCOUNT: &str = "/portal/example.com/account";
const SECURITY: &str = "/preferences/security";

/// Another tab of the same browser.
fn tab(manager: &Manager, visitor: &Visitor) -> Visitor {
    let mut other = Visitor::new(manager);
    other.cookies.clone_from(&visitor.cookies);
    other
}

/// A form as a browser holds it: what it sends, however often.
struct Form {
    to: String,
    fields: Vec<(String, String)>,
}

impl Form {
    async fn open(visitor: &mut Visitor, page: &str, to: &str, fields: &[(&str, &str)]) -> Self {
        let page = visitor.get(page).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let own = ["csrf", "form_id"]
            .map(|name| (name.to_owned(), page.between(&format!("name=\"{name}\" value=\""), "\"").unwrap()));
        let typed = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { to: to.to_owned(), fields: own.into_iter().chain(typed).collect() }
    }

    async fn send(&self, visitor: &mut Visitor) -> Page {
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        visitor.post(&self.to, &fields).await
    }

    /// Sends it three times: two at the same time, as a double click does, and one after. The secret that all show.
    async fn send_thrice(&self, manager: &Manager, visitor: &mut Visitor, secret: (&str, &str)) -> String {
        let (mut second, mut third) = (tab(manager, visitor), tab(manager, visitor));
        let before = visitor.cookies.clone();
        let (one, two) = tokio::join!(self.send(visitor), self.send(&mut second));
        // Tabs share their cookies: the one that came first may have been given a new session.
        if visitor.cookies == before {
            visitor.cookies = second.cookies;
        }
        let three = self.send(&mut third).await;
        let secrets = [one, two, three].map(|page| {
            assert_eq!(page.status, 200, "{}: {}", self.to, page.body);
            page.between(secret.0, secret.1).unwrap_or_else(|| panic!("{}: {}", self.to, page.body))
        });
        assert!(secrets.iter().all(|other| *other == secrets[0]), "{}: {secrets:?}", self.to);
        secrets[0].clone()
    }
}

async fn token_status(manager: &Manager, id: &str, secret: &str) -> u16 {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    manager
        .http
        .post(format!("{}/oauth/token", manager.url))
        .form(&form)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_client_is_made_once_and_its_secret_replaced_once() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (new, clients) = (format!("{ACCOUNT}/clients/new"), format!("{ACCOUNT}/clients"));
    let shown = ("<output id=\"client-secret\">", "</output>");
    let fields = [("name", "Night job"), ("scope-read", "yes"), ("administrator", "yes")];
    let form = Form::open(&mut alice, &new, &clients, &fields).await;
    let secret = form.send_thrice(&manager, &mut alice, shown).await;
    let list = alice.get(&clients).await;
    assert_eq!(list.body.matches("class=\"name\">Night job<").count(), 1, "{}", list.body);
    let id = form.send(&mut alice).await.between("<dd><code>", "</code>").unwrap();
    assert_eq!(token_status(&manager, &id, &secret).await, 200);

    // Were it replaced twice, the first secret would be void.
    let rotate = format!("{clients}/{id}/rotate");
    let form = Form::open(&mut alice, &rotate, &rotate, &[]).await;
    let newer = form.send_thrice(&manager, &mut alice, shown).await;
    assert_ne!(newer, secret);
    for secret in [&secret, &newer] {
        assert_eq!(token_status(&manager, &id, secret).await, 200);
    }

    // Nobody else is shown it: not with the same fields, not in a session of their own.
    let mut stranger = Visitor::new(&manager);
    let page = form.send(&mut stranger).await;
    assert!(page.status == 303 && !page.has(&newer), "{}", page.body);
    let first = Caller::first(&world, &manager).await;
    let made = first
        .post(
            "/api/seatpool/v1/accounts/example.com/users",
            json!({ "login": "dora", "roles": [{ "role": "account_administrator" }] }),
        )
        .await;
    let link = made.json()["link"].as_str().unwrap()[manager.url.len()..].to_owned();
    let mut dora = Visitor::new(&manager);
    let password = [("new", "umbrella tramway 91"), ("again", "umbrella tramway 91")];
    assert_eq!(dora.submit(&link, &link, &password).await.status, 303);
    let page = form.send(&mut dora).await;
    assert!(page.status == 403 && !page.has(&newer), "{}", page.body);
}

#[tokio::test]
async fn a_browser_that_goes_away_from_its_first_click_still_sees_the_secret() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (new, clients) = (format!("{ACCOUNT}/clients/new"), format!("{ACCOUNT}/clients"));
    for n in 0..5 {
        let name = format!("Job {n}");
        let fields = [("name", name.as_str()), ("scope-read", "yes"), ("administrator", "yes")];
        let form = Form::open(&mut alice, &new, &clients, &fields).await;
        let mut first = tab(&manager, &alice);
        tokio::select! {
            biased;
            _ = form.send(&mut first) => {}
            () = async { for _ in 0..n * 20 { tokio::task::yield_now().await } } => {}
        }
        let page = form.send(&mut alice).await;
        assert!(page.status == 200 && page.has("<output id=\"client-secret\">"), "{}", page.body);
        assert_eq!(alice.get(&clients).await.body.matches(&format!("class=\"name\">{name}<")).count(), 1);
    }
}

#[tokio::test]
async fn a_link_is_made_once_for_who_is_invited_and_for_who_forgot_the_password() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (new, users) = (format!("{ACCOUNT}/users/new"), format!("{ACCOUNT}/users"));
    let shown = ("<output id=\"link-text\">", "</output>");
    let form = Form::open(&mut alice, &new, &users, &[("login", "dora"), ("approver", "yes")]).await;
    let invited = form.send_thrice(&manager, &mut alice, shown).await;
    let list = alice.get(&users).await;
    let dora = list.between(&format!("<a class=\"name\" href=\"{users}/"), "\">dora").unwrap();
    let dora = format!("{users}/{}", dora.rsplit('/').next().unwrap());
    let path = |link: &str| link[manager.url.len()..].to_owned();
    assert_eq!(Visitor::new(&manager).get(&path(&invited)).await.status, 200);

    let reset = format!("{dora}/reset-password");
    let form = Form::open(&mut alice, &reset, &reset, &[]).await;
    let newer = form.send_thrice(&manager, &mut alice, shown).await;
    assert_eq!(Visitor::new(&manager).get(&path(&invited)).await.status, 410);
    assert_eq!(Visitor::new(&manager).get(&path(&newer)).await.status, 200);
    let events = alice.get("/portal/example.com/activity?kind=password_reset").await;
    assert!(events.has("1 to 1 of 1"), "{}", events.body);
}

#[tokio::test]
async fn recovery_codes_are_made_once_with_the_second_factor_and_later() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let enrol = format!("{SECURITY}/second-factor");
    let page = alice.get(&enrol).await;
    let secret = page.between("id=\"secret\">", "</code>").unwrap();
    let sealed = page.between("name=\"sealed\" value=\"", "\"").unwrap();
    let code = totp::code(&secret, 0);
    let fields = [("sealed", sealed.as_str()), ("password", ALICE.1), ("code", code.as_str())];
    let form = Form::open(&mut alice, &enrol, &enrol, &fields).await;
    let shown = ("<ul class=\"codes\" id=\"codes\">", "</ul>");
    let codes = form.send_thrice(&manager, &mut alice, shown).await;
    assert!(alice.get(SECURITY).await.has("10 recovery codes are left"));

    let more = format!("{SECURITY}/recovery-codes");
    let form = Form::open(&mut alice, SECURITY, &more, &[("codes_password", ALICE.1)]).await;
    let newer = form.send_thrice(&manager, &mut alice, shown).await;
    assert_ne!(newer, codes);
    let (_, rest) = newer.split_once("<code>").unwrap();
    let (first, _) = rest.split_once("</code>").unwrap();
    let mut other = Visitor::new(&manager);
    other.sign_in(ALICE.0, ALICE.1).await;
    let done = other.submit("/sign-in/code", "/sign-in/code", &[("code", first), ("back", "/portal")]).await;
    assert_eq!(done.status, 303, "the codes that are shown are those that count: {}", done.body);
}

#[tokio::test]
async fn when_the_secret_is_no_longer_kept_it_is_said_that_it_was_made_and_where_to_make_another() {
    let world = World::new().await;
    let manager = world.start();
    let mut alice = Visitor::signed_in(&manager, ALICE).await;
    let (new, clients) = (format!("{ACCOUNT}/clients/new"), format!("{ACCOUNT}/clients"));
    let fields = [("name", "Night job"), ("scope-read", "yes"), ("administrator", "yes")];
    let form = Form::open(&mut alice, &new, &clients, &fields).await;
    let secret = form.send(&mut alice).await.between("<output id=\"client-secret\">", "</output>").unwrap();
    let file = std::fs::read(world.data_dir().join("seatpool.db")).unwrap();
    assert!(!file.windows(secret.len()).any(|part| part == secret.as_bytes()), "it is stored nowhere");
    manager.stop();
    let manager = world.start();
    let mut alice = tab(&manager, &alice);
    let page = form.send(&mut alice).await;
    assert_eq!(page.status, 409, "{}", page.body);
    assert!(
        page.has("This was done already") && page.has(&format!("href=\"{clients}\">Go there")),
        "{}",
        page.body
    );
    assert_eq!(alice.get(&clients).await.body.matches("class=\"name\">Night job<").count(), 1);
}
