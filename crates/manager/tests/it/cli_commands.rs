//! The administrator's commands, by the real binary against a real manager.

use std::fmt::Write as _;
use std::path::PathBuf;

use seatpool_proto::code::{Returned, picture};
use serde_json::{Value, json};

use crate::rest_support::{instance, steady_text};
use crate::support::manager::{seatpool, text};
use crate::support::{Manager, Product, TAG, World};

/// A command line against one manager.
struct Shell<'a> {
    manager: &'a Manager,
    credentials: PathBuf,
    record: String,
}

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl<'a> Shell<'a> {
    fn new(world: &World, manager: &'a Manager) -> Self {
        Self { manager, credentials: world.data_dir().join("client.json"), record: String::new() }
    }

    fn run(&self, arguments: &[&str]) -> Done {
        let output = seatpool()
            .args(arguments)
            .args(["--url", &self.manager.url])
            .env("SEATPOOL_CREDENTIALS", &self.credentials)
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        Done { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Runs and notes down what was seen.
    fn show(&mut self, arguments: &[&str]) -> Done {
        let done = self.run(arguments);
        let line = arguments
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() });
        let line = line.collect::<Vec<_>>().join(" ");
        let err = done.err.replace(&self.manager.url, "https://MANAGER");
        write!(
            self.record,
            "$ seatpool {}\n{}{}",
            steady_text(&line),
            steady_text(&done.out),
            steady_text(&err)
        )
        .unwrap();
        if done.code != 0 {
            writeln!(self.record, "(exit code {})", done.code).unwrap();
        }
        self.record.push('\n');
        done
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.err);
        serde_json::from_str(&done.out).unwrap()
    }
}

#[tokio::test]
async fn accounts_virtual_accounts_and_tokens_by_command() {
    let world = World::new().await;
    let manager = world.start();
    let mut shell = Shell::new(&world, &manager);
    shell.show(&["account", "create", "--domain", "other.example", "--name", "Other"]);
    shell.show(&["account", "create", "--domain", "other.example"]);
    shell.show(&["account", "list"]);
    let first = shell.json(&["account", "list", "--limit", "1"]);
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let next = shell.json(&["account", "list", "--cursor", &cursor]);
    assert_eq!(next["items"][0]["domain"], "other.example", "the second page");
    shell.show(&["account", "show"]);
    shell.show(&["account", "show", "nosuch.example"]);
    shell.show(&["account", "change", "other.example", "--universal-permitted", "yes", "--name", "Others"]);
    let away = ["account", "change", "other.example", "--universal-permitted", "no", "--preview"];
    shell.show(&away);
    shell.show(&["account", "change", "other.example", "--export-permitted", "perhaps"]);
    shell.show(&["va", "create", "North Sea", "--description", "rigs"]);
    shell.show(&["va", "rename", "North Sea", "Baltic"]);
    shell.show(&["va", "describe", "baltic", "ports"]);
    shell.show(&["va", "list"]);
    shell.show(&["va", "delete", "Default"]);
    let token =
        shell.show(&["token", "create", "--va", "Baltic", "--uses", "3", "--description", "for ships"]);
    assert_eq!(token.out.lines().next().unwrap().len(), 84, "the token alone stands on the first line");
    shell.show(&["token", "list", "--virtual-account", "Baltic"]);
    let id = shell.json(&["token", "list", "--va", "Baltic"])[0]["id"].as_str().unwrap().to_owned();
    shell.show(&["token", "revoke", &id, "--va", "Baltic"]);
    shell.show(&["token", "list", "--va", "Baltic"]);
    shell.show(&["token", "create", "--expires-after-days", "366"]);
    shell.show(&["va", "delete", "Baltic"]);
    shell.show(&["va", "list", "--account", "other.example"]);
    insta::assert_snapshot!("cli_accounts", shell.record);
}

