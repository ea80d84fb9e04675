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
    assert!(text(&refused.stderr).contains("has at least 12 characters"));
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
        .env("SEATPOOL_DATABASE_URL", "postgres://seatpool:s3cret@db.invalid/seatpool")
        .env("SEATPOOL_CATALOGUES", "")
        .output()
        .unwrap();
    let effective = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "that database can't be reached");
    let problem = text(&output.stderr);
    assert!(
        problem.contains("database_url: the database postgres://seatpool:REDACTED@db.invalid"),
        "{problem}"
    );
    assert!(!problem.contains("s3cret"), "{problem}");
    for line in [
        "log = \"warn\"  # flag",
        "database_url = \"postgres://seatpool:REDACTED@db.invalid/seatpool\"  # environment",
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

/// What `serve` and `check-config` say of a data directory that neither takes.
fn refused(world: &World) -> String {
    let said = ["serve", "check-config"].map(|command| {
        let output = seatpool().args([command, "--data-dir"]).arg(world.data_dir()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        text(&output.stderr)
    });
    said.join("")
}

#[tokio::test]
async fn a_manager_without_its_own_data_does_not_start() {
    let (world, other) = (World::new().await, World::new().await);
    let database = |world: &World| world.data_dir().join("seatpool.db");
    let ready = seatpool().args(["check-config", "--data-dir"]).arg(world.data_dir()).output().unwrap();
    assert!(ready.status.success(), "{}", text(&ready.stderr));

    let kept = world.data_dir().join("kept.db");
    std::fs::rename(database(&world), &kept).unwrap();
    let missing = refused(&world);
    assert_eq!(missing.matches("no manager's data is in sqlite:").count(), 2, "{missing}");
    assert_eq!(missing.matches("restore the backup (docs/operating.md, Backup and restore)").count(), 2);
    assert!(!database(&world).exists(), "none is made in its place");

    std::fs::write(database(&world), "").unwrap();
    let empty = refused(&world);
    assert_eq!(empty.matches("no manager's data is in sqlite:").count(), 2, "{empty}");

    std::fs::copy(database(&other), database(&world)).unwrap();
    let foreign = refused(&world);
    assert_eq!(foreign.matches("another manager's data is in sqlite:").count(), 2, "{foreign}");

    std::fs::rename(&kept, database(&world)).unwrap();
    let manager = world.start();
    let check = seatpool().args(["check-config", "--data-dir"]).arg(world.data_dir()).output().unwrap();
    assert!(check.status.success(), "also while it serves: {}", text(&check.stderr));
    assert_eq!(manager.stop(), Some(0));
    assert!(!world.data_dir().join("seatpool.db-wal").exists(), "stopped, the database is one file");
}

#[tokio::test]
async fn init_takes_no_database_that_holds_a_manager() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", world.data_dir().join("seatpool.db").display());
    let output = init(&dir.path().join("data"), &["--database-url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("holds a manager's data already"), "{}", text(&output.stderr));
    assert!(!dir.path().join("data").exists());
}

#[test]
fn init_checks_everything_before_it_makes_anything() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let lapse = format!("180@{}", now());
    for (flags, expected) in [
        (["--time-lapse", lapse.as_str()], "add --demonstration"),
        (["--database-url", "postgres://seatpool@127.0.0.1:1/seatpool"], "refused"),
    ] {
        let output = init(&data, &flags);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains(expected) && !said.contains("next request"), "{said}");
        assert!(!data.exists(), "{expected}: nothing is left behind");
    }
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused_with_the_mend() {
    let world = World::new().await;
    for name in ["root.key", "issuing.key", "signing.key", "tls.key", "token.key"] {
        let key = world.data_dir().join("keys").join(name);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let said = refused(&world);
        assert_eq!(said.matches(&format!("`chmod 600 {}`", key.display())).count(), 2, "{said}");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    std::fs::remove_file(world.data_dir().join("keys/token.key")).unwrap();
    let said = refused(&world);
    assert_eq!(said.matches("No such file").count(), 2, "the cause is told once each: {said}");
}
