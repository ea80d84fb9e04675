//! Users, clients, sessions, access tokens.

use seatpool_domain::access::{Client, Role, User};
use seatpool_proto::{AccountId, Sha256};
use seatpool_store::{Session, Store, StoreError};

use crate::facts::*;

fn user(account: AccountId, n: u64, login: &str) -> User {
    User {
        id: uuid(n),
        account,
        login: login.to_owned(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        roles: vec![Role::AccountAdministrator, Role::VirtualAccountUser(place(3))],
        created_at: at(1),
    }
}

fn client(account: AccountId, id: &str) -> Client {
    Client {
        id: id.to_owned(),
        account,
        name: "billing".to_owned(),
        secret_hash: Sha256::of("secret").to_string(),
        roles: vec![Role::VendorOperator],
        created_at: at(1),
    }
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
    assert_eq!(store.users(account).await.unwrap(), [alice.clone(), bob.clone()]);
    assert_eq!(store.user_by_login("alice").await.unwrap(), Some(alice.clone()));
    assert_eq!(store.user_by_login("mallory").await.unwrap(), None);
    assert!(store.set_password(alice.id, "$argon2id$new").await.unwrap());
    assert!(!store.set_password(uuid(99), "$argon2id$new").await.unwrap());
    assert_eq!(store.user(alice.id).await.unwrap().unwrap().password_hash, "$argon2id$new");
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
    };
    let (short, long) = (session("short", 10), session("long", 20));
    store.insert_session(&short).await.unwrap();
    store.insert_session(&long).await.unwrap();
    assert_eq!(store.session(short.hash, at(9)).await.unwrap(), Some(short.clone()));
    assert_eq!(store.session(short.hash, at(10)).await.unwrap(), None);

    let token = Sha256::of("token");
    store.insert_access_token(token, "c-1", account, at(10), at(1)).await.unwrap();
    assert_eq!(store.access_token(token, at(9)).await.unwrap().as_deref(), Some("c-1"));
    assert_eq!(store.access_token(token, at(10)).await.unwrap(), None);
    assert_eq!(store.access_token(Sha256::of("other"), at(9)).await.unwrap(), None);

    assert_eq!(store.purge(at(10)).await.unwrap(), 2);
    assert_eq!(store.purge(at(10)).await.unwrap(), 0);
    assert_eq!(store.session(short.hash, at(9)).await.unwrap(), None, "gone, not only ended");
    assert_eq!(store.session(long.hash, at(19)).await.unwrap(), Some(long.clone()));
    store.delete_session(long.hash).await.unwrap();
    assert_eq!(store.session(long.hash, at(19)).await.unwrap(), None);
}
