//! The daemon and `license` against the real manager: registered, reported, shown, moved out, and left with the
//! manager away.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use http::Method;
use seatpool_agentd::client::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::daemon::Place;

/// A manager process with one account; killed with the test.
struct Manager {
    folder: TempDir,
    url: String,
    child: Child,
}

/// The manager's program stands beside the daemon's where the workspace was built; alone, it is built here.
fn program() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_seatpool-agentd")).with_file_name("seatpool");
    if !beside.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--package", "seatpool-manager", "--bin", "seatpool"])
            .status()
            .unwrap();
        assert!(
            built.success() && beside.exists(),
            "build the manager first: cargo build -p seatpool-manager"
        );
    }
    beside
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, "for this test alone").unwrap();
        run(Command::new(program())
            .args(["init", "--name", "localhost", "--listen", "127.0.0.1:0", "--ops-listen", "off"])
            .args(["--account-domain", "example.com", "--account-name", "Example", "--export-permitted"])
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .arg("--admin-password-file")
            .arg(&password));
        let (child, url) = Self::serve(folder.path(), "127.0.0.1:0");
        Self { folder, url, child }
    }

    fn serve(folder: &Path, listen: &str) -> (Child, String) {
        let mut child = Command::new(program())
            .args(["serve", "--listen", listen, "--data-dir"])
            .arg(folder.join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.find_map(|line| line.strip_prefix("seatpool: ready at ").map(str::to_owned));
        // The pipe stays open as long as the manager may write to it.
        std::thread::spawn(move || lines.for_each(drop));
        (child, ready.expect("the manager starts").split(' ').next().unwrap().to_owned())
    }

    fn root(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data/certificates/vendor-root.pem")).unwrap()
    }

    fn seatpool(&self, words: &[&str]) -> Value {
        let text = run(Command::new(program())
            .args(words)
            .args(["--json", "--url", &self.url, "--data-dir"])
            .arg(self.folder.path().join("data")));
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn token(&self) -> String {
        let made = self.seatpool(&["token", "create", "--virtual-account", "Default"]);
        made["token"].as_str().unwrap().to_owned()
    }

    fn token_without_export(&self) -> String {
        let words = ["token", "create", "--virtual-account", "Default", "--export-controlled", "not-allowed"];
        self.seatpool(&words)["token"].as_str().unwrap().to_owned()
    }

    fn order(&self, order: &str, license: &str, quantity: &str) {
        self.seatpool(&[
            "order",
            "place",
            "--virtual-account",
            "Default",
            "--order-id",
            order,
            "--license",
            license,
            "--quantity",
            quantity,
            "--perpetual",
        ]);
    }

    /// How many registered instances have the host name of this test's place.
    fn instances(&self) -> usize {
        let listed = self.seatpool(&["devices", "list"]);
        let devices = listed["items"].as_array().unwrap_or_else(|| panic!("{listed}"));
        devices.iter().filter(|device| device.to_string().contains("ccx-1")).count()
    }

    fn go_away(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn come_back(&mut self) {
        let port = self.url.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
        (self.child, self.url) = Self::serve(self.folder.path(), &format!("127.0.0.1:{port}"));
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn use_seats(place: &Place, count: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(place.socket());
    let usage = json!({ "CCX_FLEX_STANDARD": count });
    runtime.block_on(client.change(Method::PATCH, "licensing/features", Some(&usage))).unwrap();
}

#[test]
fn an_instance_lives_its_life_at_a_real_manager() {
    let mut manager = Manager::new();
    manager.order("O-1", "CCX Flex Standard Agent", "100");
    manager.order("O-2", "CCX Server", "1");
    let place = Place::with_root(&manager.root(), &manager.url);
    let mut daemon = place.start();

    let said = place.fails("smart register idtoken not-a-token-of-this-manager");
    assert!(said.contains("token"), "{said}");
    let said = place.says(&format!("smart register idtoken {}", manager.token()));
    assert_eq!(said, "Registration succeeded.\n  Smart Account: Example\n  Virtual Account: Default\n");
    use_seats(&place, 30);
    assert!(place.says("smart update usage").contains("succeeded"));
    let all = place.says("show all");
    for line in ["  Status: REGISTERED", "  Smart Account: Example", "  Count: 30"] {
        assert!(all.lines().any(|l| l == line), "{line}\n{all}");
    }
    assert!(all.lines().any(|line| line.starts_with("  Status: AUTHORIZED on ")), "{all}");
    assert!(place.says("smart renew ID").contains("succeeded"));
    assert!(place.says("smart renew auth").contains("succeeded"));
    assert_eq!(manager.instances(), 1);

    // A restart is no new instance, and a kill no lost one.
    daemon.kill();
    daemon = place.start();
    assert!(place.says("smart update usage").contains("succeeded"));
    assert_eq!(manager.instances(), 1);

    // While the manager is away everything goes on, and the cause is told.
    manager.go_away();
    let said = place.fails("smart update usage");
    assert!(said.contains("Connection refused"), "{said}");
    let said = place.says("smart deregister");
    assert!(said.contains("Remove the product instance") && said.contains("\"Default\""), "{said}");
    assert!(place.says("show summary").contains("  Status: UNREGISTERED\n"));
    manager.come_back();
    assert_eq!(manager.instances(), 1);

    // The older registration's key is proof enough for a new one, which takes the old place.
    let said = place.says(&format!("smart register idtoken {}", manager.token()));
    assert!(said.contains("succeeded"), "{said}");
    assert_eq!(manager.instances(), 1);
    assert_eq!(place.says("smart deregister"), "Deregistration succeeded.\n");
    assert_eq!(manager.instances(), 0);
    daemon.stop();
}

/// What the product is told when it asks whether it may use the feature.
fn may_i(place: &Place, feature: &str) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Client::new(place.socket()).get(&format!("licensing/may-i/{feature}"))).unwrap()
}

#[test]
fn a_call_manager_asks_for_its_export_restricted_feature_at_a_real_manager() {
    const FEATURE: &str = "CUCM_Export_Restricted_Authorization_Key";
    let manager = Manager::new();
    let place = Place::with_root(&manager.root(), &manager.url);
    let mut daemon = place.start_with(&["--profile", "unified-cm"]);
    assert!(place.says("show tech-support").contains("Profile: unified-cm"));
    let refused = may_i(&place, FEATURE);
    assert_eq!((&refused["allowed"], &refused["reason"]), (&json!(false), &json!("export_not_authorized")));
    assert_eq!(may_i(&place, "add-user")["allowed"], true, "the evaluation runs");
    let request = format!("smart export request local {FEATURE}");
    assert!(place.fails(&request).contains("not registered"));
    assert!(
        place.fails("smart export request local mixed-mode").contains(FEATURE),
        "it names those there are"
    );

    // A token without the flag allows nothing, now and later.
    place.says(&format!("smart register idtoken {}", manager.token_without_export()));
    let said = place.fails(&request);
    assert!(said.contains("is not allowed to this product instance"), "{said}");
    place.says(&format!("smart register idtoken {} force", manager.token()));

    // None is owned: it is tried again, until that is canceled.
    let said = place.fails(&request);
    assert!(said.contains("none to spare"), "{said}");
    assert!(place.says("show status").contains("next attempt"));
    place.says("smart export cancel");
    assert!(place.fails("smart export cancel").contains("nothing to cancel"));
    manager.order("O-1", "CUCM Export Restricted Authorization Key", "1");
    let said = place.says(&request);
    assert!(said.contains("Export authorization key: EXPORT-"), "{said}");
    assert_eq!(may_i(&place, FEATURE)["allowed"], true);
    let status = place.says("show status");
    assert!(status.contains(&format!("{FEATURE} ({FEATURE}): EXPORT-")), "{status}");
    daemon.kill();
    daemon = place.start_with(&["--profile", "unified-cm"]);
    assert_eq!(may_i(&place, FEATURE)["allowed"], true, "it outlives the process");
    place.says(&format!("smart export return local {FEATURE}"));
    assert_eq!(may_i(&place, FEATURE)["allowed"], false);

    // Deregistered with the feature on: the alert stands until it is off.
    place.says(&request);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(place.socket());
    let switch = |on: bool| {
        let path = format!("licensing/export/{FEATURE}");
        runtime.block_on(client.change(Method::PUT, &path, Some(&on))).unwrap();
    };
    switch(true);
    assert_eq!(place.says("smart deregister"), "Deregistration succeeded.\n");
    daemon.log("SmartLicenseExportControlNotAllowed");
    assert!(place.says("show tech-support").contains("SmartLicenseExportControlNotAllowed"));
    switch(false);
    assert!(!place.says("show tech-support").contains("SmartLicenseExportControlNotAllowed"));
    // The licence is free again for the next.
    place.says(&format!("smart register idtoken {}", manager.token()));
    place.says(&request);
    daemon.stop();
}

#[test]
fn a_copied_state_directory_is_told_from_the_original() {
    let manager = Manager::new();
    let place = Place::with_root(&manager.root(), &manager.url);
    let daemon = place.start();
    place.says(&format!("smart register idtoken {}", manager.token()));
    place.says("smart update usage");
    daemon.stop();
    let copy = Place::with_root(&manager.root(), &manager.url);
    let copied =
        Command::new("cp").arg("-a").arg(place.path("state")).arg(copy.path("state")).status().unwrap();
    assert!(copied.success());
    // Same UDI, same keys, same answers. A copy that goes on from an older answer could be a machine that was
    // restored, and is told so; two that go on from one answer could not.
    let mut original = place.start();
    assert!(place.says("smart update usage").contains("succeeded"));
    let _copied = copy.start();
    assert!(copy.says("smart update usage").contains("succeeded"));
    let said = place.fails("smart update usage");
    assert!(said.contains("Another copy of this product instance"), "{said}");
    original.log("%SMART_LIC-2-CLONE_DETECTED");
    assert!(copy.says("smart update usage").contains("succeeded"));
}
