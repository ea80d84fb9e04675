//! The state on disk, through the daemon.

use core::time::Duration;
use std::os::unix::fs::PermissionsExt as _;

use http::Method;
use seatpool_agentd::api::StatusAnswer;
use seatpool_agentd::client::Client;
use serde_json::json;

use crate::daemon::{Place, mode};
use crate::vendor::Vendor;

fn place() -> Place {
    Place::new(&Vendor::demonstration(), "https://manager.invalid/")
}

#[test]
fn a_damaged_state_falls_back_to_the_generation_before_with_an_alert() {
    let place = place();
    let daemon = place.start();
    place.says("smart url https://first.example/x");
    place.says("smart url https://second.example/x");
    daemon.kill();
    // The newer of the two is the one with the second URL.
    let newer = ["state.0", "state.1"]
        .map(|name| place.path("state").join(name))
        .into_iter()
        .find(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains("second.example"))
        .unwrap();
    let mut bytes = std::fs::read(&newer).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&newer, bytes).unwrap();
    let mut daemon = place.start();
    let logged = daemon.log("%SMART_LIC-4-STATE_RESTORED");
    assert!(logged.last().unwrap().contains("its checksum does not match its bytes"), "{logged:?}");
    assert!(place.says("show status").contains("URL: https://first.example/x"));
    assert!(place.says("show tech-support").contains("STATE_RESTORED since"));
}

#[test]
fn without_a_whole_state_the_daemon_refuses_to_start_and_says_what_to_do() {
    let place = place();
    let daemon = place.start();
    place.says("smart url https://first.example/x");
    daemon.kill();
    for name in ["state.0", "state.1"] {
        std::fs::write(place.path("state").join(name), "nonsense").unwrap();
    }
    let said = place.start_refused(&[]);
    assert!(said.contains("no whole generation is left") && said.contains("from a backup"), "{said}");
}

#[test]
fn a_second_daemon_in_one_directory_is_refused_and_the_first_goes_on() {
    let place = place();
    let daemon = place.start();
    let said = place.start_refused(&[]);
    assert!(said.contains(&format!("(process {})", daemon.id())), "{said}");
    assert!(place.says("show udi").contains("SN:SN1"));
}

