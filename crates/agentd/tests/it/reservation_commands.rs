//! `license smart reservation …` and the local API, through real processes: prompts as parsers know them.

use std::process::Output;

use seatpool_proto::code::{ConfirmationCode, RequestCode, ReturnCode, picture};

use crate::daemon::Place;
use crate::reserving::Desk;
use crate::vendor::Vendor;

struct Scene {
    place: Place,
    desk: Desk,
}

fn scene() -> Scene {
    let vendor = Vendor::demonstration();
    let place = Place::new(&vendor, "https://manager.invalid/licservice/license");
    Scene { desk: Desk::new(&vendor), place }
}

/// What stands on the line after a prompt, as scripts take it.
fn after_portal(said: &str) -> &str {
    said.split("portal:").nth(1).unwrap().trim().lines().next().unwrap()
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Scene {
    fn requested(&self) -> RequestCode {
        self.place.says("smart reservation enable");
        let said = self.place.says("smart reservation request specific");
        assert!(
            said.starts_with("Enter this request code in the Smart Software Manager portal:\nSP-Z"),
            "{said}"
        );
        after_portal(&said).parse().unwrap()
    }

    /// The code in a file, as downloaded from the portal.
    fn file(&self, name: &str, code: &str) -> String {
        let path = self.place.path(name);
        std::fs::write(&path, code).unwrap();
        path.display().to_string()
    }
}

#[test]
fn a_reservation_by_commands_from_enable_to_disable() {
    let Scene { place, desk } = scene();
    let _daemon = place.start();
    assert!(place.fails("smart reservation request").contains("`license smart reservation enable` first"));
    place.says("smart reservation enable");
    assert!(place.says("show status").contains("Status: RESERVATION IN PROGRESS"));
    let said = place.says("smart reservation request");
    let request: RequestCode = after_portal(&said).parse().unwrap();

    let first = desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10", "CCX_SERVER 1"]);
    let said = text(place.license_with("smart reservation install -", &first.to_text()));
    assert!(said.starts_with("Reservation install successful\nLast Confirmation code "), "{said}");
    let status = place.says("show all");
    assert!(status.contains("Status: REGISTERED - SPECIFIC LICENSE RESERVATION"), "{status}");
    assert!(status.contains("Status: AUTHORIZED - RESERVED on"), "{status}");
    assert!(status.contains("License reservation: ENABLED"), "{status}");
    assert!(status.contains("    License CCX_FLEX_PREMIUM (CCX_FLEX_PREMIUM):"), "{status}");
    assert!(status.contains("      Total reserved count: 10"), "{status}");

    let update = desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 5"]);
    let path = place.path("update.xml");
    std::fs::write(&path, update.to_bare_text()).unwrap();
    let said = place.says(&format!("smart reservation install-file {}", path.display()));
    assert!(said.starts_with("Reservation install file successful\nLast Confirmation code "), "{said}");
    let confirmation: ConfirmationCode = after_portal(&said).parse().unwrap();
    assert_eq!(confirmation.check(&desk.facts(&request, 200), &desk.key), Ok(()));
    let support = place.says("show tech-support");
    assert!(support.contains(&format!("Last confirmation code: {confirmation}")), "{support}");

    let said = place.says("smart reservation return");
    assert!(said.starts_with("Enter this return code in the Smart Software Manager portal:\n"), "{said}");
    let returned: ReturnCode = after_portal(&said).parse().unwrap();
    assert_eq!(returned.check(&desk.facts(&request, 200), &desk.key), Ok(()));
    assert!(place.says("show tech-support").contains(&format!("Last return code: {returned}")));
    place.says("smart reservation disable");
    assert!(place.says("show status").contains("Status: UNREGISTERED"));
}

#[test]
fn codes_survive_a_kill_and_come_in_other_forms() {
    let scene = scene();
    let daemon = scene.place.start();
    let request = scene.requested();
    daemon.kill();
    let _daemon = scene.place.start();
    let said = scene.place.says("smart reservation request --spoken --qr");
    assert_eq!(
        after_portal(&said).parse::<RequestCode>().unwrap(),
        request,
        "the same request after the restart"
    );
    let groups: Vec<&str> = said
        .lines()
        .skip_while(|line| !line.starts_with("To be read aloud"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(groups.join(" ").parse::<RequestCode>().unwrap(), request);
    assert!(said.contains('█'));

    // Scanned pictures, in any order.
    let code = scene.desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]);
    let mut parts = picture::parts_of(&code.to_text(), 300);
    parts.reverse();
    let path = scene.file("scanned", &parts.join("\n"));
    let said = scene.place.says(&format!("smart reservation install-file {path}"));
    assert!(said.starts_with("Reservation install file successful\nLast Confirmation code "), "{said}");
}

/// The newer of the two files of the state.
fn newer(place: &Place) -> std::path::PathBuf {
    let generation = |name: &str| {
        let path = place.path("state").join(name);
        let bytes = std::fs::read(&path).unwrap();
        (u64::from_le_bytes(bytes[12..20].try_into().unwrap()), path)
    };
    ["state.0", "state.1"].map(generation).into_iter().max().unwrap().1
}

#[test]
fn no_step_whose_code_was_shown_is_undone_by_the_loss_of_the_newer_file() {
    let removed = |path: &std::path::Path| std::fs::remove_file(path).unwrap();
    let damaged = |path: &std::path::Path| {
        let mut bytes = std::fs::read(path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    for (lose, words) in
        [(&removed as &dyn Fn(&std::path::Path), "is missing"), (&damaged, "its checksum does not match")]
    {
        let Scene { place, desk } = scene();
        let mut daemon = Some(place.start());
        // The machine dies as soon as the code is there to be carried, and comes up with one file.
        let mut loses = |place: &Place| {
            daemon.take().unwrap().kill();
            lose(&newer(place));
            let mut next = place.start();
            let logged = next.log("%SMART_LIC-4-STATE_RESTORED");
            assert!(logged.last().unwrap().contains(words), "{logged:?}");
            daemon = Some(next);
        };
        place.says("smart reservation enable");
        let request: RequestCode = after_portal(&place.says("smart reservation request")).parse().unwrap();
        loses(&place);
        let again: RequestCode = after_portal(&place.says("smart reservation request")).parse().unwrap();
        assert_eq!(again, request);
        let first = desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]).to_text();
        text(place.license_with("smart reservation install -", &first));
        loses(&place);
        let said = place.license_with("smart reservation install -", &first);
        assert!(String::from_utf8_lossy(&said.stderr).contains("is installed already"), "{said:?}");
        let returned: ReturnCode = after_portal(&place.says("smart reservation return")).parse().unwrap();
        loses(&place);
        assert!(place.fails("smart reservation return").contains("no authorization code is installed"));
        assert!(place.says("show tech-support").contains(&format!("Last return code: {returned}")));
        let said = place.license_with("smart reservation install -", &first);
        assert!(!said.status.success(), "what was given back is not installed again");

        let request: RequestCode = after_portal(&place.says("smart reservation request")).parse().unwrap();
        let second = desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 10"]).to_text();
        text(place.license_with("smart reservation return-authorization -", &second));
        loses(&place);
        let said = place.license_with("smart reservation install -", &second);
        assert!(!said.status.success(), "what was given back is not installed");
        let request: RequestCode = after_portal(&place.says("smart reservation request")).parse().unwrap();
        let third = desk.authorize(&request, 300, &["CCX_FLEX_PREMIUM 10"]).to_text();
        text(place.license_with("smart reservation install -", &third));
        assert!(place.fails("smart factory reset").contains("`license smart reservation return` first"));
        place.says("smart factory reset force");
        loses(&place);
        assert!(place.says("show status").contains("Status: UNREGISTERED"), "the reset holds");
    }
}

#[test]
fn no_code_is_shown_that_is_not_stored() {
    let Scene { place, desk: _ } = scene();
    let mut daemon = place.start();
    place.says("smart reservation enable");
    // No file can be written where a directory stands.
    for slot in ["state.0.new", "state.1.new"] {
        std::fs::create_dir(place.path("state").join(slot)).unwrap();
    }
    let said = place.fails("smart reservation request");
    assert!(said.contains("could not be stored"), "{said}");
    daemon.log("%SMART_LIC-2-STATE_NOT_STORED");
    assert!(!place.says("show tech-support").contains("SP-Z"));
    assert!(!place.says("show all").contains("SP-Z"));
    for slot in ["state.0.new", "state.1.new"] {
        std::fs::remove_dir(place.path("state").join(slot)).unwrap();
    }
    daemon.stop();
    let _daemon = place.start();
    assert!(place.says("show tech-support").contains("Request code: SP-Z"));
}

#[test]
fn a_factory_reset_says_what_is_left_to_be_carried() {
    let Scene { place, desk } = scene();
    let _daemon = place.start();
    place.says("smart reservation enable");
    let request: RequestCode = after_portal(&place.says("smart reservation request")).parse().unwrap();
    let said = place.says("smart factory reset");
    assert!(said.contains("Everything but the evaluation countdown"), "{said}");
    assert!(said.contains("`license smart reservation return-authorization`"), "{said}");
    place.says("smart reservation enable");
    let code = desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]).to_text();
    let said = text(place.license_with("smart reservation return-authorization -", &code));
    let returned: ReturnCode = after_portal(&said).parse().unwrap();
    let said = place.says("smart factory reset");
    assert!(!said.contains("return-authorization"), "{said}");
    assert_eq!(after_portal(&said).parse::<ReturnCode>().unwrap(), returned);
    assert!(place.says("show tech-support").contains(&format!("Last return code: {returned}")));
}

