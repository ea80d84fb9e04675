//! Accounts, virtual accounts and tokens.

use jiff::SignedDuration;
use seatpool_domain::access::Role;
use seatpool_domain::account::{DEFAULT_VIRTUAL_ACCOUNT, VirtualAccountWords};
use seatpool_domain::command::{AccountChange, Action};
use seatpool_domain::opening::{FirstAdministrator, Opening};
use seatpool_domain::{AccountTerms, EventKind, Outcome, Refused};
use seatpool_proto::{AccountId, TokenId, VirtualAccountId};
use uuid::Uuid;

use crate::agent::Agent;
use crate::world::{World, administrator};

fn text_of(result: Result<Outcome, Refused>) -> String {
    match result {
        Ok(outcome) => format!("{outcome:?}"),
        Err(refused) => format!("{}: {refused}", refused.code()),
    }
}

#[test]
fn an_account_comes_with_default_and_one_event() {
    let world = World::new();
    let names: Vec<_> = world.virtual_accounts.values().map(|va| (va.name.as_str(), va.is_default)).collect();
    assert_eq!(names, [(DEFAULT_VIRTUAL_ACCOUNT, true)]);
    assert_eq!(world.kinds_since(0), [EventKind::AccountCreated]);
    assert_eq!(
        world.last_message(),
        "The smart account Example (example.com) was created with the virtual account Default."
    );
    assert_eq!(world.account.next_event, 2);
}

#[test]
fn domains_are_checked_and_lowered() {
    let check = |domain: &str, expected: Option<&str>| {
        let opening = Opening {
            id: AccountId(Uuid::from_u128(1)),
            default_virtual_account: VirtualAccountId(Uuid::from_u128(2)),
            domain: domain.into(),
            name: "Name".into(),
            export_permitted: true,
            universal_permitted: false,
            administrator: None,
            actor: administrator(),
            source: None,
        };
        let made = opening.into_workset("2026-07-01T10:00:00Z".parse().unwrap());
        assert_eq!(
            made.ok().map(|workset| workset.account.domain),
            expected.map(str::to_owned),
            "{domain:?}"
        );
    };
    check(" Example.COM ", Some("example.com"));
    check("local_1", Some("local_1"));
    check("", None);
    check("a..b", None);
    check("a b.com", None);
    check("bücher.example", None);
    check(&"a".repeat(254), None);
    check(&format!("{}.example", "a".repeat(63)), Some(&format!("{}.example", "a".repeat(63))));
    check(&format!("{}.example", "a".repeat(64)), None);
    check("-a.example", None);
}

#[test]
fn an_account_is_created_together_with_its_administrator() {
    let opening = |login: &str, is_operator| Opening {
        id: AccountId(Uuid::from_u128(1)),
        default_virtual_account: VirtualAccountId(Uuid::from_u128(2)),
        domain: "example.com".into(),
        name: "Example".into(),
        export_permitted: true,
        universal_permitted: false,
        administrator: Some(FirstAdministrator {
            id: Uuid::from_u128(3),
            login: login.into(),
            password_hash: "$argon2id$x".into(),
            must_change_password: true,
            is_operator,
        }),
        actor: administrator(),
        source: None,
    };
    let now = "2026-07-01T10:00:00Z".parse().unwrap();
    let workset = opening(" Alice@Example.com ", false).into_workset(now).unwrap();
    let users: Vec<_> = workset.users.values().collect();
    assert_eq!(users.len(), 1);
    assert_eq!((users[0].login.as_str(), users[0].must_change_password), ("alice@example.com", true));
    assert_eq!(users[0].roles, [Role::AccountAdministrator]);
    assert_eq!(
        workset.events[0].message,
        "The smart account Example (example.com) was created with the virtual account Default and its administrator \
         alice@example.com."
    );
    let workset = opening("alice", true).into_workset(now).unwrap();
    assert_eq!(
        workset.users.values().next().unwrap().roles,
        [Role::VendorOperator, Role::AccountAdministrator]
    );
    assert!(workset.events[0].message.ends_with("its administrator alice, who is vendor operator, too."));
    let refused = opening("al ice", false).into_workset(now).unwrap_err();
    assert_eq!(
        format!("{}: {refused}", refused.code()),
        "invalid: login has 1 to 128 visible ASCII characters without spaces"
    );
}

