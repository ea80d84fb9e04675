//! Users, clients and rules: who may change them, what ends with a change, and that no event holds a secret.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::{Client, Invitation, OauthScope, Role, SignInRules, User, UserStatus};
use seatpool_domain::command::{AccessChange, Action};
use seatpool_domain::opening::Opening;
use seatpool_domain::{
    Actor, Catalogue, Command, Context, EventKind, Outcome, Policy, Refused, Workset, apply,
};
use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use uuid::Uuid;

use crate::world::{CATALOGUE, Counting};

const PLACE: VirtualAccountId = VirtualAccountId(Uuid::from_u128(2));
const ADMINISTRATOR: &[Role] = &[Role::AccountAdministrator];
const OPERATOR: &[Role] = &[Role::VendorOperator];

/// An account's people, and a clock that goes on a minute with each command.
struct Desk {
    workset: Workset,
    ids: Counting,
    now: Timestamp,
}

impl Desk {
    fn new() -> Self {
        let opening = Opening {
            id: AccountId(Uuid::from_u128(1)),
            default_virtual_account: PLACE,
            domain: "example.com".into(),
            name: "Example".into(),
            export_permitted: true,
            universal_permitted: false,
            administrator: None,
            actor: Actor::System,
            source: None,
        };
        let now = "2026-07-01T10:00:00Z".parse().unwrap();
        Self { workset: opening.into_workset(now).unwrap(), ids: Counting(100), now }
    }

    fn try_as(&mut self, actor: &str, held: &[Role], change: AccessChange) -> Result<Outcome, Refused> {
        self.now += SignedDuration::from_mins(1);
        let before = self.workset.clone();
        let command = Command {
            actor: Actor::User(actor.into()),
            source: Some("192.0.2.1".into()),
            action: Action::Access { change, held: held.to_vec() },
        };
        let catalogue = Catalogue::from_toml([CATALOGUE]).unwrap();
        let mut context =
            Context { now: self.now, catalogue: &catalogue, policy: &Policy::default(), ids: &mut self.ids };
        let result = apply(command, &mut self.workset, &mut context);
        if result.is_err() {
            assert_eq!(self.workset, before, "what is refused changes nothing");
        }
        result
    }

    fn by(&mut self, held: &[Role], change: AccessChange) -> Result<Outcome, Refused> {
        self.try_as("root", held, change)
    }

    fn invitation(&self, secret: &str) -> Invitation {
        Invitation { hash: Sha256::of(secret), expires_at: self.now + SignedDuration::from_hours(24) }
    }

    /// A person who has set a password.
    fn person(&mut self, login: &str, roles: &[Role]) -> Uuid {
        let invitation = self.invitation(login);
        let held = [Role::AccountAdministrator, Role::VendorOperator];
        let invite = AccessChange::InviteUser {
            login: login.into(),
            name: String::new(),
            roles: roles.into(),
            invitation,
        };
        let Ok(Outcome::User(user)) = self.by(&held, invite) else { panic!() };
        let accept =
            AccessChange::AcceptInvitation { user, secret: Sha256::of(login), password_hash: "hash".into() };
        self.by(&[], accept).unwrap();
        user
    }

    fn user(&self, id: Uuid) -> &User {
        self.workset.users.get(&id).unwrap()
    }

    fn last_kind(&self) -> EventKind {
        self.workset.events.last().unwrap().kind
    }
}

#[test]
fn a_link_is_good_once_until_its_end_and_only_for_its_person() {
    let mut desk = Desk::new();
    let invitation = desk.invitation("secret");
    let invite = AccessChange::InviteUser {
        login: " Dora ".into(),
        name: String::new(),
        roles: vec![Role::VirtualAccountUser(PLACE)],
        invitation,
    };
    let Ok(Outcome::User(user)) = desk.by(ADMINISTRATOR, invite) else { panic!() };
    assert!(desk.user(user).login == "dora" && !desk.user(user).can_sign_in());
    let accept = |secret: &str| AccessChange::AcceptInvitation {
        user,
        secret: Sha256::of(secret),
        password_hash: "hash".into(),
    };
    assert_eq!(desk.by(&[], accept("guess")), Err(Refused::LinkEnded));
    let mut late = Desk { workset: desk.workset.clone(), ids: Counting(200), now: desk.now };
    late.now = invitation.expires_at;
    assert_eq!(late.by(&[], accept("secret")), Err(Refused::LinkEnded));
    desk.by(&[], accept("secret")).unwrap();
    assert!(desk.user(user).can_sign_in());
    assert_eq!(desk.by(&[], accept("secret")), Err(Refused::LinkEnded));
}