#[tokio::test]
async fn orders_licences_and_devices_by_command() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut shell = Shell::new(&world, &manager);
    let place = ["order", "place", "--license", TAG, "--quantity", "100", "--perpetual", "--order-id", "O-1"];
    shell.show(&place);
    assert_eq!(shell.json(&place)["lots"].as_array().unwrap().len(), 1, "the same order again");
    shell.show(&[
        "order",
        "place",
        "--license",
        "CCX Flex Standard Agent",
        "--quantity",
        "40",
        "--starts",
        "2020-01-01",
        "--ends",
        "2099-01-01",
        "--order-id",
        "O-2",
        "--subscription",
        "Sub1",
    ]);
    shell.show(&[
        "order",
        "place",
        "--license",
        "nosuch",
        "--quantity",
        "1",
        "--perpetual",
        "--order-id",
        "O-3",
    ]);
    shell.run(&["va", "create", "North Sea"]);
    instance(&manager, &token.text, "SN1", 70).await;
    instance(&manager, &token.text, "SN2", 50).await;
    shell.show(&["licenses", "list"]);
    shell.show(&["licenses", "transfer", TAG, "--quantity", "10", "--to", "North Sea"]);
    shell.show(&["licenses", "transfer", TAG, "--quantity", "91", "--to", "North Sea"]);
    shell.show(&["licenses", "show", "CCX Premium Agent"]);
    let detail = shell.json(&["licenses", "show", "CCX_FLEX_STANDARD"]);
    let lot = detail["license"]["lots"][0]["id"].as_str().unwrap().to_owned();
    shell.show(&["order", "renew", &lot, "--order-id", "O-4", "--term-years", "1"]);
    shell.show(&["devices", "list"]);
    shell.show(&["devices", "list", "--text", "sn2"]);
    shell.show(&["devices", "show", "SN1"]);
    shell.show(&["devices", "transfer", "SN1", "--to", "North Sea"]);
    shell.show(&["devices", "remove", "SN2"]);
    shell.show(&["devices", "remove", "SN2"]);
    shell.show(&["devices", "list"]);
    shell.show(&["licenses", "list", "--va", "North Sea"]);
    shell.show(&["events", "--limit", "4"]);
    insta::assert_snapshot!("cli_licences", shell.record);
}

#[tokio::test]
async fn reports_and_subscriptions_by_command() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut shell = Shell::new(&world, &manager);
    for (order, quantity) in [("O-1", "40"), ("O-2", "2")] {
        let place = ["order", "place", "--license", TAG, "--quantity", quantity, "--order-id", order];
        let term = ["--starts", "2020-01-01", "--ends", "2099-01-01", "--subscription", "SUB-1"];
        assert_eq!(shell.run(&[&place[..], &term[..]].concat()).code, 0);
    }
    instance(&manager, &token.text, "SN1", 50).await;
    shell.show(&["report", "licenses"]);
    shell.show(&["report", "instances", "--va", "Default"]);
    let file = shell.run(&["report", "subscriptions", "--csv"]).out;
    assert!(file.starts_with("subscription_id,order_id,virtual_account,"), "{file}");
    assert_eq!(file.lines().count(), 3, "{file}");
    let rows = shell.json(&["report", "subscriptions"]);
    assert_eq!((&rows[0]["subscription_id"], &rows[0]["quantity"]), (&"SUB-1".into(), &40.into()));
    shell.show(&["report", "subscriptions", "--ends-within", "90"]);
    shell.show(&["report", "instances", "--csv", "--json"]);
    let file = shell.run(&["licenses", "usage", TAG, "--csv"]).out;
    assert!(file.starts_with("virtual_account,tag,license,starts_at,step,in_use,owned,short"), "{file}");
    assert!(file.trim_end().ends_with(",50,42,8"), "{file}");
    shell.show(&[
        "events",
        "--actor",
        "Made by seatpool init",
        "--since",
        "2020-01-01",
        "--until",
        "2020-02-01",
    ]);
    shell.run(&["va", "create", "North Sea"]);
    shell.show(&["licenses", "transfer", TAG, "--quantity", "10", "--to", "North Sea", "--preview"]);
    shell.show(&["devices", "transfer", "SN1", "--to", "North Sea", "--preview"]);
    shell.show(&["devices", "remove", "SN1", "--preview"]);
    let more = ["order", "place", "--license", TAG, "--quantity", "8", "--perpetual", "--order-id", "O-3"];
    shell.show(&[&more[..], &["--preview"]].concat());
    let renew = ["order", "renew", "--subscription", "SUB-1", "--order-id", "O-4", "--ends", "2100-01-01"];
    shell.show(&[&renew[..], &["--preview"]].concat());
    shell.show(&["order", "cancel", "--subscription", "SUB-1", "--preview"]);
    assert_eq!(shell.json(&["licenses", "list"])[0]["purchased"], 42, "nothing was done");
    shell.show(&["order", "cancel", "--subscription", "SUB-1", "--reason", "not wanted"]);
    shell.show(&["order", "cancel", "--subscription", "SUB-1"]);
    // What begins when another ends is missed from then on, not today.
    let place = ["order", "place", "--license", TAG, "--quantity", "60", "--order-id"];
    shell.run(&[&place[..], &["PO-A", "--starts", "2020-01-01", "--ends", "2099-01-01"]].concat());
    shell.show(&[&place[..], &["PO-B", "--starts", "2099-01-01", "--perpetual", "--preview"]].concat());
    shell.run(&[&place[..], &["PO-B", "--starts", "2099-01-01", "--perpetual"]].concat());
    shell.show(&["order", "cancel", "PO-B", "--preview"]);
    insta::assert_snapshot!("cli_reports", shell.record);
}