#[test]
fn virtual_accounts_have_one_name_each_whatever_the_case() {
    let mut world = World::new();
    let berlin = world.create_va("  Berlin ");
    assert_eq!(world.virtual_accounts[&berlin].name, "Berlin");
    let create =
        |name: &str| Action::CreateVirtualAccount { name: name.into(), description: "d".repeat(500) };
    let change = |name: Option<&str>, description: Option<&str>| Action::ChangeVirtualAccount {
        virtual_account: berlin,
        name: name.map(str::to_owned),
        description: description.map(str::to_owned),
        seen: None,
    };
    assert_eq!(
        text_of(world.submit(create("BERLIN"))),
        "exists: there already is a virtual account named \"Berlin\""
    );
    assert_eq!(
        text_of(world.submit(create("default"))),
        "exists: there already is a virtual account named \"Default\""
    );
    assert_eq!(text_of(world.submit(create(" "))), "invalid: name is empty: give it 1 to 100 characters");
    assert!(text_of(world.submit(create("."))).starts_with("invalid: name"), "no address names it");
    assert!(text_of(world.submit(create(".."))).starts_with("invalid: name"));
    let as_id = berlin.to_string().to_uppercase();
    assert_eq!(
        text_of(world.submit(create(&as_id))),
        format!("invalid: name {as_id:?} is written like an id: choose a name that can't be taken for one")
    );
    for name in ["Ber\u{200b}lin", "Berlin\u{202e}", "\u{feff}Berlin", "Berlin\u{200d}"] {
        let refused = text_of(world.submit(create(name)));
        assert!(refused.contains("which nobody sees"), "{name:?}: {refused}");
    }
    assert!(text_of(world.submit(change(Some("DEFAULT"), None))).starts_with("exists"));

    let events = world.events.len();
    world.submit(change(Some("berlin"), None)).unwrap();
    world.submit(change(None, Some("The north"))).unwrap();
    world.submit(change(Some("berlin"), Some("The north"))).unwrap();
    assert_eq!(world.kinds_since(events), [EventKind::VirtualAccountChanged; 2], "and none for no change");
    assert_eq!(world.events[events].message, "The virtual account Berlin was renamed to berlin.");
    let seen = Some(VirtualAccountWords { name: "Berlin".into(), description: String::new() });
    let late = |name: &str, description: Option<&str>| Action::ChangeVirtualAccount {
        virtual_account: berlin,
        name: Some(name.into()),
        description: description.map(str::to_owned),
        seen: seen.clone(),
    };
    assert_eq!(
        world.submit(late("Munich", None)),
        Err(Refused::ChangedMeanwhile { seen: "\"Berlin\"".into(), present: "\"berlin\"".into() })
    );
    world.submit(late("berlin", Some("The north"))).unwrap();
    let unknown = Action::ChangeVirtualAccount {
        virtual_account: VirtualAccountId(Uuid::nil()),
        name: None,
        description: None,
        seen: None,
    };
    assert_eq!(text_of(world.submit(unknown)), "unknown: there is no such virtual account");
}

#[test]
fn a_virtual_account_is_deleted_only_when_it_is_empty() {
    let mut world = World::new();
    let berlin = world.create_va("Berlin");
    let token = world.create_token(berlin, None);
    let delete = |va| Action::DeleteVirtualAccount { virtual_account: va };
    assert_eq!(
        text_of(world.submit(delete(world.default_va()))),
        "default_virtual_account: the virtual account \"Default\" can't be deleted"
    );
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    world.order_line(berlin, "PO-1", world.term("S", 5, 0, 10));
    assert_eq!(world.submit(delete(berlin)), Err(Refused::NotEmpty { instances: 1, lots: 1 }));
    agent.deregister(&mut world).unwrap();
    world.advance(10 * 86_400);
    world.submit(delete(berlin)).unwrap();
    assert_eq!(text_of(world.submit(delete(berlin))), "unknown: there is no such virtual account");
    // Its name is free again, its tokens are dead.
    world.create_va("Berlin");
    let refused = Agent::new(2).register(&mut world, token).unwrap_err().to_string();
    assert!(refused.starts_with("token_revoked: Its virtual account was deleted"), "{refused}");
}

