//! Facts to store: small, distinct, and all fields filled.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::SignInRules;
use seatpool_domain::instance::{
    CertificateRecord, Conversation, EndReason, Ended, ExportGrant, PendingCertificate,
};
use seatpool_domain::lot::{Asked, Declaration, DeclarationState, NamedDates, TransactionKind};
use seatpool_domain::{
    Account, Actor, Catalogue, Event, EventKind, Instance, Lot, LotTransaction, PoolTotal, Token, Touches,
    Usage, VirtualAccount, Workset,
};
use seatpool_proto::{
    AccountId, LotId, LotKind, ProductInstanceId, Quantity, RequestId, Sha256, Tag, Term, TokenId, Udi,
    VirtualAccountId,
};
use seatpool_store::Store;
use uuid::Uuid;

pub(crate) fn uuid(n: u64) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 | u128::from(n))
}

/// `n` minutes after the beginning of the test's time.
pub(crate) fn at(n: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_mins(n)
}

pub(crate) fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

pub(crate) fn place(n: u64) -> VirtualAccountId {
    VirtualAccountId(uuid(1_000 + n))
}

pub(crate) fn instance_id(n: u64) -> ProductInstanceId {
    ProductInstanceId(uuid(2_000 + n))
}

pub(crate) fn lot_id(n: u64) -> LotId {
    LotId(uuid(3_000 + n))
}

pub(crate) fn token_id(n: u64) -> TokenId {
    TokenId(uuid(4_000 + n))
}

pub(crate) fn account(n: u64) -> Account {
    Account {
        id: AccountId(uuid(n)),
        domain: format!("customer{n}.example.com"),
        name: format!("Customer {n} – Größe"),
        export_permitted: n.is_multiple_of(2),
        universal_permitted: n.is_multiple_of(4),
        created_at: at(0),
        next_event: 1,
        event_head: None,
        sign_in_rules: SignInRules { second_factor_required: n.is_multiple_of(3), password_grant: false },
    }
}

/// Family `voice` of two tiers, family `desk` of one.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::from_toml([r#"
        [[families]]
        family = "voice"
        licenses = [{ tag = "voice-premium", name = "Voice Premium" }, { tag = "voice-standard", name = "Voice Standard" }]
        [[families]]
        family = "desk"
        licenses = [{ tag = "desk", name = "Desk" }]
    "#])
    .unwrap()
}

pub(crate) fn virtual_account(n: u64, name: &str) -> VirtualAccount {
    VirtualAccount {
        id: place(n),
        name: name.to_owned(),
        description: format!("what {name:?} is for"),
        is_default: n == 0,
        created_at: at(1),
    }
}

pub(crate) fn token(n: u64, virtual_account: VirtualAccountId) -> Token {
    Token {
        id: token_id(n),
        virtual_account,
        description: "for the branch \"north\"".to_owned(),
        created_at: at(n.cast_signed()),
        created_by: "alice".to_owned(),
        expires_at: at(100),
        uses_max: n.is_multiple_of(2).then_some(7),
        uses: 3,
        export_controlled: true,
        revoked_at: n.is_multiple_of(3).then(|| at(5)),
    }
}

pub(crate) fn lot(n: u64, virtual_account: VirtualAccountId, of: &str) -> Lot {
    Lot {
        id: lot_id(n),
        virtual_account,
        tag: tag(of),
        quantity: Quantity::of(100),
        reserved: Quantity::of(10),
        moved_out: Quantity::of(20),
        kind: LotKind::Term,
        term: Term { starts_at: at(0), ends_at: Some(at(1_000)) },
        subscription_id: Some("Sub-1".to_owned()),
        order_id: format!("order-{n}"),
        origin: n.is_multiple_of(2).then(|| lot_id(n + 100)),
        created_at: at(2),
        declaration: n.is_multiple_of(3).then(|| Declaration {
            state: DeclarationState::Confirmed,
            note: "contract \"7\"".to_owned(),
            by: "alice".to_owned(),
            decided_by: Some("olga".to_owned()),
            decided_at: Some(at(4)),
            reason: None,
        }),
    }
}

pub(crate) fn transaction(number: u64, lot: &Lot, kind: TransactionKind) -> LotTransaction {
    LotTransaction {
        number,
        at: at(3),
        lot: lot.id,
        virtual_account: lot.virtual_account,
        tag: lot.tag.clone(),
        kind,
        quantity: lot.quantity,
        counterpart: (kind == TransactionKind::TransferredIn).then(|| place(9)),
        order_id: Some(lot.order_id.clone()),
        by: "vendor".to_owned(),
        before: Some("1".to_owned()),
        after: Some("2".to_owned()),
        note: (kind == TransactionKind::Cancelled).then(|| "mistaken".to_owned()),
        asked: (kind == TransactionKind::Ordered).then(|| Asked {
            dates: NamedDates { term_years: Some(3), ..NamedDates::default() },
            subscription_id: Some("SUB-1".to_owned()),
            ..Asked::default()
        }),
    }
}

fn certificate(serial: &str) -> CertificateRecord {
    CertificateRecord {
        serial: serial.to_owned(),
        not_before: at(0),
        not_after: at(365 * 24 * 60),
        key_hash: Sha256::of(serial),
    }
}

