//! A contact centre and what its agent lets it do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use seatpool_agentd::client::Client;
use serde_json::Value;

use crate::place::Place;

fn usage(place: &Place) -> (u64, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(place.path("s"));
    let features: Vec<Value> = runtime.block_on(client.get("licensing/features")).unwrap();
    let of = |tag: &str| features.iter().find(|f| f["id"] == tag).unwrap()["in_use"].as_u64().unwrap();
    (of("CCX_FLEX_PREMIUM"), of("CCX_FLEX_STANDARD"))
}

#[test]
fn seats_come_and_go_and_the_agent_knows() {
    let place = Place::new();
    let mut centre = place.open(&["--capacity", "6"]);
    let done = centre.say("sign-in 4 standard");
    assert_eq!((&done["done"], &done["refused"]), (&4.into(), &0.into()), "{done}");
    centre.hear("evaluation_started");
    let done = centre.say("sign-in 3 premium");
    assert_eq!((&done["done"], &done["refused"]), (&2.into(), &1.into()), "{done}");
    assert!(done["reason"].as_str().unwrap().contains("holds 6 seats"), "{done}");
    assert_eq!(usage(&place), (2, 4));
    assert_eq!(centre.say("sign-out 3 standard")["standard"], 1);
    assert_eq!(usage(&place), (2, 1));
    assert!(centre.say("dance")["error"].as_str().unwrap().contains("is no command"));
    let done = centre.say("quit");
    assert_eq!((&done["done"], usage(&place)), (&3.into(), (0, 0)));
    assert!(centre.ended_well());
}

#[test]
fn when_the_evaluation_is_over_no_user_is_added_and_known_ones_work_on() {
    let place = Place::soon_restricted();
    let mut centre = place.open(&[]);
    assert_eq!(centre.say("sign-in 2 standard")["done"], 2);
    centre.hear("enforcement_started");
    let done = centre.say("sign-in 1 standard");
    assert_eq!((&done["done"], &done["refused"]), (&0.into(), &1.into()), "{done}");
    let reason = done["reason"].as_str().unwrap();
    assert!(reason.contains("users are not synchronized") && reason.contains("evaluation"), "{reason}");
    centre.say("sign-out 1");
    assert_eq!(centre.say("sign-in 1 premium")["done"], 1);
    assert_eq!(centre.say("add-users 1")["done"], 0);
}

/// 004_359de8f7c2d6d0b5.txt, "License Usage in Specific License Reservation", on a small scale: 2 premium and 3 standard
/// licences are at most 2 premium seats and 5 seats in all.
#[test]
fn seats_beyond_what_is_reserved_can_not_sign_in() {
    use http::Method;
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(place.path("s"));
    runtime.block_on(async {
        client.change(Method::PUT, "licensing/reservation/mode", Some(&true)).await.unwrap();
        let (_, code) = client.ask::<String>(Method::POST, "licensing/reservation/request").await.unwrap();
        let request = code.unwrap().parse().unwrap();
        let licenses = [("CCX_FLEX_PREMIUM", 2), ("CCX_FLEX_STANDARD", 3), ("CCX_SERVER", 1)];
        let code = place.authorization(&request, 1, &licenses);
        client.change(Method::POST, "licensing/reservation/complete", Some(&code)).await.unwrap();
    });
    let mut centre = place.open(&[]);
    let done = centre.say("sign-in 4 premium");
    assert_eq!((&done["done"], &done["refused"]), (&2.into(), &2.into()), "{done}");
    assert!(done["reason"].as_str().unwrap().contains("more than the reservation covers"), "{done}");
    assert_eq!(centre.say("sign-in 9 standard")["standard"], 3);
    assert_eq!(usage(&place), (2, 3));
    centre.say("sign-out 2 premium");
    assert_eq!(centre.say("sign-in 9 standard")["standard"], 5);
    assert_eq!(usage(&place), (0, 5));
    assert_eq!(centre.say("sign-in 1 premium")["done"], 0);
}

#[test]
fn a_shift_plan_and_a_socket_do_what_lines_do() {
    let place = Place::new();
    let plan = place.path("plan");
    std::fs::write(&plan, "00:00 sign-in 2 standard # the early shift\n00:00:01 sign-in 1 premium\n")
        .unwrap();
    let desk = place.path("desk");
    let mut centre = place.open(&["--plan", plan.to_str().unwrap(), "--listen", desk.to_str().unwrap()]);
    centre.leave();
    let done = centre.until(|value| value["premium"] == 1);
    assert_eq!(done["standard"], 2);
    let stream = UnixStream::connect(&desk).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    writeln!(&stream, "sign-out 1 standard\nstatus\nquit").unwrap();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["standard"], 1);
    assert!(next()["text"].as_str().unwrap().contains("Evaluation Mode"));
    assert_eq!(next()["done"], 2);
    assert!(centre.ended_well());
    assert_eq!(usage(&place), (0, 0));
}

#[test]
fn without_its_agent_the_centre_does_not_open() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_contact-centre"))
        .args(["--agent", "/nonexistent/agentd.sock"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("contact-centre: no agent answers at /nonexistent/agentd.sock"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_profile_that_restricts_what_the_centre_does_not_have_is_refused() {
    let place = Place::restricting("user-synch");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_contact-centre"))
        .arg("--agent")
        .arg(place.path("s"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("restricts \"user-synch\"") && said.contains("it has sign-in and user-sync"),
        "{said}"
    );
}
