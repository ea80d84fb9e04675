//! Why something stands as it stands, since when, what happens next, and what to do about it.
//!
//! One function for a licence's pool ([`pool`]), one for a product instance ([`instance`]); portal, REST, command
//! line and the answers to agents all show what these say. Everything is data: figures, names and instants stand in
//! typed fields, and [`Explanation::told`] alone makes sentences of them.

mod instance;
mod mend;
mod pool;
mod reserved;
mod sentence;
mod words;

use core::fmt;

use jiff::Timestamp;
use seatpool_proto::{LotId, ProductInstanceId, Quantity, Sha256, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};

pub use self::instance::{InstanceFacts, Used, instance, later as later_by_days};
pub(crate) use self::instance::{
    SILENT_AFTER_DAYS, UNRENEWED_AFTER_DAYS, authorization_due, certificate_due, later,
};
pub(crate) use self::mend::figures;
pub use self::pool::{PoolFacts, Stock, pool};
pub use self::sentence::{Piece, Sentence};
pub use self::words::{Told, ToldNext};

/// An id with the name by which people know what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named<T> {
    /// The id.
    pub id: T,
    /// The name.
    pub name: String,
}

impl<T> Named<T> {
    /// An id with its name.
    pub fn new(id: T, name: impl Into<String>) -> Self {
        Self { id, name: name.into() }
    }
}

impl<T> fmt::Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A licence, by tag and name.
pub type License = Named<Tag>;
/// A virtual account, by id and name.
pub type Place = Named<VirtualAccountId>;

/// How a pool or an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A licence that nobody uses.
    NotInUse,
    /// A licence of which enough are owned.
    InCompliance,
    /// A licence that is covered because higher ones stand in.
    Borrowing,
    /// A licence that is short, or an instance that uses one.
    OutOfCompliance,
    /// An instance whose certificate is not signed yet.
    Registering,
    /// An instance that has not reported yet.
    Waiting,
    /// An instance that uses nothing.
    NoLicensesInUse,
    /// An instance whose licences are all covered.
    Authorized,
    /// An instance that was silent until its authorization ended.
    AuthorizationExpired,
    /// An instance whose ID certificate ended.
    RegistrationExpired,
    /// An instance that holds its licences by a code, without being in contact.
    Reserved,
    /// An instance that deregistered.
    Deregistered,
    /// An instance that was removed.
    Removed,
    /// An instance whose place a later registration took.
    Replaced,
}