#[test]
fn a_code_that_is_not_the_right_one_says_what_is_wrong_and_what_to_do() {
    let scene = scene();
    let _daemon = scene.place.start();
    let request = scene.requested();
    let other = RequestCode { nonce: [7; 8], ..request.clone() };
    let code = scene.desk.authorize(&other, 100, &["CCX_FLEX_PREMIUM 10"]).to_text();
    let output = scene.place.license_with("smart reservation install -", &code);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("The Reservation Authorization Code does not match the Reservation Request Code"),
        "{said}"
    );
    assert!(scene.place.fails("smart reservation install-file /nonexistent").contains("can't be read"));
    scene.place.says("smart reservation cancel");
    let code = scene.desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]).to_text();
    let said = text(scene.place.license_with("smart reservation return authorization -", &code));
    let returned: ReturnCode = after_portal(&said).parse().unwrap();
    assert_eq!(returned.check(&scene.desk.facts(&request, 100), &scene.desk.key), Ok(()));
}

#[tokio::test]
async fn a_call_managers_feature_comes_with_its_code_and_its_tiers_do_not_borrow() {
    use http::Method;
    use seatpool_agentd::client::Client;
    const FEATURE: &str = "CUCM_Export_Restricted_Authorization_Key";
    const CUWL: &str = "regid.2017-02.com.cisco.UCM_CUWL_12_0_cc59375a-1cd8-4b36-8366-6f42abba905";
    let Scene { place, desk } = scene();
    let _daemon = place.start_with(&["--profile", "unified-cm"]);
    let client = Client::new(place.socket());
    let allowed = async || -> bool {
        let may: serde_json::Value = client.get(&format!("licensing/may-i/{FEATURE}")).await.unwrap();
        may["allowed"].as_bool().unwrap()
    };
    let uses = async |tag: &str, count: u64| {
        client.change(Method::PATCH, "licensing/features", Some(&serde_json::json!({ tag: count }))).await
    };
    place.says("smart reservation enable");
    let request: RequestCode = after_portal(&place.says("smart reservation request")).parse().unwrap();
    let first =
        desk.authorize(&request, 100, &[&format!("{CUWL} 3"), "UCM_BASIC_12 2", &format!("{FEATURE} 1")]);
    text(place.license_with("smart reservation install -", &first.to_text()));
    assert!(allowed().await, "the code holds the feature's licence");
    let status = place.says("show status");
    assert!(status.contains(&format!("{FEATURE} ({FEATURE}): by reservation")), "{status}");
    let said = place.fails(&format!("smart export request local {FEATURE}"));
    assert!(said.contains("authorized by the authorization code"), "{said}");
    // 002_b6f558b851efedf5.txt: "License borrowing from a higher tier does not happen automatically".
    uses("UCM_BASIC_12", 2).await.unwrap();
    let refused = uses("UCM_BASIC_12", 3).await.unwrap_err().to_string();
    assert!(refused.contains("more than the reservation covers (2 reserved)"), "{refused}");
    uses(CUWL, 3).await.unwrap();
    let update = desk.authorize(&request, 200, &[&format!("{CUWL} 3"), "UCM_BASIC_12 2"]);
    text(place.license_with("smart reservation install -", &update.to_text()));
    assert!(!allowed().await, "the update took it away");
}

