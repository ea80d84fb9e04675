//! Users, clients, sessions, access tokens.

use jiff::SignedDuration;
use seatpool_domain::access::{Client, Invitation, OauthScope, PreviousSecret, Role, User, UserStatus};
use seatpool_domain::{Touches, Workset};
use seatpool_proto::{AccountId, Sha256};
use seatpool_store::{AccessToken, FormSent, Page, Session, Stage, Store, StoreError, UserQuery};

use crate::facts::*;

fn user(account: AccountId, n: u64, login: &str) -> User {
    let roles = vec![Role::AccountAdministrator, Role::VirtualAccountUser(place(3))];
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
    User {
        name: format!("Person {n}"),
        must_change_password: true,
        sessions_from: at(3),
        second_factor: Some("sealed".to_owned()),
        recovery_codes: vec![Sha256::of("code")],
        invitation: Some(Invitation { hash: Sha256::of("link"), expires_at: at(9) }),
        subject: Some(format!("https://id.example {n}")),
        status: UserStatus::Disabled,
        ..User::new(uuid(n), account, login, hash, roles, at(1))
    }
}

fn client(account: AccountId, id: &str) -> Client {
    Client {
        id: id.to_owned(),
        account,
        name: "billing".to_owned(),
        secret_hash: Sha256::of("secret").to_string(),
        roles: vec![Role::VendorOperator],
        scopes: vec![OauthScope::Read, OauthScope::Orders],
        created_at: at(1),
        previous_secret: Some(PreviousSecret { hash: Sha256::of("older").to_string(), until: at(7) }),
        deleted_at: None,
    }
}

async fn users(store: &Store, account: AccountId) -> Vec<User> {
    store.users(account, &UserQuery::default(), Page::ALL).await.unwrap().items
}

pub(crate) async fn users_and_clients_come_back_and_are_unique(store: Store) {
    let account = create_account(&store, 1).await;
    let other = create_account(&store, 2).await;
    let (alice, bob) = (user(account, 1, "alice"), user(account, 2, "bob"));
    store.insert_user(&bob).await.unwrap();
    store.insert_user(&alice).await.unwrap();
    store.insert_user(&user(other, 3, "carol")).await.unwrap();
    let taken = store.insert_user(&user(other, 4, "alice")).await.unwrap_err();
    assert!(matches!(&taken, StoreError::Exists { what } if what.contains("alice")), "{taken}");
    assert_eq!(users(&store, account).await, [alice.clone(), bob.clone()]);
    assert_eq!(store.user_by_login("alice").await.unwrap(), Some(alice.clone()));
    assert_eq!(store.user_by_login("mallory").await.unwrap(), None);
    assert_eq!(store.user_by_subject("https://id.example 1").await.unwrap(), Some(alice.clone()));
    assert_eq!(store.user_by_subject("https://id.example 9").await.unwrap(), None);
    let bare = User::new(uuid(7), account, "zoe", "", vec![Role::Approver], at(1));
    store.insert_user(&bare).await.unwrap();
    assert_eq!(store.user(bare.id).await.unwrap().unwrap().password_hash, None, "no hash is no password");
    assert_eq!(users(&store, account).await.len(), 3);
    assert_eq!(store.user(bob.id).await.unwrap(), Some(bob));

    let first = client(account, "c-1");
    store.insert_client(&first).await.unwrap();
    let taken = store.insert_client(&client(other, "c-1")).await.unwrap_err();
    assert!(matches!(&taken, StoreError::Exists { what } if what.contains("c-1")), "{taken}");
    store.insert_client(&client(other, "c-2")).await.unwrap();
    assert_eq!(store.client("c-1").await.unwrap(), Some(first.clone()));
    assert_eq!(store.client("c-3").await.unwrap(), None);
    assert_eq!(store.clients(account).await.unwrap(), [first]);
}

