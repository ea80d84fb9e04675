//! What comes of a command: an outcome, or a refusal with its reason.

use seatpool_proto::{LotId, ProblemCode, ProductInstanceId, Quantity, Tag, TokenId, VirtualAccountId};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::instance::PendingCertificate;

/// What came of a command that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Sign this text and send it. It is already recorded as the last answer.
    Answer {
        /// Text of a [`seatpool_proto::Response`].
        text: String,
        /// Whether the text is a retry's: the request had been answered before.
        repeated: bool,
    },
    /// Commit, then sign the certificate, then [`Action::FinishIssuance`](super::Action::FinishIssuance).
    Issue {
        /// The product instance.
        instance: ProductInstanceId,
        /// What to issue. Subject `CN` is `product`, `serialNumber` the instance's id.
        pending: PendingCertificate,
        /// The product's name.
        product: String,
    },
    /// A virtual account was created.
    VirtualAccount(VirtualAccountId),
    /// A token was created.
    Token(TokenId),
    /// Lots were deposited, in the order of the lines (or had been, by the same order before).
    Lots(Vec<LotId>),
    /// Licences are reserved for this product instance (or were, by the same request before).
    Reserved(ProductInstanceId),
    /// A user was invited.
    User(Uuid),
    /// Done, with nothing to tell.
    Done,
}

/// Why a command was refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A request of an agent: answer with this code and detail.
    #[error("{code}: {detail}")]
    Agent {
        /// The documented code.
        code: ProblemCode,
        /// What exactly, for people; may be empty.
        detail: String,
        /// The highest sequence number that is on record for the instance, 0 if none.
        sequence: u64,
    },
    /// A name is empty, too long, or holds control characters.
    #[error("{field} {problem}")]
    Invalid {
        /// The field at fault.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Something with this name exists.
    #[error("there already is a {what} named {name:?}")]
    Exists {
        /// A kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What the command names is not in this account.
    #[error("there is no such {what}")]
    Unknown {
        /// A kind of thing.
        what: &'static str,
    },
    /// Nothing of this name is there, or nothing that whoever asks may know of.
    #[error("there is no {what} {name:?}; {hint}")]
    UnknownName {
        /// A kind of thing.
        what: &'static str,
        /// What it was called.
        name: String,
        /// How to list what there is.
        hint: &'static str,
    },
    /// The virtual account still holds something.
    #[error(
        "the virtual account still holds {instances} product instances and {lots} lots: move or remove them first"
    )]
    NotEmpty {
        /// Registered product instances.
        instances: u64,
        /// Lots.
        lots: u64,
    },
    /// `Default` can't be deleted.
    #[error("the virtual account \"Default\" can't be deleted")]
    DefaultVirtualAccount,
    /// The account is not permitted export-controlled functionality.
    #[error(
        "this smart account is not permitted export-controlled functionality; create the token without it, or ask the vendor"
    )]
    ExportNotPermitted,
    /// Fewer licences can be moved than asked for.
    #[error(
        "only {available} of {tag} can be moved, {wanted} were asked for; the rest is reserved, moved out or not there{users}"
    )]
    TooFew {
        /// The licence.
        tag: Tag,
        /// How many could be moved.
        available: Quantity,
        /// How many were asked for.
        wanted: Quantity,
        /// Which export-restricted features hold some of them, in words that follow; empty if none do.
        users: String,
    },
    /// Fewer licences are free than were to be reserved.
    #[error(
        "only {available} of {tag} can be reserved, {wanted} were asked for; the rest is in use, reserved, or not there: \
         reserve fewer, or move or order more"
    )]
    TooFewFree {
        /// The licence.
        tag: Tag,
        /// How many could be reserved.
        available: Quantity,
        /// How many were asked for.
        wanted: Quantity,
    },
    /// What was asked of a reservation does not fit how it stands.
    #[error("{detail}")]
    Reservation {
        /// A stable code for programs.
        code: &'static str,
        /// What is the matter and what to do.
        detail: String,
    },
    /// So many can't be taken back: the rest is promised elsewhere.
    #[error(
        "{wanted} of {tag} can't be taken back: the lot {lot} holds {quantity}, of which {reserved} are reserved and \
         {moved_out} held by an on-prem manager{users}"
    )]
    Held {
        /// The lot.
        lot: LotId,
        /// The licence.
        tag: Tag,
        /// How many were to be taken back.
        wanted: Quantity,
        /// How many there are.
        quantity: Quantity,
        /// How many of them reservations hold.
        reserved: Quantity,
        /// How many of them an on-prem manager holds.
        moved_out: Quantity,
        /// Which export-restricted features hold some of them, in words that follow; empty if none do.
        users: String,
    },
    /// What was declared was decided before, the other way.
    #[error("{declaration} was {state} before, and stays so")]
    Decided {
        /// The declaration.
        declaration: String,
        /// How, in words.
        state: &'static str,
    },
    /// The order was deposited and cancelled.
    #[error("the order {order_id:?} was cancelled; use another order id")]
    OrderCancelled {
        /// The order.
        order_id: String,
    },
    /// What was proposed no longer fits.
    #[error("the figures have changed since this was proposed: {detail}; look at the explanation again")]
    Changed {
        /// The figures now, in words.
        detail: String,
    },
    /// The order was used before, with other contents.
    #[error("the order {order_id:?} was used before with other contents; use another order id")]
    OrderDiffers {
        /// The order.
        order_id: String,
    },
    /// Who asks may neither give nor take this role.
    #[error("the role {role} is given and taken only by who holds it, and you do not")]
    NotHeld {
        /// Which, in words.
        role: String,
    },
    /// Nobody would be left to administer the account.
    #[error("{login} is the last account administrator who can sign in: give another person that role first")]
    LastAdministrator {
        /// Who.
        login: String,
    },
    /// A vendor operator can't give up the role by itself.
    #[error("nobody takes the role vendor operator from himself: ask another vendor operator")]
    OwnOperatorRole,
    /// Somebody else changed it since it was looked at.
    #[error("somebody else changed it meanwhile: it was {seen} when you looked and is {present} now")]
    ChangedMeanwhile {
        /// What was seen.
        seen: String,
        /// What it is.
        present: String,
    },
    /// A one-time link that is not, or no longer, good.
    #[error("the link was used, replaced by a newer one, or its time is over: ask for a new one")]
    LinkEnded,
}

impl Refused {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Agent { code, .. } => code.as_str(),
            Self::Invalid { .. } => "invalid",
            Self::Exists { .. } => "exists",
            Self::Unknown { .. } | Self::UnknownName { .. } => "unknown",
            Self::NotEmpty { .. } => "not_empty",
            Self::DefaultVirtualAccount => "default_virtual_account",
            Self::ExportNotPermitted => "export_not_permitted",
            Self::TooFew { .. } => "too_few",
            Self::TooFewFree { .. } => "too_few",
            Self::Reservation { code, .. } => code,
            Self::Held { .. } => "held",
            Self::Decided { .. } => "decided",
            Self::OrderCancelled { .. } => "order_cancelled",
            Self::Changed { .. } => "changed",
            Self::OrderDiffers { .. } => "order_differs",
            Self::NotHeld { .. } => "role_not_held",
            Self::LastAdministrator { .. } => "last_administrator",
            Self::OwnOperatorRole => "own_operator_role",
            Self::ChangedMeanwhile { .. } => "changed_meanwhile",
            Self::LinkEnded => "link_ended",
        }
    }
}