/// One product instance's part in a licence's use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Which.
    pub instance: Named<ProductInstanceId>,
    /// How many it is held to.
    pub quantity: Quantity,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Nothing of the licence is in use.
    Unused {
        /// How many are owned.
        owned: Quantity,
    },
    /// Enough are owned.
    Covered {
        /// How many are in use.
        in_use: Quantity,
        /// How many are owned.
        owned: Quantity,
    },
    /// A licence that must be owned, and is.
    Present {
        /// How many are owned.
        owned: Quantity,
    },
    /// A licence that must be owned, and is not.
    Missing {
        /// How many instances need it.
        instances: u64,
    },
    /// More are in use than are covered.
    Short {
        /// How many are in use.
        in_use: Quantity,
        /// How many are owned.
        owned: Quantity,
        /// How many higher ones stand in.
        borrowed: Quantity,
        /// How many nothing covers.
        short: Quantity,
    },
    /// A higher licence stands in.
    Borrowed {
        /// Which.
        from: License,
        /// How many.
        quantity: Quantity,
    },
    /// It stands in for a lower licence.
    Lent {
        /// Which.
        to: License,
        /// How many.
        quantity: Quantity,
    },
    /// The pool is held to more than it uses now: usage is locked while out of compliance.
    Locked {
        /// What it is held to.
        held: Quantity,
        /// What is in use now.
        actual: Quantity,
        /// How many instances report locked usage.
        instances: u64,
    },
    /// Some of what is owned was declared by the customer itself, and the vendor has not confirmed it yet.
    Declared {
        /// How many.
        quantity: Quantity,
    },
    /// Reservations hold some of what was bought.
    Reserved {
        /// How many.
        quantity: Quantity,
    },
    /// Who uses most.
    MostUsed {
        /// Most first.
        by: Vec<User>,
        /// How many instances use it in all.
        instances: u64,
    },
    /// Of an instance: it uses a licence that is short in its pool.
    UsesShort {
        /// The licence.
        license: License,
        /// How many this instance is held to.
        uses: Quantity,
        /// How many its pool lacks.
        short: Quantity,
        /// Where.
        place: Place,
        /// Who uses most of it there, most first.
        most: Vec<User>,
    },
    /// Of an instance: everything that it uses is covered.
    UsesCovered {
        /// What it uses.
        uses: Vec<(License, Quantity)>,
        /// When it last was in contact.
        last_contact: Timestamp,
    },
    /// Of an instance: its last report names no use.
    NothingInUse {
        /// When it last was in contact.
        last_contact: Timestamp,
    },
    /// Of an instance: it has not reported yet.
    NoReportYet {
        /// When it registered.
        registered: Timestamp,
    },
    /// Of an instance: its certificate is being issued.
    NotIssuedYet,
    /// Of an instance: it should have renewed its authorization and was not heard.
    Silent {
        /// When it last was in contact.
        last_contact: Timestamp,
        /// When its renewal was due.
        due: Timestamp,
    },
    /// Of an instance: its authorization ended, and its usage no longer counts.
    AuthorizationEnded {
        /// When.
        at: Timestamp,
        /// When it last was in contact.
        last_contact: Timestamp,
    },
    /// Of an instance: it should have renewed its ID certificate.
    RenewalOverdue {
        /// When it was due.
        due: Timestamp,
    },
    /// Of an instance: its ID certificate ended.
    CertificateEnded {
        /// When.
        at: Timestamp,
    },
    /// Of an instance: two copies report under one identity.
    Cloned {
        /// When it was noticed last.
        at: Timestamp,
    },
    /// Of an instance: it went on from an older state.
    Rewound {
        /// When.
        at: Timestamp,
    },
    /// Of an instance: an export-restricted feature waits for a licence.
    ExportWaits {
        /// The feature.
        feature: String,
        /// The licence.
        license: License,
        /// Since when.
        at: Timestamp,
        /// Whether it was authorized before, and its licence reached its end.
        ended: bool,
    },
    /// Of a reserved instance: what it holds.
    Reserves {
        /// How many of which.
        holds: Vec<(License, Quantity)>,
        /// When its code was made.
        at: Timestamp,
    },
    /// Of a reserved instance: it holds all licences, without counting.
    ReservesAll {
        /// When its code was made.
        at: Timestamp,
    },
    /// Of a reserved instance: a change waits for its confirmation code.
    ChangeUnconfirmed {
        /// Since when.
        at: Timestamp,
    },
    /// Of a reserved instance: its licences are to be released without a return code, if a second person approves.
    RehostAsked {
        /// When that was asked for.
        at: Timestamp,
        /// By whom.
        by: String,
        /// Why, in that person's words.
        for_reason: String,
    },
    /// Of a reserved instance: licences that it holds reached the end of their term.
    ReservedEnded {
        /// Which.
        license: License,
        /// How many.
        quantity: Quantity,
        /// When.
        at: Timestamp,
    },
    /// Of an instance: its registration ended.
    Ended {
        /// When.
        at: Timestamp,
        /// Who ended it, if that is known.
        by: Option<String>,
    },
}

/// What is going to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coming {
    /// What.
    #[serde(flatten)]
    pub what: Event,
    /// When; absent where it hangs on the product alone.
    pub at: Option<Timestamp>,
}

/// What is going to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Licences reach the end of their term.
    LotsEnd {
        /// Which.
        license: License,
        /// How many.
        quantity: Quantity,
        /// How many of the explained licence will be short from then on, if usage stays.
        short: Quantity,
    },
    /// Licences reach the start of their term.
    LotsStart {
        /// Which.
        license: License,
        /// How many.
        quantity: Quantity,
        /// How many of the explained licence will be short from then on, if usage stays.
        short: Quantity,
    },
    /// Each answer tells who uses the licence that it is short.
    Told,
    /// Locked usage ends with the first answer that says it is covered.
    Unlocked,
    /// The product restricts what its profile names.
    Enforced,
    /// The same, not before this: it counts from its own transition, which may come later than it was first told.
    EnforcedAtTheEarliest,
    /// The first report comes.
    FirstReport,
    /// The authorization is renewed, unless a report has done so before.
    RenewsAuthorization,
    /// Without contact the authorization ends, and the usage no longer counts.
    AuthorizationEnds,
    /// The ID certificate is renewed.
    RenewsCertificate,
    /// Without renewal the ID certificate ends.
    CertificateEnds,
    /// Licences that a reserved instance holds reach the end of their term.
    ReservedEnd {
        /// Which.
        license: License,
        /// How many.
        quantity: Quantity,
    },
    /// A reserved instance holds what it holds until its return code is entered.
    ReservedUntilReturned,
    /// A late request is refused and told why.
    RefusedIfHeard,
}