#[test]
fn tokens_have_their_limits() {
    let mut world = World::new();
    let va = world.default_va();
    let create = |days, uses, export| Action::CreateToken {
        virtual_account: va,
        description: "floor 2".into(),
        expires_after_days: days,
        uses_max: uses,
        export_controlled: export,
    };
    for days in [0, 366, u16::MAX] {
        let text = text_of(world.submit(create(days, None, true)));
        assert!(text.starts_with("invalid: expires_after_days is"), "{text}");
    }
    for days in [1, 365] {
        world.submit(create(days, Some(0), true)).unwrap();
        let token = world.tokens.values().last().unwrap();
        assert_eq!(token.expires_at, world.now + SignedDuration::from_hours(24 * i64::from(days)));
        assert_eq!(token.uses_max, None, "0 is no limit");
        assert_eq!(token.created_by, "anna");
    }
    let mut guarded = World::with_export(false);
    assert_eq!(guarded.default_va(), va);
    assert_eq!(guarded.submit(create(30, None, true)), Err(Refused::ExportNotPermitted));
    guarded.submit(create(30, Some(2), false)).unwrap();
    assert_eq!(
        guarded.last_message(),
        "A registration token for Default was created: it may be used 2 times within 30 days."
    );

    let token = *world.tokens.keys().next().unwrap();
    world.submit(Action::RevokeToken { token }).unwrap();
    let events = world.events.len();
    world.submit(Action::RevokeToken { token }).unwrap();
    assert_eq!(world.events.len(), events, "revoking again changes nothing");
    let unknown = world.submit(Action::RevokeToken { token: TokenId(Uuid::nil()) });
    assert_eq!(unknown, Err(Refused::Unknown { what: "registration token" }));
}

fn change(change: AccountChange) -> Action {
    Action::ChangeAccount { change }
}

#[test]
fn what_an_account_is_permitted_changes_with_an_event_for_each_value() {
    let mut world = World::new();
    let seen = AccountTerms::of(&world.account);
    let events = world.events.len();
    let new = AccountChange {
        name: Some(" Sample ".into()),
        export_permitted: Some(false),
        universal_permitted: Some(true),
        seen: Some(seen.clone()),
    };
    world.submit(change(new.clone())).unwrap();
    let told: Vec<_> = world.events[events..]
        .iter()
        .map(|event| {
            (event.message.as_str(), event.before.as_deref().unwrap(), event.after.as_deref().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("The smart account Example was renamed to Sample.", "Example", "Sample"),
            (
                "Export-controlled functionality is not permitted for this smart account now. What holds it already keeps it.",
                "permitted",
                "not permitted"
            ),
            ("Universal reservation is permitted for this smart account now.", "not permitted", "permitted"),
        ]
    );
    assert_eq!(world.kinds_since(events), [EventKind::AccountChanged; 3]);
    // Sent again, it is so already.
    world.submit(change(new)).unwrap();
    assert_eq!(world.events.len(), events + 3);
    let stale = AccountChange { export_permitted: Some(true), seen: Some(seen), ..AccountChange::default() };
    assert_eq!(
        text_of(world.submit(change(stale))),
        "changed_meanwhile: somebody else changed it meanwhile: it was named Example, export-controlled functionality \
         permitted, universal reservation not permitted when you looked and is named Sample, export-controlled \
         functionality not permitted, universal reservation permitted now"
    );
    let nameless = AccountChange { name: Some(" ".into()), ..AccountChange::default() };
    assert_eq!(
        text_of(world.submit(change(nameless))),
        "invalid: name is empty: give it 1 to 100 characters"
    );
    let token = Action::CreateToken {
        virtual_account: world.default_va(),
        description: String::new(),
        expires_after_days: 30,
        uses_max: None,
        export_controlled: true,
    };
    assert!(text_of(world.submit(token)).starts_with("export_not_permitted"));
}