#[tokio::test]
async fn what_goes_wrong_is_explained_with_its_exit_code() {
    let world = World::new().await;
    let manager = world.start();
    let mut shell = Shell::new(&world, &manager);
    let good = shell.credentials.clone();
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&good).unwrap()).unwrap();
    let other = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = file.clone();
        change(&mut changed);
        let path = world.data_dir().join(name);
        std::fs::write(&path, changed.to_string()).unwrap();
        path
    };
    let explained = |shell: &Shell<'_>, credentials: PathBuf, code: i32, words: &[&str]| {
        let shell = Shell { manager: shell.manager, credentials, record: String::new() };
        let done = shell.run(&["va", "list"]);
        assert_eq!((done.code, done.out.as_str()), (code, ""), "{}", done.err);
        for word in words {
            assert!(done.err.contains(word), "{word:?} is said: {}", done.err);
        }
        assert!(!done.err.contains(file["client_secret"].as_str().unwrap()), "no secret is said");
    };
    explained(&shell, world.data_dir().join("nosuch.json"), 1, &["nosuch.json", "--credentials"]);
    let broken = other("broken.json", &|file| *file = json!([1]));
    explained(&shell, broken, 1, &["broken.json", "seatpool init"]);
    let wrong = other("wrong.json", &|file| file["client_secret"] = "wrong".into());
    explained(&shell, wrong, 3, &["wrong.json", "invalid_client"]);
    // The manager's own certificate is not a root, so nothing chains to it... but another root is one.
    let foreign = tempfile::tempdir().unwrap();
    let made = crate::support::manager::init(&foreign.path().join("data"), &[]);
    assert!(made.status.success());
    let root = foreign.path().join("data/certificates/vendor-root.pem");
    let untrusted = other("untrusted.json", &|file| file["ca_file"] = root.display().to_string().into());
    explained(&shell, untrusted, 4, &["vendor-root.pem", "ca_file"]);

    let away = seatpool()
        .args(["va", "list", "--url", "https://127.0.0.1:1", "--credentials"])
        .arg(&good)
        .output()
        .unwrap();
    assert_eq!(away.status.code(), Some(4));
    assert!(text(&away.stderr).contains("seatpool serve"), "{}", text(&away.stderr));
    let none = seatpool().args(["va", "list"]).output().unwrap();
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("SEATPOOL_CREDENTIALS"), "{}", text(&none.stderr));
    let usage = shell.run(&["order", "place", "--license", TAG, "--quantity", "1", "--order-id", "O"]);
    assert_eq!(usage.code, 2, "neither perpetual nor a term: {}", usage.err);
    let by_name = seatpool()
        .args(["va", "list", "--url", &manager.url.replace("127.0.0.1", "localhost"), "--credentials"])
        .arg(&good)
        .output()
        .unwrap();
    assert_eq!(by_name.status.code(), Some(4));
    assert!(text(&by_name.stderr).contains("not for \"localhost\""), "{}", text(&by_name.stderr));
    shell.show(&["va", "--help"]);
    insta::assert_snapshot!("cli_help", shell.record);
}

#[tokio::test]
async fn explanations_and_alerts_by_command() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut shell = Shell::new(&world, &manager);
    shell.run(&["va", "create", "EMEA"]);
    let place = ["order", "place", "--license", TAG, "--quantity", "40", "--perpetual", "--va", "EMEA"];
    assert_eq!(shell.run(&[&place[..], &["--order-id", "O-1"]].concat()).code, 0);
    let id = instance(&manager, &token.text, "SN1", 12).await.to_string();
    shell.show(&["alerts"]);
    shell.show(&["alerts", "--severity", "minor"]);
    let alert = shell.json(&["alerts"])["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(shell.run(&["alerts", "dismiss", &alert]).code, 1, "it goes when its cause is mended");
    assert_eq!(shell.run(&["alerts", "restore", &alert]).code, 1, "it was not dismissed");
    shell.show(&["explain", "license", TAG]);
    assert_eq!(shell.json(&["explain", "license", TAG])["what_to_do"][0]["fact"]["quantity"], 12);
    shell.show(&["explain", "instance", &id]);
    shell.show(&["explain", "license", TAG, "--apply"]);
    shell.show(&["explain", "license", TAG, "--apply"]);
    shell.show(&["alerts"]);
    // Ids inside other words differ in every run.
    let place = alert.split(':').nth(1).unwrap();
    let record = shell.record.replace(place, "[virtual account]").replace(&id, "[instance]");
    insta::assert_snapshot!("cli_explain", record);
}

