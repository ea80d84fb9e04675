//! `license`, as a process.

use crate::daemon::Place;
use crate::vendor::Vendor;

fn place() -> Place {
    Place::new(&Vendor::demonstration(), "https://manager.invalid/licservice/license")
}

#[test]
fn show_all_of_a_new_installation() {
    let place = place();
    let _daemon = place.start();
    insta::assert_snapshot!(place.says("show all"));
}

#[test]
fn every_show_speaks_json_too() {
    let place = place();
    let _daemon = place.start();
    for what in ["all", "status", "summary", "usage", "udi", "tech-support"] {
        let text = place.says(&format!("show {what} --json"));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value.is_object(), "{what}: {text}");
        assert!(!place.says(&format!("show {what}")).trim().is_empty());
    }
    assert_eq!(place.says("show udi"), "UDI: PID:UNIFIED-CCX,SN:SN1,UUID:u-1\n");
}

#[test]
fn without_an_agent_the_words_say_what_to_start() {
    let place = place();
    let said = place.fails("show all");
    assert!(said.starts_with("license: no agent answers at"), "{said}");
    assert!(said.contains("start seatpool-agentd") && said.matches("os error").count() == 1, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_daemon_that_can_not_start_says_so_in_one_line_the_fact_first() {
    let place = place();
    let check = |flags: &[&str], words: &str| {
        let said = place.start_refused(flags);
        assert!(said.starts_with(&format!("seatpool-agentd: {words}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    };
    check(
        &["--profile", "ccx"],
        "no profile \"ccx\" ships with Seatpool: choose unified-ccx or unified-ccx-12.5 or unified-cm",
    );
    let file = place.path("agentd.toml");
    std::fs::write(&file, "log = \"info\"\nmanagerurl = \"https://m\"\n").unwrap();
    let path = file.display().to_string();
    check(
        &["--config", &path],
        &format!("in the configuration file {path}: line 2: unknown field `managerurl`"),
    );
    std::fs::write(&file, "name = 1\n").unwrap();
    check(&["--profile", &path], &format!("in {path}: not a profile: line 1: "));
    check(&["--trust-anchor", "/nonexistent.pem"], "the certificates in /nonexistent.pem can't be read");
}

#[test]
fn privacy_says_from_when_on_it_holds() {
    let place = place();
    let _daemon = place.start();
    assert_eq!(
        place.says("smart privacy hostname"),
        "The host name is withheld from the manager from the next registration on.\n"
    );
    assert_eq!(
        place.says("smart privacy version"),
        "The version is withheld from the manager from the next registration on.\n"
    );
    let status = place.says("show status --json");
    assert!(
        status.contains("\"description\": \"When restricted: Synchronization of users is blocked"),
        "{status}"
    );
}

#[test]
fn words_that_do_not_exist_are_refused_as_usage() {
    let place = place();
    for words in
        ["smart reservation begin", "smart export request", "show everything", "smart register token"]
    {
        assert_eq!(place.license(words).status.code(), Some(2), "{words}");
    }
}

#[test]
fn a_token_that_is_none_is_refused_before_it_is_sent() {
    let place = place();
    let _daemon = place.start();
    assert!(place.fails("smart register idtoken not_a_token!").contains("not a registration token"));
    // From standard input, so that no one sees it in the list of processes.
    let output = place.license_with("smart register idtoken -", "also not!\n");
    assert!(String::from_utf8(output.stderr).unwrap().contains("not a registration token"));
}

#[test]
fn a_command_without_outcome_in_time_says_that_the_agent_goes_on() {
    let vendor = Vendor::demonstration();
    // Accepts connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new(&vendor, &format!("https://{}/", silent.local_addr().unwrap()));
    let _daemon = place.start();
    let output = place.license("--wait 1 smart register idtoken token-1");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("has no answer yet"));
}

#[test]
fn factory_reset_forgets_the_settings() {
    let place = place();
    let _daemon = place.start();
    place.says("smart privacy hostname");
    assert!(place.says("show status").contains("Smart Licensing hostname privacy: ENABLED"));
    assert!(place.says("smart factory reset").contains("Everything but the evaluation countdown"));
    assert!(place.says("show status").contains("Smart Licensing hostname privacy: DISABLED"));
}

#[test]
fn transport_settings_are_shown_as_set() {
    let place = place();
    let _daemon = place.start();
    let on_prem = "https://on-prem.example/Transportgateway/services/DeviceRequestHandler";
    for word in ["gateway", "ssm-satellite"] {
        place.says(&format!("smart transport {word} {on_prem}"));
        assert!(place.says("show status").contains(&format!("URL: {on_prem}\n")));
        place.says("smart transport direct");
        assert!(place.says("show status").contains("URL: https://manager.invalid/licservice/license\n"));
    }
    place.says("smart transport proxy proxy.example 3128");
    assert!(place.says("show status").contains("  Proxy:\n    Address: proxy.example\n    Port: 3128\n"));
}