#[test]
fn everything_on_disk_is_the_owners_alone() {
    let place = place();
    let daemon = place.start();
    place.says("smart privacy hostname");
    assert_eq!(mode(&place.path("state")), 0o700);
    for entry in std::fs::read_dir(place.path("state")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
    assert_eq!(mode(&place.socket()), 0o600);
    daemon.stop();
    assert!(!place.socket().exists());
    std::fs::set_permissions(place.path("state"), std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(place.start_refused(&[]).contains("chmod 700"));
    std::fs::set_permissions(place.path("state"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let _daemon = place.start_with(&["--socket-mode", "0660"]);
    assert_eq!(mode(&place.socket()), 0o660);
}

#[test]
fn usage_of_the_last_minute_survives_an_orderly_end() {
    let place = place();
    let daemon = place.start();
    let client = Client::new(place.socket());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let usage = json!({ "CCX_FLEX_STANDARD": 7 });
    runtime.block_on(client.change(Method::PATCH, "licensing/features", Some(&usage))).unwrap();
    daemon.stop();
    let _daemon = place.start();
    assert!(place.says("show usage").contains("Count: 7"));
}

/// A hundred times: change and change again, kill at a random instant, start, and find at least the last change
/// that was acknowledged.
#[test]
fn nothing_acknowledged_is_lost_by_a_hundred_kills() {
    let place = place();
    let client = Client::new(place.socket());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let number = |url: &str| url.rsplit('/').next().unwrap().parse::<u64>().unwrap_or(0);
    let mut asked = 0_u64;
    let mut stored = 0;
    for _ in 0..100 {
        let daemon = place.start();
        let status: StatusAnswer = runtime.block_on(client.get("licensing/status")).unwrap();
        let found = number(
            status.status.transport.url.as_deref().unwrap_or("/0").trim_end_matches("manager.invalid/"),
        );
        assert!((stored..=asked).contains(&found), "{found} was found, {stored} had been acknowledged");
        let (first, changes) = (asked + 1, client.clone());
        let changing = runtime.spawn(async move {
            let mut acknowledged = None;
            for next in first.. {
                let body = json!({ "ssms": format!("https://manager.invalid/{next}") });
                match changes.change(Method::PUT, "licensing/transport", Some(&body)).await {
                    Ok(_) => acknowledged = Some(next),
                    Err(_) => return (next, acknowledged),
                }
            }
            unreachable!("the numbers do not end")
        });
        let instant =
            Duration::from_micros(u64::from(u16::from_be_bytes(seatpool_crypto::random_bytes())) % 30_000);
        // Not waiting for anything: the instant of the kill is what is random here.
        std::thread::sleep(instant);
        daemon.kill();
        let (last, acknowledged) = runtime.block_on(changing).unwrap();
        asked = last;
        stored = acknowledged.unwrap_or(found);
    }
    assert!(stored > 0, "no change was ever acknowledged");
}

/// The variables under which a process lives at another time. `faketime` itself would stand between the test and
/// the daemon.
fn faked(offset: &str) -> Vec<(String, String)> {
    let output = std::process::Command::new("faketime")
        .args(["-f", offset, "env"])
        .output()
        .expect("this test needs faketime: install the package `faketime`");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| matches!(*name, "LD_PRELOAD" | "FAKETIME"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn a_clock_that_was_set_back_is_noticed_and_stretches_nothing() {
    let place = place();
    // A daemon that lives two days ahead, and then one in the present.
    let daemon = place.start_in(&faked("+2d"));
    place.says("smart privacy hostname");
    daemon.stop();
    let mut daemon = place.start();
    let logged = daemon.log("%SMART_LIC-5-SYSTEM_CLOCK_CHANGED");
    assert!(logged.last().unwrap().contains("set back"), "{logged:?}");
}

#[test]
fn only_an_authority_is_taken_for_a_vendors_root() {
    let vendor = Vendor::demonstration();
    let check = |der: &[u8], what: &str| {
        let place = Place::with_root(&crate::vendor::pem(der), "https://manager.invalid/");
        let said = place.start_refused(&[]);
        for part in [what, "root.pem is not a vendor's root", "certificates/vendor-root.pem"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    };
    let year = crate::vendor::YEAR;
    check(&vendor.tls(&["localhost"], year).chain[0], "it is a TLS certificate");
    check(&vendor.signing(year).chain[0], "CN=Test Manager in ");
    check(&vendor.signing(year).chain[0], "it is a leaf certificate");
}

#[test]
fn time_lapse_needs_a_demonstration_root() {
    let lapse = ["--time-lapse", "60@2026-11-22T00:00:00Z"];
    let place = Place::new(&Vendor::new("Production Root", false), "https://manager.invalid/");
    let said = place.start_refused(&lapse);
    assert!(said.contains("Production Root") && said.contains("is a production root"), "{said}");
    let place = Place::new(&Vendor::demonstration(), "https://manager.invalid/");
    let _daemon = place.start_with(&lapse);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clock: seatpool_agentd::api::ClockAnswer =
        runtime.block_on(Client::new(place.socket()).get("licensing/clock")).unwrap();
    assert_eq!(clock.time_lapse.as_deref(), Some("60@2026-11-22T00:00:00Z"));
}

#[test]
fn the_daemon_stays_under_twenty_megabytes() {
    let world = crate::scripted::Scripted::start();
    let place = Place::new(&world.vendor, &world.url());
    let daemon = place.start();
    place.says("smart register idtoken token-1");
    for _ in 0..20 {
        place.says("smart renew auth");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 20 * 1024, "{kilobytes} kB are resident");
}
