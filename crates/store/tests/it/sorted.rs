//! Lists by each of their orders, from both ends, page by page, against rows that were sorted at hand.

use seatpool_domain::access::{Role, User};
use seatpool_domain::{Lot, Token};
use seatpool_proto::Tag;
use seatpool_store::{LotName, LotQuery, LotSort, Page, Store, TokenQuery, TokenSort, UserQuery, UserSort};

use crate::facts::*;

/// Pages of three, until one is empty: all rows, and how many there are said to be.
macro_rules! paged {
    ($page:ident => $read:expr) => {{
        let (mut all, mut total) = (Vec::new(), 0);
        loop {
            let $page = Page { limit: 3, offset: all.len() as u64 };
            let found = $read.await.unwrap();
            total = total.max(found.total);
            if found.items.is_empty() {
                break (all, total);
            }
            all.extend(found.items);
        }
    }};
}

/// Sorted by a key, and the other way round.
fn sorted<T: Clone, K: Ord>(rows: &[T], key: impl Fn(&T) -> K, descending: bool) -> Vec<T> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(key);
    if descending {
        rows.reverse();
    }
    rows
}

pub(crate) async fn tokens_are_searched_sorted_and_paged(store: Store) {
    let account = create_account(&store, 1).await;
    let all: Vec<Token> = (0..20)
        .map(|n: u64| Token {
            description: format!("{} {}", if n.is_multiple_of(2) { "Branch" } else { "depot" }, n % 5),
            created_at: at((n * 7 % 20 / 2).cast_signed()),
            expires_at: at((n * 3 % 20 / 2 * 10).cast_signed()),
            uses_max: (n.is_multiple_of(4)).then_some(if n.is_multiple_of(8) { 3 } else { 4 }),
            revoked_at: (n.is_multiple_of(6)).then(|| at(5)),
            ..token(n, place(n / 15))
        })
        .collect();
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        for row in &all {
            workset.tokens.insert(row.id, row.clone());
        }
    })
    .await;
    let now = at(50);
    let standing = |token: &Token| match token {
        Token { revoked_at: Some(_), .. } => "revoked",
        Token { expires_at, .. } if *expires_at <= now => "expired",
        Token { uses_max: Some(most), uses, .. } if uses >= most => "exhausted",
        _ => "active",
    };
    let standings = ["revoked", "expired", "exhausted", "active"];
    for stands in [None, Some(0), Some(1), Some(2), Some(3)] {
        let stands = stands.map(|n: usize| standings[n]);
        for text in [None, Some("BRANCH"), Some(" 3"), Some("nothing")] {
            let fits = |token: &&Token| {
                token.virtual_account == place(0)
                    && stands.is_none_or(|word| standing(token) == word)
                    && text.is_none_or(|text| token.description.to_lowercase().contains(&text.to_lowercase()))
            };
            let fitting: Vec<_> = all.iter().filter(fits).cloned().collect();
            for sort in [TokenSort::Created, TokenSort::Description, TokenSort::Expires] {
                for descending in [false, true] {
                    let expected = match sort {
                        TokenSort::Created => sorted(&fitting, |t| (t.created_at, t.id), descending),
                        TokenSort::Description => {
                            sorted(&fitting, |t| (t.description.to_lowercase(), t.id), descending)
                        }
                        TokenSort::Expires => sorted(&fitting, |t| (t.expires_at, t.id), descending),
                    };
                    let query = TokenQuery {
                        text: text.map(str::to_owned),
                        standing: stands.map(|word| (word, now)),
                        sort,
                        descending,
                    };
                    let found = paged!(page => store.tokens(account, place(0), &query, page));
                    assert_eq!(found, (expected.clone(), expected.len() as u64), "{query:?}");
                }
            }
        }
    }
}