pub(crate) async fn sessions_and_access_tokens_end_and_are_purged(store: Store) {
    let account = create_account(&store, 1).await;
    store.insert_user(&user(account, 1, "alice")).await.unwrap();
    store.insert_client(&client(account, "c-1")).await.unwrap();
    let session = |name: &str, ends: i64| Session {
        hash: Sha256::of(name),
        user: uuid(1),
        account,
        csrf: "token in forms".to_owned(),
        created_at: at(1),
        expires_at: at(ends),
        address: Some("192.0.2.1".to_owned()),
        stage: Stage::SignedIn,
        last_seen_at: at(2),
        browser: Some("Browser/1".to_owned()),
    };
    let (short, long) = (session("short", 10), session("long", 20));
    store.insert_session(&short).await.unwrap();
    store.insert_session(&long).await.unwrap();
    assert_eq!(store.session(short.hash, at(9)).await.unwrap(), Some(short.clone()));
    assert_eq!(store.session(short.hash, at(10)).await.unwrap(), None);

    let token = Sha256::of("token");
    let granted = AccessToken {
        client: "c-1".to_owned(),
        account,
        expires_at: at(10),
        created_at: at(1),
        user: Some(uuid(1)),
        scopes: vec![OauthScope::Read],
    };
    store.insert_access_token(token, &granted).await.unwrap();
    assert_eq!(store.access_token(token, at(9)).await.unwrap(), Some(granted));
    assert_eq!(store.access_token(token, at(10)).await.unwrap(), None);
    assert_eq!(store.access_token(Sha256::of("other"), at(9)).await.unwrap(), None);

    assert_eq!(store.purge(at(10)).await.unwrap(), 2);
    assert_eq!(store.purge(at(10)).await.unwrap(), 0);
    assert_eq!(store.session(short.hash, at(9)).await.unwrap(), None, "gone, not only ended");
    assert_eq!(store.session(long.hash, at(19)).await.unwrap(), Some(long.clone()));
    store.delete_session(long.hash).await.unwrap();
    assert_eq!(store.session(long.hash, at(19)).await.unwrap(), None);
}

pub(crate) async fn sessions_of_a_person_are_listed_seen_and_ended(store: Store) {
    let account = create_account(&store, 1).await;
    store.insert_user(&user(account, 1, "alice")).await.unwrap();
    let session = |name: &str, stage: Stage, seen: i64| Session {
        hash: Sha256::of(name),
        user: uuid(1),
        account,
        csrf: "token in forms".to_owned(),
        created_at: at(1),
        expires_at: at(100),
        address: None,
        stage,
        last_seen_at: at(seen),
        browser: None,
    };
    let (old, new) = (session("old", Stage::SignedIn, 2), session("new", Stage::SignedIn, 5));
    let half = session("half", Stage::SecondFactor, 9);
    for each in [&old, &new, &half] {
        store.insert_session(each).await.unwrap();
    }
    assert_eq!(store.sessions(uuid(1), at(6)).await.unwrap(), [new.clone(), old.clone()]);
    assert_eq!(store.sessions(uuid(2), at(6)).await.unwrap(), []);
    store.see_session(old.hash, at(8), Some("192.0.2.7")).await.unwrap();
    let seen = store.sessions(uuid(1), at(9)).await.unwrap().remove(0);
    assert_eq!((seen.hash, seen.last_seen_at, seen.address.as_deref()), (old.hash, at(8), Some("192.0.2.7")));
    store.delete_other_sessions(uuid(1), new.hash).await.unwrap();
    assert_eq!(store.sessions(uuid(1), at(9)).await.unwrap(), [new]);
    assert_eq!(store.session(half.hash, at(9)).await.unwrap(), None);
}

pub(crate) async fn a_time_step_is_used_once(store: Store) {
    let account = create_account(&store, 1).await;
    store.insert_user(&user(account, 1, "alice")).await.unwrap();
    assert!(store.use_time_step(uuid(1), 50).await.unwrap());
    assert!(!store.use_time_step(uuid(1), 50).await.unwrap(), "a replay");
    assert!(!store.use_time_step(uuid(1), 49).await.unwrap(), "an older one");
    assert!(store.use_time_step(uuid(1), 51).await.unwrap());
    assert!(!store.use_time_step(uuid(2), 51).await.unwrap(), "nobody's");
}

async fn with_people(
    store: &Store,
    account: AccountId,
    change: impl FnOnce(&mut Workset),
) -> Result<(), StoreError> {
    let touches = Touches { people: true, ..Touches::default() };
    let mut batch = store.begin(account, &touches, &catalogue()).await.unwrap();
    change(&mut batch.workset);
    batch.commit().await
}