#[test]
fn nobody_gives_or_takes_what_it_does_not_hold() {
    let mut desk = Desk::new();
    desk.person("anna", ADMINISTRATOR);
    let operator = desk.person("olaf", OPERATOR);
    let invitation = desk.invitation("x");
    let invite = |roles: &[Role]| AccessChange::InviteUser {
        login: "new".into(),
        name: String::new(),
        roles: roles.into(),
        invitation,
    };
    let not_held = |result: Result<Outcome, Refused>| {
        assert!(matches!(result, Err(Refused::NotHeld { .. })), "{result:?}");
    };
    not_held(desk.by(ADMINISTRATOR, invite(OPERATOR)));
    not_held(
        desk.by(&[Role::VirtualAccountAdministrator(PLACE)], invite(&[Role::VirtualAccountUser(PLACE)])),
    );
    not_held(desk.by(OPERATOR, invite(ADMINISTRATOR)));
    not_held(desk.by(ADMINISTRATOR, AccessChange::ResetPassword { user: operator, invitation }));
    not_held(desk.by(ADMINISTRATOR, AccessChange::ResetSecondFactor { user: operator }));
    not_held(desk.by(ADMINISTRATOR, AccessChange::DeleteUser { user: operator }));
    not_held(desk.by(ADMINISTRATOR, AccessChange::EndSessions { user: operator }));
    let rules = SignInRules { second_factor_required: true, password_grant: true };
    not_held(desk.by(OPERATOR, AccessChange::ChangeRules { rules, seen: None }));
    let nowhere = Role::VirtualAccountUser(VirtualAccountId(Uuid::from_u128(9)));
    assert_eq!(desk.by(ADMINISTRATOR, invite(&[nowhere])), Err(Refused::Unknown { what: "virtual account" }));
    assert!(matches!(desk.by(ADMINISTRATOR, invite(&[])), Err(Refused::Invalid { field: "roles", .. })));
}

#[test]
fn an_account_keeps_an_administrator_and_an_operator_can_help_one_that_has_none() {
    let mut desk = Desk::new();
    let invitation = desk.invitation("x");
    let invite = |login: &str| AccessChange::InviteUser {
        login: login.into(),
        name: String::new(),
        roles: ADMINISTRATOR.into(),
        invitation,
    };
    desk.by(OPERATOR, invite("first")).unwrap();
    desk.by(OPERATOR, invite("second")).unwrap();
    let anna = desk.person("anna", ADMINISTRATOR);
    assert!(matches!(desk.by(OPERATOR, invite("third")), Err(Refused::NotHeld { .. })), "now there is one");
    let last = Err(Refused::LastAdministrator { login: "anna".into() });
    let demote = |user| AccessChange::ChangeUser {
        user,
        name: None,
        roles: Some(vec![Role::Approver]),
        seen_name: None,
        seen_roles: None,
    };
    assert_eq!(desk.by(ADMINISTRATOR, demote(anna)), last);
    assert_eq!(desk.by(ADMINISTRATOR, AccessChange::DisableUser { user: anna }), last);
    assert_eq!(desk.by(ADMINISTRATOR, AccessChange::DeleteUser { user: anna }), last);
    assert_eq!(desk.by(ADMINISTRATOR, AccessChange::ResetPassword { user: anna, invitation }), last);
    let berta = desk.person("berta", ADMINISTRATOR);
    desk.by(ADMINISTRATOR, demote(anna)).unwrap();
    assert_eq!(
        desk.by(ADMINISTRATOR, AccessChange::DisableUser { user: berta }),
        Err(Refused::LastAdministrator { login: "berta".into() })
    );
    let olaf = desk.person("olaf", OPERATOR);
    assert_eq!(
        desk.try_as("olaf", OPERATOR, AccessChange::DisableUser { user: olaf }),
        Err(Refused::OwnOperatorRole)
    );
    desk.by(OPERATOR, AccessChange::DisableUser { user: olaf }).unwrap();
}

