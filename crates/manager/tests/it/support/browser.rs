//! A real browser: Chromium, driven over the WebDriver protocol (W3C) by chromedriver.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";

pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const ESCAPE: &str = "\u{E00C}";
pub(crate) const ENTER: &str = "\u{E007}";

/// One browser with an empty profile. Closed when dropped.
pub(crate) struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
    profile: TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        Self::started_with(&json!({})).await
    }

    /// A browser whose user turned script off.
    pub(crate) async fn without_script() -> Self {
        Self::started_with(&json!({ "profile.managed_default_content_settings.javascript": 2 })).await
    }

    async fn started_with(preferences: &Value) -> Self {
        for (program, package) in [(BROWSER, "chromium"), (DRIVER, "chromium-driver")] {
            assert!(
                Path::new(program).exists(),
                "{program} is missing: install the package {package} (apt-get install {package})"
            );
        }
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver says on which port it listens").unwrap();
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // What it writes later is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            driver,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            session: format!("http://127.0.0.1:{port}/session"),
            profile,
        };
        let user_data = format!("--user-data-dir={}", browser.profile.path().display());
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--ignore-certificate-errors",
            &user_data,
        ];
        let options = json!({ "binary": BROWSER, "args": arguments, "prefs": preferences });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let made = browser.command(reqwest::Method::POST, "", &wanted).await;
        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().unwrap());
        browser
    }

    async fn command(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let mut request = self.http.request(method.clone(), url);
        if method == reqwest::Method::POST {
            request = request.json(body);
        }
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{path}: {value}");
        value
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.command(reqwest::Method::POST, path, &body).await
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// Runs script in the page, as an inspector would; the page's own policy does not bind it.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Waits until an expression is true in the page, across page loads.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return document.readyState === 'complete' && !!({expression})");
        for _ in 0..600 {
            if self.run(&script).await == json!(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let seen = self.run("return location.href + '\\n' + document.body.innerText").await;
        panic!("never came true: {expression}\n{}", seen.as_str().unwrap_or_default());
    }

    /// Checks the page with axe: no rule of WCAG 2.2 A and AA, and no best practice, is broken.
    pub(crate) async fn check_accessible(&self, what: &str) {
        let found = self.barriers().await;
        assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
    }

    /// What axe finds on the page that WCAG 2.2 A and AA, and best practice, forbid.
    pub(crate) async fn barriers(&self) -> Vec<String> {
        // Those of WCAG 2.2 are off unless they are asked for.
        let levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
        self.run_axe(10, &json!({ "runOnly": { "type": "tag", "values": levels } })).await
    }

    /// The same of what colors make unreadable.
    pub(crate) async fn unreadable(&self) -> Vec<String> {
        let rules = ["color-contrast", "link-in-text-block"];
        self.run_axe(1, &json!({ "runOnly": { "type": "rule", "values": rules } })).await
    }

    /// Runs axe, which has to look at so many rules at least.
    async fn run_axe(&self, rules_min: usize, options: &Value) -> Vec<String> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/web/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; run npm ci in tests/web", file.display()));
        let script = format!(
            "{axe}; const done = arguments[arguments.length - 1]; axe.run({options}).then((found) => done((found.passes.length < {rules_min} ? ['axe looked at nothing'] : []).concat(found.violations.map((v) => \
             v.id + ': ' + v.help + '\\n' + v.nodes.slice(0, 5).map((n) => '  ' + n.html + '\\n  ' + n.failureSummary).join('\\n')))), \
             (error) => done([String(error)]))"
        );
        let found = self.post("/execute/async", json!({ "script": script, "args": [] })).await;
        found.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The element that a CSS selector finds first, as the driver names it.
    async fn element(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", wanted).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Waits until a selector finds something, without running script in the page.
    pub(crate) async fn until_found(&self, selector: &str) {
        let wanted = json!({ "using": "css selector", "value": selector });
        for _ in 0..600 {
            if self.post("/elements", wanted.clone()).await.as_array().is_some_and(|found| !found.is_empty())
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never came: {selector}");
    }

    /// Clicks what a selector finds first.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Types into the field that a selector finds first, in the place of what it holds.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/clear"), json!({})).await;
        self.post(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// The visible text of what a selector finds first.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let element = self.element(selector).await;
        let text = self.command(reqwest::Method::GET, &format!("/element/{element}/text"), &json!({})).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The path that it shows.
    pub(crate) async fn path(&self) -> String {
        let url = self.command(reqwest::Method::GET, "/url", &json!({})).await;
        reqwest::Url::parse(url.as_str().unwrap()).unwrap().path().to_owned()
    }

    /// Presses keys one after the other.
    pub(crate) async fn press(&self, keys: &str) {
        let strokes: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|stroke| json!({ "type": stroke, "value": key.to_string() }))
            })
            .collect();
        self.post(
            "/actions",
            json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] }),
        )
        .await;
    }

    /// Presses the tabulator until an element with this visible text has the focus, and the focus is seen.
    pub(crate) async fn tab_to(&self, text: &str) {
        let focused = "const e = document.activeElement; return e.innerText ? e.innerText.trim() : ''";
        for _ in 0..60 {
            self.press(TAB).await;
            if self.run(focused).await.as_str().is_some_and(|found| found.starts_with(text)) {
                let outline = self.run("return getComputedStyle(document.activeElement).outlineStyle").await;
                assert_ne!(outline, json!("none"), "the focus on {text} can't be seen");
                return;
            }
        }
        panic!("{text} can't be reached with the keyboard");
    }

    /// How wide the window is, in CSS pixels.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.post(
            "/goog/cdp/execute",
            json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size }),
        )
        .await;
    }

    pub(crate) async fn set_cookie(&self, name: &str, value: &str) {
        self.post(
            "/cookie",
            json!({ "cookie": { "name": name, "value": value, "path": "/", "secure": true } }),
        )
        .await;
    }

    /// Saves the whole page as `target/screenshots/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) -> PathBuf {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let shot =
            self.post("/goog/cdp/execute", json!({ "cmd": "Page.captureScreenshot", "params": whole })).await;
        let picture =
            base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        std::fs::write(&file, picture).unwrap();
        file
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes the browser; killed at once, it would leave it behind.
        let address = self.session.trim_start_matches("http://");
        if let Some((host, path)) = address.split_once('/')
            && let Ok(mut stream) = std::net::TcpStream::connect(host)
        {
            let request = format!("DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