pub(crate) async fn users_are_searched_sorted_and_paged(store: Store) {
    let (account, other) = (create_account(&store, 1).await, create_account(&store, 2).await);
    let user = |account, n: u64, login: &str, name: &str| {
        let created = at((n * 3 % 7).cast_signed());
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
        let mut user = User::new(uuid(n), account, login, hash, vec![Role::Approver], created);
        name.clone_into(&mut user.name);
        user
    };
    let mut all = Vec::new();
    for n in 0..17 {
        let name = ["Zoe Berg", "alma Berg", "Ida", ""][n as usize % 4];
        let row = user(account, n, &format!("{}{n:02}", ["nora", "ole", "per"][n as usize % 3]), name);
        store.insert_user(&row).await.unwrap();
        all.push(row);
    }
    store.insert_user(&user(other, 50, "nora99", "Zoe Berg")).await.unwrap();
    for text in [None, Some("BERG"), Some("nora"), Some("nora0"), Some("nobody")] {
        let said = |user: &User| format!("{} {}", user.login, user.name).to_lowercase();
        let fits = |user: &&User| text.is_none_or(|text| said(user).contains(&text.to_lowercase()));
        let fitting: Vec<_> = all.iter().filter(fits).cloned().collect();
        for sort in [UserSort::Login, UserSort::Name, UserSort::Created] {
            for descending in [false, true] {
                let expected = match sort {
                    UserSort::Login => sorted(&fitting, |u| u.login.clone(), descending),
                    UserSort::Name => {
                        sorted(&fitting, |u| (u.name.to_lowercase(), u.login.clone()), descending)
                    }
                    UserSort::Created => sorted(&fitting, |u| (u.created_at, u.login.clone()), descending),
                };
                let query = UserQuery { text: text.map(str::to_owned), sort, descending };
                let found = paged!(page => store.users(account, &query, page));
                assert_eq!(found, (expected.clone(), expected.len() as u64), "{query:?}");
            }
        }
    }
}

pub(crate) async fn lots_are_sorted_by_each_key_in_both_directions(store: Store) {
    let account = create_account(&store, 1).await;
    let all: Vec<Lot> = (0..23)
        .map(|n: u64| {
            let mut row = lot(n, place(n % 3), if n.is_multiple_of(4) { "desk" } else { "voice-premium" });
            row.order_id = format!("PO-{}", n * 5 % 7);
            row.subscription_id = (n.is_multiple_of(5)).then(|| "SUB-1".to_owned());
            row.quantity = seatpool_proto::Quantity::of(50 + n * 11 % 6);
            row.term.starts_at = at((n * 7 % 9).cast_signed());
            row.term.ends_at = (!n.is_multiple_of(6)).then(|| at((20 + n * 2 % 5).cast_signed()));
            row
        })
        .collect();
    add(&store, account, |workset| {
        put_virtual_account(workset, virtual_account(1, "North"));
        put_virtual_account(workset, virtual_account(2, "South"));
        for row in &all {
            put_lot(workset, row.clone());
        }
    })
    .await;
    let named = |name: &str, tags: &[&str]| LotName {
        name: name.to_owned(),
        tags: tags.iter().map(|of| tag(of)).collect(),
    };
    let names = [
        None,
        Some(named("PO-3", &[])),
        Some(named("SUB-1", &[])),
        Some(named("desk", &["desk"])),
        Some(named("x", &[])),
    ];
    for named in names {
        let query = LotQuery { virtual_accounts: vec![place(0), place(2)], named };
        let fits = |lot: &&Lot| {
            query.virtual_accounts.contains(&lot.virtual_account)
                && query.named.as_ref().is_none_or(|named| {
                    named.tags.contains(&lot.tag)
                        || lot.order_id == named.name
                        || lot.subscription_id.as_ref() == Some(&named.name)
                })
        };
        let fitting: Vec<_> = all.iter().filter(fits).cloned().collect();
        for descending in [false, true] {
            for sort in [LotSort::Order, LotSort::Quantity, LotSort::Starts, LotSort::Ends] {
                let expected = match sort {
                    LotSort::Order => sorted(&fitting, |l| (l.order_id.clone(), l.id), descending),
                    LotSort::Quantity => sorted(&fitting, |l| (l.quantity, l.id), descending),
                    LotSort::Starts => sorted(&fitting, |l| (l.term.starts_at, l.id), descending),
                    LotSort::Ends => {
                        sorted(&fitting, |l| (l.term.ends_at.is_none(), l.term.ends_at, l.id), descending)
                    }
                };
                let found = paged!(page => store.lots_sorted(account, &query, (sort, descending), page));
                assert_eq!(
                    found,
                    (expected.clone(), expected.len() as u64),
                    "{sort:?} {descending} {query:?}"
                );
            }
            let expected = {
                let mut rows = sorted(&fitting, |l| l.id, false);
                rows.sort_by_key(|lot| (lot.tag == tag("desk")) != descending);
                rows
            };
            let turn = |licenses: &mut Vec<(Tag, u64)>| {
                licenses.sort_by_key(|(of, _)| (*of == tag("desk")) != descending);
            };
            let found = paged!(page => store.lots_by_license(account, &query, turn, page));
            assert_eq!(
                found,
                (expected.clone(), expected.len() as u64),
                "by licence, {descending} {query:?}"
            );
        }
    }
}
