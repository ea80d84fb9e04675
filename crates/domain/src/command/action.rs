//! Everything that can be asked of an account.

use jiff::Timestamp;
use seatpool_proto::code::{PublicPoint, RequestCode, Returned};
use seatpool_proto::{
    IdCertificate, LotId, LotKind, ProductInstanceId, Quantity, Request, Tag, Term, TokenId, VirtualAccountId,
};
use serde::{Deserialize, Serialize};

use super::{AccessChange, AccountChange};
use crate::access::Role;
use crate::account::VirtualAccountWords;
use crate::explain::Move;
use crate::lot::NamedDates;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    // From agents. Envelope, signatures and chain are checked before; identity, order and
    // content are decided here.
    /// A registration request whose signatures are valid; the token's text was checked to be this token's.
    Register {
        /// The request.
        request: Request,
        /// The token that the request's token text stands for.
        token: TokenId,
        /// The certificate that carried the co-signature, if there was a valid one.
        proof: Option<IdCertificate>,
    },
    /// Any other request, signed under this certificate.
    Ask {
        /// The request.
        request: Request,
        /// The certificate that carried the signature; its chain is valid.
        certificate: IdCertificate,
    },
    /// The certificate that was intended by `request` is signed now.
    FinishIssuance {
        /// The product instance.
        instance: ProductInstanceId,
        /// The request that `Register` or `Ask` answered with [`Outcome::Issue`](super::Outcome::Issue).
        request: Request,
        /// DER certificates, leaf first, root left out.
        certificates: Vec<Vec<u8>>,
    },

    // From people and programs.
    /// Change the smart account itself.
    ChangeAccount {
        /// What.
        change: AccountChange,
    },
    /// Create a virtual account.
    CreateVirtualAccount {
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
    },
    /// Rename or describe a virtual account; what is absent stays.
    ChangeVirtualAccount {
        /// Which.
        virtual_account: VirtualAccountId,
        /// New name.
        name: Option<String>,
        /// New description.
        description: Option<String>,
        /// What was seen when the change was made up: refused if what it changes is something else by now.
        seen: Option<VirtualAccountWords>,
    },
    /// Delete an empty virtual account.
    DeleteVirtualAccount {
        /// Which.
        virtual_account: VirtualAccountId,
    },
    /// Create a registration token.
    CreateToken {
        /// Where instances will land.
        virtual_account: VirtualAccountId,
        /// What it is for.
        description: String,
        /// 1 to 365.
        expires_after_days: u16,
        /// How often it may be used; no limit if absent.
        uses_max: Option<u32>,
        /// Whether it allows export-controlled functionality.
        export_controlled: bool,
    },
    /// Revoke a token.
    RevokeToken {
        /// Which.
        token: TokenId,
    },
    /// Deposit what an order bought.
    Order {
        /// Where.
        virtual_account: VirtualAccountId,
        /// The order's name; the same order deposits once.
        order_id: String,
        /// The lots.
        lines: Vec<OrderLine>,
    },
    /// Give lots a later end.
    Renew {
        /// Which. Of several, those that have not ended; if all have, those that ended last. They get one end.
        lots: Chosen,
        /// The order's name. The same order renews a lot once; another under its name is refused.
        order_id: String,
        /// The new end.
        until: Until,
    },
    /// Take back what was deposited; never what is promised elsewhere. All or nothing.
    Cancel {
        /// Which; ended ones are left alone.
        lots: Chosen,
        /// How many of a single lot; all if absent.
        quantity: Option<Quantity>,
        /// Why; may be empty.
        reason: String,
    },
    /// The customer says what it owns: it counts at once, and waits for the vendor.
    Declare {
        /// Where.
        virtual_account: VirtualAccountId,
        /// The licence.
        tag: Tag,
        /// How many, at least one.
        quantity: Quantity,
        /// Why it owns them.
        note: String,
    },
    /// The vendor confirms or rejects what was declared.
    Decide {
        /// The declaration: the order id of its lots.
        declaration: String,
        /// What it says.
        verdict: Verdict,
        /// Why; a rejection needs a reason.
        reason: String,
    },
    /// Move licences to another virtual account. All or nothing.
    TransferLicenses {
        /// From where.
        from: VirtualAccountId,
        /// What goes where.
        lines: Vec<TransferLine>,
    },
    /// Dismiss an alert for the state that it is raised for.
    DismissAlert {
        /// Where.
        virtual_account: VirtualAccountId,
        /// Its key.
        key: String,
        /// The state.
        fingerprint: String,
        /// What it says.
        about: String,
    },
    /// Bring a dismissed alert back.
    RestoreAlert {
        /// Where.
        virtual_account: VirtualAccountId,
        /// Its key.
        key: String,
    },
    /// Move licences as an explanation proposed, if the figures that it was worked out from still hold.
    Mend {
        /// The proposal.
        step: Move,
    },
    /// Move a product instance to another virtual account; its usage goes with it at once.
    TransferInstance {
        /// Which.
        instance: ProductInstanceId,
        /// Where to.
        to: VirtualAccountId,
    },
    /// Remove a product instance: frees its licences at once and revokes its certificate.
    RemoveInstance {
        /// Which.
        instance: ProductInstanceId,
    },

    /// Reserve licences for the product that made a request code. The same request again gives what it gave before.
    Reserve {
        /// Whose licences.
        virtual_account: VirtualAccountId,
        /// The product's request code.
        request: RequestCode,
        /// The manager's key.
        manager: PublicPoint,
        /// What to reserve; nothing for a universal reservation.
        lines: Vec<ReserveLine>,
    },
    /// Change what a reservation holds. Until the confirmation code is entered both the old and the new count.
    UpdateReservation {
        /// Which.
        instance: ProductInstanceId,
        /// All that it is to hold.
        lines: Vec<ReserveLine>,
    },
    /// The confirmation code of the authorization code with this sequence number was entered, and it is right.
    ConfirmReservation {
        /// Which.
        instance: ProductInstanceId,
        /// Of which code.
        sequence: u64,
    },
    /// The return code of the authorization code with this sequence number was entered, and it is right.
    ReturnReservation {
        /// Which.
        instance: ProductInstanceId,
        /// Of which code.
        sequence: u64,
        /// What is given back.
        returned: Returned,
    },
    /// Release the licences of a product that failed, without its return code.
    Rehost {
        /// Which.
        instance: ProductInstanceId,
        /// How far it is to go.
        step: RehostStep,
        /// Why.
        reason: String,
    },

    /// Change who may sign in or call, and how.
    Access {
        /// What is to change.
        change: AccessChange,
        /// The roles that whoever asks holds in this account: nobody handles more than it holds. Empty for what
        /// people do about themselves.
        held: Vec<Role>,
    },

    // From the manager's jobs.
    /// Drop the usage of instances whose authorization has ended.
    ExpireAuthorizations {
        /// Which (others among them that have not ended are left alone).
        instances: Vec<ProductInstanceId>,
    },
    /// Look again at pools in which lots started or ended between two instants.
    ReassessLots {
        /// The lots that started or ended.
        lots: Vec<LotId>,
        /// Exclusive.
        after: Timestamp,
    },
}