pub(crate) fn instance(n: u64, virtual_account: VirtualAccountId) -> Instance {
    Instance {
        id: instance_id(n),
        virtual_account,
        udi: Udi::new("UCCX", format!("SN{n:04}"), (n % 2 == 1).then(|| uuid(n).to_string())).unwrap(),
        host_name: (n % 5 != 4).then(|| format!("Host-{n:04}.example.com")),
        product_name: "Contact Center".to_owned(),
        product_type: if n.is_multiple_of(3) { "unified-ccx" } else { "unified-cce" }.to_owned(),
        product_version: Some("15.0.1".to_owned()),
        first_registered_at: at(1),
        registered_at: at(2 + (n * 7 % 10).cast_signed()),
        last_contact_at: at(3 + (n * 3 % 10).cast_signed()),
        export_controlled: false,
        certificate: Some(certificate("0a1b")),
        previous_certificate: Some(certificate("09ff")),
        pending: None,
        exports: if n.is_multiple_of(7) {
            vec![ExportGrant {
                lapsed: false,
                feature: "mixed-mode".to_owned(),
                tag: tag("desk"),
                lot: Some(lot_id(10)),
                key: "EXPORT-7".to_owned(),
                at: at(3),
            }]
        } else {
            Vec::new()
        },
        authorized_until: Some(at(50)),
        counted: true,
        conversation: Conversation {
            sequence: 7,
            last_request: Some(RequestId(uuid(n + 5_000))),
            last_sent_at: Some(at(4)),
            last_answer: Some(r#"{"type":"authorization","text":"„ü“"}"#.to_owned()),
            head: Some(Sha256::of("head")),
            previous: Some(Sha256::of("previous")),
            abandoned: vec![Sha256::of("left")],
            forked: vec![RequestId(uuid(n + 7_000))],
        },
        ended: None,
    }
}

/// A registration that is not finished yet.
pub(crate) fn pending(n: u64, of: &Instance) -> Instance {
    Instance {
        id: instance_id(n),
        pending: Some(PendingCertificate {
            request_id: RequestId(uuid(n + 6_000)),
            record: certificate("77"),
            public_key: vec![0, 1, 2, 255],
            registration: true,
            replaces: Some(of.id),
            forced: true,
        }),
        authorized_until: None,
        counted: false,
        ..of.clone()
    }
}

/// The same instance after its end.
pub(crate) fn ended(of: &Instance, reason: EndReason) -> Instance {
    Instance { counted: false, ended: Some(Ended { at: at(60), reason }), ..of.clone() }
}

pub(crate) fn usage(instance: ProductInstanceId, of: &str, peak: u64) -> Usage {
    Usage {
        instance,
        tag: tag(of),
        peak: Quantity::of(peak),
        cumulative_peak: Quantity::of(peak + 1),
        locked: peak.is_multiple_of(2).then(|| Quantity::of(peak + 2)),
        reported_at: at(30),
    }
}

pub(crate) fn total(virtual_account: VirtualAccountId, of: &str) -> PoolTotal {
    PoolTotal {
        instances: 3,
        peak: Quantity::of(130),
        cumulative_peak: Quantity::of(131),
        locked_instances: 1,
        run_high: Quantity::of(140),
        short: Quantity::of(30),
        short_since: Some(at(9)),
        ..PoolTotal::new(virtual_account, tag(of))
    }
}

/// An event that has no number yet.
pub(crate) fn event(kind: EventKind, message: &str) -> Event {
    Event {
        number: 0,
        at: at(10),
        actor: Actor::User("alice".to_owned()),
        source: Some("192.0.2.7".to_owned()),
        kind,
        virtual_account: None,
        tag: None,
        instance: None,
        message: message.to_owned(),
        before: Some("old".to_owned()),
        after: Some("new".to_owned()),
        previous_hash: None,
        hash: None,
    }
}

/// Chains an event and adds it to what the workset appends.
pub(crate) fn append(workset: &mut Workset, event: Event) {
    let event = event.chain(&mut workset.account);
    workset.events.push(event);
}

/// An account that holds only its default virtual account, `place(0)`.
pub(crate) async fn create_account(store: &Store, n: u64) -> AccountId {
    let mut workset = Workset::new(account(n));
    let default = virtual_account(0, "Default");
    workset.virtual_accounts.insert(default.id, default);
    append(&mut workset, event(EventKind::AccountCreated, "the account was created"));
    store.create_account(workset).await.unwrap();
    account(n).id
}

/// Changes an account by a function on its workset, with these facts loaded, and commits.
pub(crate) async fn change(
    store: &Store,
    account: AccountId,
    touches: &Touches,
    change: impl FnOnce(&mut Workset),
) {
    let mut batch = store.begin(account, touches, &catalogue()).await.unwrap();
    change(&mut batch.workset);
    batch.commit().await.unwrap();
}

/// Adds facts to an account without loading any.
pub(crate) async fn add(store: &Store, account: AccountId, facts: impl FnOnce(&mut Workset)) {
    change(store, account, &Touches::default(), facts).await;
}

pub(crate) fn put_lot(workset: &mut Workset, lot: Lot) {
    workset.lots.insert(lot.id, lot);
}

pub(crate) fn put_instance(workset: &mut Workset, instance: Instance) {
    workset.instances.insert(instance.id, instance);
}

pub(crate) fn put_usage(workset: &mut Workset, usage: Usage) {
    workset.usage.insert((usage.instance, usage.tag.clone()), usage);
}

pub(crate) fn put_total(workset: &mut Workset, total: PoolTotal) {
    workset.totals.insert((total.virtual_account, total.tag.clone()), total);
}

pub(crate) fn put_virtual_account(workset: &mut Workset, virtual_account: VirtualAccount) {
    workset.virtual_accounts.insert(virtual_account.id, virtual_account);
}

pub(crate) fn put_token(workset: &mut Workset, token: Token) {
    workset.tokens.insert(token.id, token);
}