#[tokio::test]
async fn reservations_by_command() {
    let world = World::new().await;
    world.order(20).await;
    let manager = world.start();
    let shell = Shell::new(&world, &manager);
    let product = Product::new("CARRIED1");
    let request = product.request.to_string();
    let wanted = |quantity: &str| format!("CCX Premium Agent={quantity}");

    let (five, many) = (wanted("5"), wanted("21"));
    let refused = shell.run(&["reservation", "reserve", &request, "--license", &many]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("only 20 of CCX_PREMIUM can be reserved"), "{}", refused.err);
    let odd = shell.run(&["reservation", "reserve", &request, "--license", "CCX_PREMIUM"]);
    assert!(odd.code == 2 && odd.err.contains("write NAME=QUANTITY"), "{}", odd.err);
    let file = world.data_dir().join("request.txt");
    std::fs::write(&file, format!("{request}\n")).unwrap();
    let file = file.to_str().unwrap();
    let made = shell.run(&["reservation", "reserve", "--code-file", file, "--license", &five]);
    assert_eq!(made.code, 0, "{}", made.err);
    let code = product.install(made.out.lines().next().unwrap());
    let again = shell.run(&["reservation", "code", "CARRIED1"]);
    let copy = product.install(again.out.lines().next().unwrap());
    assert_eq!(copy.grant, code.grant, "the code can be had again");
    let drawn = shell.run(&["reservation", "code", "CARRIED1", "--qr"]);
    let parts = picture::parts_of(drawn.out.lines().next().unwrap(), picture::TERMINAL_BYTES_MAX);
    assert!(parts.len() > 1);
    for part in parts {
        assert!(drawn.out.contains(&picture::blocks(&part).unwrap()), "{part}: {}", drawn.out);
    }
    let list = shell.run(&["reservation", "list"]);
    assert!(list.out.contains("CARRIED1") && list.out.contains("5 of CCX Premium Agent"), "{}", list.out);
    assert!(
        shell.run(&["reservation", "show", "NOSUCH"]).err.contains("`seatpool reservation list` lists them")
    );

    let into = world.data_dir().join("authorization.txt");
    let into = into.to_str().unwrap();
    let update = ["reservation", "update", "CARRIED1", "--license", "CCX_PREMIUM=7", "--output", into];
    let changed = shell.run(&update);
    assert!(
        changed.out.contains("In transit:       7 of CCX Premium Agent"),
        "{}{}",
        changed.out,
        changed.err
    );
    let second = product.install(&std::fs::read_to_string(into).unwrap());
    let taken = shell.run(&update);
    assert!(
        taken.code == 1 && taken.err.contains("can't be written"),
        "an old code is not written over: {}",
        taken.err
    );
    let wrong = shell.run(&["reservation", "confirm", "CARRIED1", "00000000"]);
    assert_eq!(wrong.code, 1, "{}", wrong.err);
    let confirmation = product.confirmation(&second).to_string();
    let done = shell.run(&["reservation", "confirm", "CARRIED1", &confirmation]);
    assert!(done.out.contains("Reserved:         7 of CCX Premium Agent"), "{}{}", done.out, done.err);
    let old = product.return_code(&code, Returned::Whole).to_string();
    assert_eq!(shell.run(&["reservation", "return", "CARRIED1", &old]).code, 1);
    let back = product.return_code(&second, Returned::Whole).to_string();
    let done = shell.run(&["reservation", "return", "CARRIED1", &back]);
    assert!(done.out.contains("(returned)"), "{}{}", done.out, done.err);

    let failed = Product::new("BURNT").request.to_string();
    assert_eq!(shell.run(&["reservation", "reserve", &failed, "--license", &five]).code, 0);
    let rehost =
        ["reservation", "rehost", "BURNT", "--step", "release", "--reason", "the machine burnt down"];
    let done = shell.run(&rehost);
    assert!(done.out.contains("(rehosted)"), "{}{}", done.out, done.err);
    assert_eq!(shell.json(&["reservation", "list"]), serde_json::json!([]));
}