#[test]
fn what_takes_trust_away_ends_the_sessions_that_began_before() {
    let ends = |change: fn(Uuid, Invitation) -> AccessChange| {
        let mut desk = Desk::new();
        desk.person("anna", ADMINISTRATOR);
        let dora = desk.person("dora", &[Role::Approver]);
        let invitation = desk.invitation("x");
        let on = AccessChange::EnableSecondFactor { user: dora, sealed: "s".into(), recovery_codes: vec![] };
        desk.by(&[], on).unwrap();
        let began = desk.now;
        desk.by(ADMINISTRATOR, change(dora, invitation)).unwrap();
        desk.user(dora).sessions_from > began
    };
    assert!(ends(|user, _| AccessChange::DisableUser { user }));
    assert!(ends(|user, invitation| AccessChange::ResetPassword { user, invitation }));
    assert!(ends(|user, _| AccessChange::ResetSecondFactor { user }));
    assert!(ends(|user, _| AccessChange::EndSessions { user }));
    assert!(ends(|user, _| AccessChange::ChangePassword { user, password_hash: "other".into() }));
    assert!(!ends(|user, _| AccessChange::ChangeUser {
        user,
        name: Some("D".into()),
        roles: None,
        seen_name: None,
        seen_roles: None,
    }));
}

#[test]
fn a_change_by_two_is_refused_to_the_second_with_the_difference() {
    let mut desk = Desk::new();
    let dora = desk.person("dora", &[Role::Approver]);
    let change = |roles: Vec<Role>| AccessChange::ChangeUser {
        user: dora,
        name: None,
        roles: Some(roles),
        seen_name: None,
        seen_roles: Some(vec![Role::Approver]),
    };
    desk.by(ADMINISTRATOR, change(vec![Role::VirtualAccountUser(PLACE)])).unwrap();
    let event = desk.workset.events.last().unwrap();
    assert_eq!(
        (event.before.as_deref(), event.after.as_deref()),
        (Some("approver"), Some("user of Default"))
    );
    let second = desk.by(ADMINISTRATOR, change(vec![Role::VirtualAccountAdministrator(PLACE)]));
    assert_eq!(
        second,
        Err(Refused::ChangedMeanwhile { seen: "approver".into(), present: "user of Default".into() })
    );
    desk.by(ADMINISTRATOR, change(vec![Role::VirtualAccountUser(PLACE)])).unwrap();

    let rename = |name: &str| AccessChange::ChangeUser {
        user: dora,
        name: Some(name.into()),
        roles: None,
        seen_name: Some(String::new()),
        seen_roles: None,
    };
    desk.by(ADMINISTRATOR, rename("Dora")).unwrap();
    let second = desk.by(ADMINISTRATOR, rename("Theodora"));
    assert_eq!(second, Err(Refused::ChangedMeanwhile { seen: "\"\"".into(), present: "\"Dora\"".into() }));
    desk.by(ADMINISTRATOR, rename("Dora")).unwrap();
}

#[test]
fn rules_that_two_change_are_refused_to_the_second_with_the_difference() {
    let mut desk = Desk::new();
    let rules =
        |second_factor_required, password_grant| SignInRules { second_factor_required, password_grant };
    let change = |rules| AccessChange::ChangeRules { rules, seen: Some(SignInRules::default()) };
    desk.by(ADMINISTRATOR, change(rules(true, false))).unwrap();
    let refused = Refused::ChangedMeanwhile {
        seen: "second factor not required, password grant not allowed".into(),
        present: "second factor required, password grant not allowed".into(),
    };
    assert_eq!(desk.by(ADMINISTRATOR, change(rules(false, true))), Err(refused));
    assert_eq!(desk.workset.account.sign_in_rules, rules(true, false));
    desk.by(ADMINISTRATOR, change(rules(true, false))).unwrap();
}

