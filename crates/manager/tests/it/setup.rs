//! `init`, `check-config`, and what `serve` refuses to start with.

use std::os::unix::fs::PermissionsExt as _;

use seatpool_manager::config::{ConfigArgs, Loaded, Purpose};

use crate::support::manager::{init, seatpool, text};
use crate::support::{World, now};

#[tokio::test]
async fn init_makes_private_keys_and_a_client_and_never_overwrites() {
    let world = World::new().await;
    let data = world.data_dir();
    let mode = |path: &str| std::fs::metadata(data.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("keys"), 0o700);
    for file in ["root.key", "issuing.key", "signing.key", "tls.key", "token.key"] {
        assert_eq!(mode(&format!("keys/{file}")), 0o600, "{file}");
    }
    assert_eq!((mode("client.json"), mode("seatpool.toml")), (0o600, 0o600));
    assert_eq!(mode("certificates/vendor-root.pem"), 0o644);
    let client: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data.join("client.json")).unwrap()).unwrap();
    assert_eq!(client["account"], "example.com");
    assert_eq!(client["client_secret"].as_str().unwrap().len(), 43);

    let root = std::fs::read(data.join("keys/root.key")).unwrap();
    let again = init(&data, &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("never overwrites"), "{}", text(&again.stderr));
    assert_eq!(std::fs::read(data.join("keys/root.key")).unwrap(), root);

    std::fs::remove_file(data.join("seatpool.toml")).unwrap();
    let interrupted = init(&data, &[]);
    assert!(
        text(&interrupted.stderr).contains("an earlier init was interrupted"),
        "{}",
        text(&interrupted.stderr)
    );
}

#[test]
fn a_made_password_is_printed_once_and_a_short_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let base = |data: &str| {
        let mut command = seatpool();
        command.args(["init", "--account-domain", "example.com", "--name", "localhost", "--data-dir"]);
        command.arg(dir.path().join(data));
        command
    };
    let made = base("a").output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let stdout = text(&made.stdout);
    let password = stdout.lines().find_map(|line| line.trim().strip_prefix("password ")).unwrap();
    let password = password.split_whitespace().next().unwrap();
    assert_eq!(password.len(), 20);
    for file in ["seatpool.toml", "client.json", "seatpool.db"] {
        let stored = std::fs::read(dir.path().join("a").join(file)).unwrap();
        assert!(!stored.windows(20).any(|w| w == password.as_bytes()), "{file}");
    }
    let short = dir.path().join("short");
    std::fs::write(&short, "hunter2\n").unwrap();
    let refused = base("b").arg("--admin-password-file").arg(&short).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("fewer than 12 characters"));
    assert!(!dir.path().join("b").exists(), "nothing is made before all is checked");
}

#[test]
fn serve_without_a_manager_says_how_to_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let output = seatpool().args(["serve", "--data-dir"]).arg(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("seatpool init"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn check_config_names_every_problem_at_once() {
    let world = World::new().await;
    let file = world.data_dir().join("bad.toml");
    std::fs::write(
        &file,
        "databse_url = \"sqlite:x\"\nlisten = [\"nowhere\"]\nlog_format = \"xml\"\ntls_key = \"/nonexistent\"\nnames = 5.5\n",
    )
    .unwrap();
    let output = seatpool()
        .args(["check-config", "--data-dir"])
        .arg(world.data_dir())
        .arg("--config")
        .arg(&file)
        .args(["--database-connections", "0"])
        .env("SEATPOOL_LISTNE", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let problems = text(&output.stderr);
    for expected in [
        "databse_url",
        "did you mean database_url?",
        "did you mean SEATPOOL_LISTEN?",
        "\"nowhere\" is not ADDRESS:PORT",
        "\"xml\" is neither text nor json",
        "tls_certificate",
        "names",
        "0 is not between 1 and 1000",
    ] {
        assert!(problems.contains(expected), "{expected} in {problems}");
    }
    let serve = seatpool().args(["serve", "--config"]).arg(&file).output().unwrap();
    assert_eq!(serve.status.code(), Some(1));
    assert!(text(&serve.stderr).contains("data_dir"), "{}", text(&serve.stderr));
}

#[tokio::test]
async fn flags_stand_above_the_environment_and_this_above_the_file() {
    let world = World::new().await;
    let output = seatpool()
        .args(["check-config", "--data-dir"])
        .arg(world.data_dir())
        .args(["--log", "warn"])
        .env("SEATPOOL_LOG", "debug")
        .env("SEATPOOL_DATABASE_URL", "postgres://seatpool:s3cret@db.example.com/seatpool")
        .env("SEATPOOL_CATALOGUES", "")
        .output()
        .unwrap();
    let effective = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for line in [
        "log = \"warn\"  # flag",
        "database_url = \"postgres://seatpool:REDACTED@db.example.com/seatpool\"  # environment",
        "log_format = \"text\"  # default",
    ] {
        assert!(effective.lines().any(|found| found == line), "{line} in {effective}");
    }
    assert!(effective.contains("names = [\"127.0.0.1\", \"manager.example.com\"]  # /"), "{effective}");
    assert!(!effective.contains("s3cret"));
}

#[tokio::test]
async fn time_lapse_is_refused_under_a_production_root() {
    let lapse = format!("180@{}", now());
    let production = World::new().await;
    let demonstration = World::with(tempfile::tempdir().unwrap(), &["--demonstration"]).await;
    let check = |world: &World| {
        let args = ConfigArgs {
            data_dir: Some(world.data_dir().display().to_string()),
            time_lapse: Some(lapse.clone()),
            ..ConfigArgs::default()
        };
        Loaded::read(&args, [], Purpose::Serve)
    };
    assert!(check(&demonstration).config.is_some());
    let problems = check(&production).problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("production root"), "{}", problems[0]);
}