#[tokio::test]
async fn the_local_api_speaks_the_shapes_of_embedded_agents() {
    use http::Method;
    use seatpool_agentd::client::Client;
    let Scene { place, desk } = scene();
    let _daemon = place.start();
    let client = Client::new(place.socket());
    let reservation = |rest: &str| format!("licensing/reservation/{rest}");
    client.change(Method::PUT, &reservation("mode"), Some(&true)).await.unwrap();
    let (_, code) = client.ask::<String>(Method::POST, &reservation("request")).await.unwrap();
    let request: RequestCode = code.unwrap().parse().unwrap();
    let licensing: serde_json::Value = client.get("licensing").await.unwrap();
    assert_eq!(licensing["reservation_mode"], true);
    assert_eq!(licensing["registration"]["status"], "RESERVATION_IN_PROGRESS");
    let first = desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10", "CCX_SERVER 1"]).to_text();
    let own = client.post::<String>(Method::POST, &reservation("complete"), &first).await.unwrap();
    assert!(own.is_some(), "it may be the code of a change that was made before any was installed");
    let licensing: serde_json::Value = client.get("licensing").await.unwrap();
    assert_eq!(licensing["authorization"]["status"], "RESERVED_IN_COMPLIANCE");
    let update = desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 11"]).to_text();
    let confirmation = client.post::<String>(Method::POST, &reservation("complete"), &update).await.unwrap();
    let kept: String = client.get(&reservation("confirmation_code")).await.unwrap();
    assert_eq!(confirmation, Some(kept));
    let usage = serde_json::json!({ "CCX_FLEX_PREMIUM": 12 });
    let too_many = client.change(Method::PATCH, "licensing/features", Some(&usage));
    let refused = too_many.await.unwrap_err().to_string();
    assert!(refused.contains("more than the reservation covers (11 reserved)"), "{refused}");
    let (_, code) = client.ask::<String>(Method::DELETE, &reservation("release")).await.unwrap();
    let kept: String = client.get(&reservation("return_code")).await.unwrap();
    assert_eq!(code, Some(kept));
    client.change(Method::DELETE, &reservation("return_code"), None::<&()>).await.unwrap();
    assert!(client.get::<String>(&reservation("return_code")).await.is_err());
}