pub(crate) async fn people_are_written_with_the_batch_and_never_across_accounts(store: Store) {
    let (account, other) = (create_account(&store, 1).await, create_account(&store, 2).await);
    let (alice, bob) = (user(account, 1, "alice"), user(account, 2, "bob"));
    store.insert_user(&user(other, 3, "carol")).await.unwrap();
    let billing = client(account, "c-1");
    let (first, second) = (alice.clone(), bob.clone());
    with_people(&store, account, |workset| {
        assert_eq!(workset.users.values().count(), 0, "not another account's");
        workset.users.insert(first.id, first);
        workset.users.insert(second.id, second);
        workset.clients.insert("c-1".to_owned(), billing.clone());
        workset.account.sign_in_rules.password_grant = true;
    })
    .await
    .unwrap();
    assert!(store.use_time_step(alice.id, 50).await.unwrap());
    let changed = User { name: "Alice".to_owned(), second_factor: None, ..alice.clone() };
    let expected = changed.clone();
    let gone = Client { deleted_at: Some(at(5)), previous_secret: None, ..client(account, "c-1") };
    with_people(&store, account, |workset| {
        assert_eq!(workset.users.values().count(), 2);
        workset.users.insert(changed.id, changed);
        workset.users.delete(&bob.id);
        workset.clients.insert("c-1".to_owned(), gone);
    })
    .await
    .unwrap();
    assert_eq!(users(&store, account).await, [expected]);
    assert!(!store.use_time_step(alice.id, 50).await.unwrap(), "the used step is kept");
    assert_eq!(store.client("c-1").await.unwrap(), None, "a deleted client is none");
    assert_eq!(store.clients(account).await.unwrap(), []);
    assert_eq!(
        store.client_names(["c-1", "c-9"]).await.unwrap(),
        [("c-1".to_owned(), "billing".to_owned())],
        "but its name stays known"
    );
    assert!(store.account(account).await.unwrap().unwrap().sign_in_rules.password_grant);

    let taken = user(account, 9, "carol");
    let refused = with_people(&store, account, |workset| workset.users.insert(taken.id, taken)).await;
    assert!(matches!(&refused, Err(StoreError::Exists { what }) if what.contains("carol")), "{refused:?}");
    let foreign = User { login: "eve".to_owned(), ..user(account, 3, "eve") };
    let foreign = User { subject: None, ..foreign };
    with_people(&store, account, |workset| workset.users.insert(foreign.id, foreign)).await.unwrap();
    assert_eq!(store.user(uuid(3)).await.unwrap().unwrap().login, "carol", "another account's row stays");
}

pub(crate) async fn a_time_zone_goes_with_its_person(store: Store) {
    let account = create_account(&store, 1).await;
    store.insert_user(&user(account, 1, "alice")).await.unwrap();
    store.insert_user(&user(account, 2, "bob")).await.unwrap();
    assert_eq!(store.time_zone("alice").await.unwrap(), None);
    for zone in ["Europe/Vienna", "Asia/Kolkata"] {
        store.set_time_zone("alice", zone).await.unwrap();
        assert_eq!(store.time_zone("alice").await.unwrap().as_deref(), Some(zone));
    }
    store.set_time_zone("mallory", "Asia/Kolkata").await.unwrap();
    assert_eq!(store.time_zone("mallory").await.unwrap(), None, "nobody has this login");
    assert_eq!(store.time_zone("bob").await.unwrap(), None);
}

pub(crate) async fn a_form_is_taken_once_and_forgotten_after_a_day(store: Store) {
    let (sent, day) = (Sha256::of("form"), SignedDuration::from_hours(24));
    assert_eq!(store.take_form(sent, at(1)).await.unwrap(), FormSent::Never);
    assert_eq!(store.take_form(sent, at(2)).await.unwrap(), FormSent::Unanswered);
    store.answer_form(sent, "/portal?done=x").await.unwrap();
    assert_eq!(store.take_form(sent, at(3)).await.unwrap(), FormSent::Answered("/portal?done=x".into()));
    let refused = Sha256::of("refused");
    assert_eq!(store.take_form(refused, at(1)).await.unwrap(), FormSent::Never);
    store.forget_form(refused).await.unwrap();
    assert_eq!(store.take_form(refused, at(1)).await.unwrap(), FormSent::Never);
    store.purge(at(2).checked_add(day).unwrap()).await.unwrap();
    assert_eq!(store.take_form(sent, at(9)).await.unwrap(), FormSent::Never);
}
