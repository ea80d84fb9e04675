//! One `check` under all tables: a script of what happens, and what is to be seen of it.
//!
//! A line of a script is a time since the start (`2h15m`, `90d`) and an action. What is seen is one line for
//! every event (`1h15m out_of_compliance CCX_FLEX_STANDARD`) and what `show`, `may` and refused commands
//! print.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::{Command, FailureKind, Privacy, Profile, Transport};
use seatpool_proto::{ProblemCode, Quantity};

use crate::world::{World, start, tag};

pub(crate) fn check(profile: &str, script: &str, expect: &str) {
    check_with(Profile::shipped(profile).unwrap(), script, expect);
}

pub(crate) fn check_with(profile: Profile, script: &str, expect: &str) {
    let seen = play(World::with(profile), script);
    let seen = seen.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let expect: Vec<&str> = expect.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let expect = expect.join("\n");
    assert!(seen == expect, "seen:\n{seen}\nexpected:\n{expect}\n");
}

/// Plays a script: what was seen.
pub(crate) fn play(mut world: World, script: &str) -> String {
    let mut seen = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, action) = line.split_once(' ').expect("a time and an action");
        world.run_until(start().checked_add(span(time)).unwrap());
        drain(&mut world, &mut seen);
        act(&mut world, action, &mut seen);
        drain(&mut world, &mut seen);
    }
    seen
}

fn drain(world: &mut World, seen: &mut String) {
    for event in world.events.drain(..) {
        if world.quiet.iter().any(|quiet| quiet == event.code.as_str()) {
            continue;
        }
        let tag = event.tag.map(|tag| format!(" {tag}")).unwrap_or_default();
        // The modes of single licences would say everything twice.
        if event.code.as_str() != "enforcement_mode_changed" {
            writeln!(seen, "{} {}{tag}", since_start(event.at), event.code.as_str()).unwrap();
        }
    }
}

fn act(world: &mut World, action: &str, seen: &mut String) {
    let at = since_start(world.now);
    let words: Vec<&str> = action.split_whitespace().collect();
    let taken = match words.as_slice() {
        ["own", name, count] => {
            world.manager.owned.insert(tag(name), count.parse().unwrap());
            Ok(())
        }
        ["use", name, count] => {
            let count = Quantity::of(count.parse().unwrap());
            let taken = world.agent.handle_usage(&tag(name), count, world.local());
            world.settle();
            taken
        }
        ["register"] => world.register(false),
        ["register", "force"] => world.register(true),
        ["deregister"] => world.command(Command::Deregister),
        ["update"] => world.command(Command::UpdateUsageNow),
        ["renew", "auth"] => world.command(Command::RenewAuthorization),
        ["renew", "id"] => world.command(Command::RenewRegistration { new_key: None }),
        ["renew", "key"] => {
            let new_key = Some(world.new_key());
            world.command(Command::RenewRegistration { new_key })
        }
        ["type", ..] => world.command(Command::SetLicenseType(words[1..].join(" "))),
        ["private"] => world.command(Command::SetPrivacy(Privacy { hostname: true, version: true })),
        ["transport"] => world.command(Command::SetTransport(Transport::default())),
        ["reset"] => world.command(Command::FactoryReset { force: false }),
        ["restart"] => {
            world.restart();
            Ok(())
        }
        ["away"] => {
            world.manager.failing = Some(FailureKind::Connect);
            Ok(())
        }
        ["garble", what] => {
            world.manager.garbling = Some((*what).to_owned());
            Ok(())
        }
        ["deny", kind] => {
            world.manager.denying = Some((*kind).to_owned());
            Ok(())
        }
        ["quiet", code] => {
            world.quiet.push((*code).to_owned());
            Ok(())
        }
        ["export", "allowed"] => {
            world.manager.export_controlled = true;
            Ok(())
        }
        ["export", "ended", feature] => {
            world.manager.exports_ended = vec![(*feature).to_owned()];
            Ok(())
        }
        ["export", "until", at] => {
            world.manager.export_until = Some(start().checked_add(span(at)).unwrap());
            Ok(())
        }
        ["export", "request", feature] => world.command(Command::RequestExport((*feature).to_owned())),
        ["export", "return", feature] => world.command(Command::ReturnExport((*feature).to_owned())),
        ["export", "cancel"] => world.command(Command::CancelExport),
        ["feature", feature, state] => {
            world.command(Command::SetExportFeature { feature: (*feature).to_owned(), on: *state == "on" })
        }
        ["back"] => {
            world.manager.failing = None;
            world.manager.denying = None;
            world.manager.garbling = None;
            Ok(())
        }
        ["lose", count] => {
            world.manager.losing = count.parse().unwrap();
            Ok(())
        }
        ["refuse", code, count] => {
            let code: ProblemCode = serde_json::from_value((*code).into()).unwrap();
            assert_ne!(code, ProblemCode::Unknown);
            world.manager.refusing = Some((code, count.parse().unwrap()));
            Ok(())
        }
        ["move", to] => {
            (*to).clone_into(&mut world.manager.virtual_account);
            Ok(())
        }
        ["clock", ahead] => {
            world.clock_ahead = span(ahead);
            Ok(())
        }
        ["disk", state] => {
            world.disk_full = *state == "full";
            Ok(())
        }
        ["may", feature] => {
            let decision = match world.agent.may_i(feature, world.local()) {
                seatpool_agent::Decision::Allowed => "allowed".to_owned(),
                seatpool_agent::Decision::Refused { reason, since } => {
                    format!("refused since {}: {reason:?}", since_start(since))
                }
            };
            writeln!(seen, "{at} {feature} {decision}").unwrap();
            Ok(())
        }
        ["show", what] => {
            let line = show(world, what);
            writeln!(seen, "{at} {line}").unwrap();
            Ok(())
        }
        ["show"] => {
            let line = show(world, "state");
            writeln!(seen, "{at} {line}").unwrap();
            Ok(())
        }
        _ => panic!("no such action: {action}"),
    };
    if let Err(refused) = taken {
        writeln!(seen, "{at} refused: {}", refused.code()).unwrap();
    }
}

