//! One administrator's morning in a real browser, in light and in dark: signing in with password and authenticator
//! app, a token, an order, a transfer, a removal. Every step leaves its picture in `target/screenshots`.

use crate::support::scene::contact_centre;
use crate::support::{ALICE, Browser, Manager, World, totp};

/// A browser that pictures each step.
struct Tour {
    browser: Browser,
    url: String,
    theme: &'static str,
    steps: u32,
}

impl Tour {
    async fn start(manager: &Manager, theme: &'static str) -> Self {
        let browser = Browser::start().await;
        browser.resize(1400, 900).await;
        browser.open(&format!("{}/sign-in", manager.url)).await;
        browser.set_cookie("seatpool-appearance", theme).await;
        Self { browser, url: manager.url.clone(), theme, steps: 0 }
    }

    async fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.url)).await;
    }

    /// Pictures the page and looks for what keeps somebody out of it.
    async fn picture(&mut self, name: &str) {
        self.steps += 1;
        let theme = self.browser.run("return document.documentElement.dataset.theme").await;
        assert_eq!(theme, serde_json::json!(self.theme), "{name}");
        let picture = self.browser.screenshot(&format!("flow-{}-{:02}-{name}", self.theme, self.steps)).await;
        assert!(std::fs::metadata(picture).unwrap().len() > 5_000, "{name} is blank");
        self.browser.check_accessible(&format!("{name}, {}", self.theme)).await;
    }

    async fn give_password(&self) {
        self.open("/sign-in").await;
        self.browser.fill("#login", ALICE.0).await;
        self.browser.fill("#password", ALICE.1).await;
        self.browser.click("main button.primary").await;
    }

    async fn reads(&self, words: &str) {
        self.browser.until(&format!("document.body.innerText.includes({words:?})")).await;
    }

    /// Sets the second factor up in Preferences; the secret that the page shows.
    async fn sets_up_second_factor(&mut self) -> String {
        self.give_password().await;
        self.browser.until_found(".sections").await;
        self.open("/preferences/security").await;
        self.browser.click("main a.primary[href$='/second-factor']").await;
        self.browser.until_found("#secret").await;
        self.picture("second-factor").await;
        let secret = self.browser.text("#secret").await;
        self.browser.fill("#password", ALICE.1).await;
        self.browser.fill("#code", &totp::code(&secret, 0)).await;
        self.browser.click("main form button.primary").await;
        self.browser.until_found("#codes li").await;
        self.picture("recovery-codes").await;
        self.browser.click("main a.primary").await;
        self.reads("10 recovery codes are left").await;
        self.picture("security").await;
        self.browser.click("form[action='/sign-out'] button").await;
        self.reads("You are signed out").await;
        secret
    }

    /// Signs in with the password, a code that is wrong, and the one that the app shows next.
    async fn signs_in(&mut self, secret: &str) {
        self.give_password().await;
        self.browser.until_found("#code").await;
        self.open("/portal/example.com").await;
        self.browser.until_found("#code").await;
        self.browser.fill("#code", "000000").await;
        self.browser.click("main form button.primary").await;
        self.browser.until_found("#code-error").await;
        self.picture("wrong-code").await;
        self.browser.fill("#code", &totp::code(secret, 1)).await;
        self.browser.click("main form button.primary").await;
        self.browser.until_found(".sections").await;
    }

    async fn creates_token(&mut self, world: &World) {
        self.open(&world.page("general")).await;
        self.browser.click("main a.primary[href$='/tokens/new']").await;
        self.browser.until_found("#description").await;
        self.browser.fill("#description", "Second node, Vienna").await;
        self.browser.fill("#days", "0").await;
        self.browser.click("main form button.primary").await;
        self.browser.until_found("#days-error").await;
        self.picture("token-refused").await;
        self.browser.fill("#days", "60").await;
        self.browser.click("main form button.primary").await;
        self.browser.until_found("#token-text").await;
        assert_eq!(self.browser.text("#token-text").await.len(), 84);
        self.picture("token").await;
    }

    async fn orders(&mut self) {
        self.open("/portal/example.com/reports/lots").await;
        self.browser.click("main a.primary[href$='/orders/new']").await;
        self.browser.until_found("#license").await;
        self.browser.click("#license option[value='CCX_PREMIUM']").await;
        self.browser.fill("#quantity", "40").await;
        self.browser.fill("#order_id", "SO-77120").await;
        self.browser.click("#length option[value='3']").await;
        self.browser.click("main button[value=preview]").await;
        self.browser.until_found(".preview").await;
        self.picture("order-previewed").await;
        self.browser.click("main button[value=do]").await;
        self.reads("The licenses are deposited").await;
        self.reads("SO-77120").await;
        self.picture("ordered").await;
    }

    async fn transfers(&mut self, world: &World, to: &str) {
        self.open(&world.page("licenses")).await;
        self.browser.click("#l-CCX_PREMIUM a.name").await;
        self.browser.until_found("main a[href$='/transfer']").await;
        self.picture("license").await;
        self.browser.click("main a[href$='/transfer']").await;
        self.browser.until_found("#to").await;
        self.browser.fill("main input[type=number]", "15").await;
        self.browser.click(&format!("#to option[value='{to}']")).await;
        self.browser.click("#move button.primary").await;
        self.browser.until_found("#effect").await;
        self.reads("40 → 25").await;
        self.reads("0 → 15").await;
        self.picture("transfer-previewed").await;
        self.browser.click("#move button.primary").await;
        self.reads("The licenses are moved").await;
        self.picture("transferred").await;
    }

    async fn removes(&mut self, world: &World) {
        self.open(&world.page("instances")).await;
        self.browser.click("tbody a.name").await;
        self.browser.until_found("main a[href$='/remove']").await;
        self.picture("instance").await;
        self.browser.click("main a[href$='/remove']").await;
        self.browser.until_found("button.danger").await;
        self.reads("20 → 0").await;
        self.picture("remove").await;
        self.browser.click("button.danger").await;
        self.reads("The product instance is removed").await;
        self.picture("removed").await;
    }
}

async fn a_whole_customer_is_run(theme: &'static str) {
    let world = World::new().await;
    let graz = world.virtual_account("Graz", "").await;
    let token = world.token().await;
    let manager = world.start();
    contact_centre(&manager, &token.text, "9ABN1F00001", "uccx-vie-01", &[("CCX_PREMIUM", 20)]).await;
    let mut tour = Tour::start(&manager, theme).await;
    let secret = tour.sets_up_second_factor().await;
    tour.signs_in(&secret).await;
    tour.creates_token(&world).await;
    tour.orders().await;
    tour.transfers(&world, &graz.to_string()).await;
    tour.removes(&world).await;

    // The log has all of it, newest first, in the name of who did it.
    tour.open(&world.page("events")).await;
    for words in ["was removed from Default", "to Graz", "SO-77120", "within 60 days"] {
        tour.reads(words).await;
    }
    tour.picture("events").await;
}

#[tokio::test]
async fn an_administrator_runs_a_whole_customer_from_a_light_browser() {
    a_whole_customer_is_run("light").await;
}

#[tokio::test]
async fn an_administrator_runs_a_whole_customer_from_a_dark_browser() {
    a_whole_customer_is_run("dark").await;
}