/// Something to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Mend {
    /// Move licences from another virtual account.
    Move(Move),
    /// The same, where who reads this may not do it: somebody who manages both virtual accounts does.
    Ask(Move),
    /// Order so many more.
    Order {
        /// Of which.
        license: License,
        /// How many.
        quantity: Quantity,
        /// Into which virtual account.
        place: Place,
    },
    /// Move or order so many more: where what other virtual accounts have is not known.
    Obtain {
        /// Of which.
        license: License,
        /// How many.
        quantity: Quantity,
        /// Into which virtual account.
        place: Place,
    },
    /// Renew a lot.
    Renew {
        /// Which.
        lot: LotId,
        /// Of which licence.
        license: License,
        /// How many it holds.
        quantity: Quantity,
        /// When it ends or ended.
        ends_at: Timestamp,
    },
    /// Mend the pool of a licence that the instance uses.
    MendPool {
        /// The licence.
        license: License,
        /// Where.
        place: Place,
    },
    /// Find out why it is not heard.
    CheckContact,
    /// Remove it, if it is gone for good.
    RemoveInstance,
    /// Register it again, with a token of its virtual account.
    RegisterAgain {
        /// Where.
        place: Place,
    },
    /// Give the copy a UDI of its own and register it.
    SeparateCopies,
    /// Order or move licences for an export-restricted feature, or return it elsewhere.
    FreeRestricted {
        /// Which.
        license: License,
        /// Where.
        place: Place,
    },
    /// Install the code on the product and enter the confirmation code that it shows.
    EnterConfirmation,
    /// Approve or refuse the release of a failed product's licences.
    DecideRehost,
    /// Reserve licences that count in place of those that ended.
    UpdateReservation,
}

/// Licences to move from a virtual account that can spare them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// Of which licence: the one that is short, or a higher one that stands in for it.
    pub license: License,
    /// How many.
    pub quantity: Quantity,
    /// From which lots, and how many of each.
    pub lots: Vec<(LotId, Quantity)>,
    /// The licence that is short.
    pub mends: License,
    /// What this was worked out from.
    pub figures: Figures,
    /// From when on the source would be short itself, where lots of its own end.
    pub source_short_at: Option<Timestamp>,
}

/// The figures that a [`Move`] was worked out from: when they have changed, it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// How many the target owns of the licence that is short.
    pub owned: Quantity,
    /// How many are in use there.
    pub in_use: Quantity,
    /// How many are short there.
    pub short: Quantity,
    /// How many of the moved licence the source owns.
    pub source_owned: Quantity,
    /// How many of them it can spare.
    pub source_spare: Quantity,
}

impl Move {
    /// Names this move with the figures that it was worked out from: another state gives another key.
    pub fn key(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::of(text).to_string().chars().take(KEY_CHARS).collect()
    }
}

/// How many characters of a move's digest its key keeps: 96 bits.
const KEY_CHARS: usize = 24;

/// Why something stands as it stands, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// How it stands.
    pub status: Status,
    /// Why, the main reason first.
    pub why: Vec<Reason>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// What happens next, in its order.
    pub next: Vec<Coming>,
    /// What to do, the best first; empty where nothing needs doing.
    pub what_to_do: Vec<Mend>,
}

impl Explanation {
    /// The moves that somebody else is to be asked for.
    pub fn asked(&self) -> impl Iterator<Item = &Move> {
        self.what_to_do.iter().filter_map(|mend| match mend {
            Mend::Ask(step) => Some(step),
            _ => None,
        })
    }

    /// The moves among what can be done.
    pub fn moves(&self) -> impl Iterator<Item = &Move> {
        self.what_to_do.iter().filter_map(|mend| match mend {
            Mend::Move(step) => Some(step),
            _ => None,
        })
    }
}