fn show(world: &World, what: &str) -> String {
    let status = world.status();
    match what {
        "state" => {
            let enforced = if status.enforcement.enforced { " enforced" } else { "" };
            format!("{:?}/{:?}{enforced}", status.registration.state, status.authorization.state)
        }
        "evaluation" => {
            let left = span_words(SignedDuration::from_secs(status.evaluation.remaining_seconds));
            format!("evaluation {} {left}", if status.evaluation.running { "runs" } else { "stands" })
        }
        "graces" => {
            let graces: Vec<String> = status
                .enforcement
                .graces
                .iter()
                .map(|grace| {
                    let ends = grace.ends_at.map_or("never".to_owned(), since_start);
                    format!("{:?}@{ends}{}", grace.reason, if grace.enforced { "!" } else { "" })
                })
                .collect();
            format!("graces {}", graces.join(" "))
        }
        "alerts" => {
            let codes: Vec<&str> = status.alerts.iter().map(|alert| alert.code.as_str()).collect();
            format!("alerts {}", codes.join(" "))
        }
        "jobs" => {
            let jobs: Vec<String> =
                status.jobs.iter().map(|job| format!("{:?}@{}", job.timer, since_start(job.at))).collect();
            format!("jobs {}", jobs.join(" "))
        }
        "last" => {
            let last = status.communication.last.map(|attempt| match attempt.failure {
                Some(failure) => format!("failed {} at {}", failure.code, since_start(attempt.at)),
                None => format!("succeeded at {}", since_start(attempt.at)),
            });
            format!("last contact {}", last.unwrap_or_default())
        }
        name => {
            let e =
                status.entitlements.iter().find(|e| e.tag == tag(name)).expect("a tag of the licence type");
            let locked = e.locked.map(|locked| format!(" locked {locked}")).unwrap_or_default();
            format!(
                "{name} {} actual {} reported {}{locked} overages {}",
                e.state.as_str(),
                e.actual,
                e.reported,
                e.overages
            )
        }
    }
}

/// `90d`, `1d2h15m`, `-1h`.
pub(crate) fn span(text: &str) -> SignedDuration {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut seconds = 0;
    let mut number = String::new();
    for c in text.chars() {
        let unit = match c {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            digit => {
                number.push(digit);
                continue;
            }
        };
        seconds += number.parse::<i64>().expect("a number") * unit;
        number.clear();
    }
    assert!(number.is_empty() || number == "0", "a unit is missing in {text}");
    SignedDuration::from_secs(sign * seconds)
}

pub(crate) fn since_start(at: Timestamp) -> String {
    span_words(at.duration_since(start()))
}

fn span_words(span: SignedDuration) -> String {
    let mut seconds = span.as_secs().unsigned_abs();
    let mut text = if span.is_negative() { "-".to_owned() } else { String::new() };
    for (unit, size) in [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)] {
        if seconds >= size {
            write!(text, "{}{unit}", seconds / size).unwrap();
            seconds %= size;
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}