#[test]
fn recovery_codes_are_used_once_and_go_with_the_second_factor() {
    let mut desk = Desk::new();
    let dora = desk.person("dora", &[Role::Approver]);
    let (one, two) = (Sha256::of("one"), Sha256::of("two"));
    let on = AccessChange::EnableSecondFactor {
        user: dora,
        sealed: "sealed".into(),
        recovery_codes: vec![one, two],
    };
    desk.by(&[], on.clone()).unwrap();
    assert!(matches!(desk.by(&[], on), Err(Refused::Exists { .. })));
    let used = |code| AccessChange::UseRecoveryCode { user: dora, code };
    desk.by(&[], used(one)).unwrap();
    assert_eq!(desk.last_kind(), EventKind::RecoveryCodeUsed);
    assert_eq!(desk.by(&[], used(one)), Err(Refused::Unknown { what: "recovery code" }));
    desk.by(&[], AccessChange::DisableSecondFactor { user: dora }).unwrap();
    assert_eq!(desk.user(dora).recovery_codes, []);
    assert_eq!(desk.by(&[], used(two)), Err(Refused::Unknown { what: "second factor" }));
    let told = format!("{:?}", desk.workset.events);
    assert!(!told.contains("sealed") && !told.contains(&one.to_string()), "no event holds a secret");
}

#[test]
fn a_single_sign_on_is_bound_to_one_person() {
    let mut desk = Desk::new();
    let provision = |login: &str, subject: &str| AccessChange::ProvisionUser {
        login: login.into(),
        name: "Dora".into(),
        roles: vec![Role::Approver],
        subject: subject.into(),
    };
    let Ok(Outcome::User(dora)) = desk.by(&[], provision("dora", "https://id 1")) else { panic!() };
    assert!(desk.user(dora).can_sign_in() && desk.user(dora).password_hash.is_none());
    assert!(matches!(desk.by(&[], provision("dora", "https://id 2")), Err(Refused::Exists { .. })));
    let link = |subject: &str| AccessChange::LinkUser { user: dora, subject: subject.into() };
    desk.by(&[], link("https://id 1")).unwrap();
    assert!(matches!(desk.by(&[], link("https://id 2")), Err(Refused::Exists { .. })));
    desk.by(ADMINISTRATOR, AccessChange::DisableUser { user: dora }).unwrap();
    assert_eq!(desk.user(dora).status, UserStatus::Disabled);
}

#[test]
fn a_client_keeps_its_earlier_secret_for_a_while_and_its_name_for_good() {
    let mut desk = Desk::new();
    let create = |roles: &[Role]| AccessChange::CreateClient {
        id: "c".into(),
        name: "Night job".into(),
        secret_hash: "1".into(),
        roles: roles.into(),
        scopes: vec![OauthScope::Tokens, OauthScope::Read, OauthScope::Read],
    };
    assert!(matches!(desk.by(ADMINISTRATOR, create(OPERATOR)), Err(Refused::NotHeld { .. })));
    desk.by(ADMINISTRATOR, create(ADMINISTRATOR)).unwrap();
    let until = desk.now + SignedDuration::from_hours(24);
    desk.by(
        ADMINISTRATOR,
        AccessChange::RotateSecret { id: "c".into(), secret_hash: "2".into(), overlap_until: until },
    )
    .unwrap();
    let client: &Client = desk.workset.clients.get(&"c".to_owned()).unwrap();
    assert_eq!((client.secret_hash.as_str(), client.scopes.len()), ("2", 2));
    let previous = client.previous_secret.as_ref().unwrap();
    assert_eq!((previous.hash.as_str(), previous.until), ("1", until));
    desk.by(ADMINISTRATOR, AccessChange::DeleteClient { id: "c".into() }).unwrap();
    let client = desk.workset.clients.get(&"c".to_owned()).unwrap();
    assert!(client.deleted_at.is_some() && client.name == "Night job");
    let again = desk.by(ADMINISTRATOR, AccessChange::DeleteClient { id: "c".into() });
    assert_eq!(again, Err(Refused::Unknown { what: "client" }));
    desk.by(OPERATOR, create(ADMINISTRATOR)).unwrap();
}