/// One line of what is to be reserved: from one lot, or from lots that count now in order of their ends, latest first,
/// perpetual before all (`LONGEST_TERM_FIRST`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveLine {
    /// The licence.
    pub tag: Tag,
    /// Which lot; if absent, any.
    pub lot: Option<LotId>,
    /// How many, at least one.
    pub quantity: Quantity,
}

/// How far the release of a failed product's licences goes (features.md, A12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehostStep {
    /// At once: the vendor's operator decides alone.
    Release,
    /// An administrator of the account asks; a second person is to approve.
    Ask,
    /// A second person approves.
    Approve,
    /// A second person refuses.
    Refuse,
}

/// Which lots an action is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// One.
    Lot(LotId),
    /// All that came of an order, wherever they are now.
    Order(String),
    /// All of a subscription, wherever they are.
    Subscription(String),
}

/// Until when lots are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until this instant, later than their present ends.
    Date(Timestamp),
    /// So many calendar years from their present end (the latest of them): [`after_years`](crate::dates::after_years).
    Years(u8),
}

/// What the vendor says of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is so.
    Confirm,
    /// It is not.
    Reject,
}

/// How the end of a new lot and those of its subscription's other lots go together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoTermination {
    /// Not at all: the line has its own dates.
    #[default]
    Own,
    /// The new lot ends when the subscription does: with the last of its lots. The line has no end of its own.
    WithSubscription,
    /// All lots of the subscription get one end: the later of the line's and theirs.
    AllToLater,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The licence.
    pub tag: Tag,
    /// How many, at least one.
    pub quantity: Quantity,
    /// Perpetual, term or demonstration.
    pub kind: LotKind,
    /// When it counts.
    pub term: Term,
    /// The dates that `term` was made from, as the order names them: by them the same order is known again.
    #[serde(default)]
    pub dates: NamedDates,
    /// The subscription it belongs to.
    pub subscription_id: Option<String>,
    /// How its end goes together with the subscription's.
    #[serde(default)]
    pub co_termination: CoTermination,
}

/// One line of a transfer of licences: from one lot, or from lots of a kind that count now in order of
/// their ends, latest first, perpetual before all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferLine {
    /// The licence.
    pub tag: Tag,
    /// Which lot, which may have yet to start; if absent, any of `kind` that count now.
    pub lot: Option<LotId>,
    /// Which kind of lot; if absent, any.
    pub kind: Option<LotKind>,
    /// How many, at least one.
    pub quantity: Quantity,
    /// Where to.
    pub to: VirtualAccountId,
}
