//! What can be asked of an account, and the one function that decides it.

mod admin;
mod agent;
mod job;

use jiff::{Timestamp, civil::Date};
use seatpool_proto::{
    IdCertificate, LotId, LotKind, ProblemCode, ProductInstanceId, Quantity, Request, Tag, Term, TokenId,
    VirtualAccountId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalogue::Catalogue;
use crate::instance::PendingCertificate;
use crate::policy::Policy;
use crate::workset::{Touches, Workset};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Actor {
    /// A person, by sign-in name.
    User(String),
    /// A program, by client id.
    Client(String),
    /// A product instance, by id; before it has one, by UDI.
    Instance(String),
    /// The manager itself: something came due.
    System,
}

impl Actor {
    /// The name that people see.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Client(name) | Self::Instance(name) => name,
            Self::System => "system",
        }
    }
}

/// Where new ids come from: handed in, so that the same seed makes the same run.
pub trait Ids {
    /// A new UUID (version 7).
    fn uuid(&mut self) -> Uuid;
    /// A new certificate serial number: 16 bytes with at least 64 from a cryptographic source, the first
    /// between 1 and 127 (RFC 5280, section 4.1.2.2; CA/Browser Forum BR, section 7.1).
    fn certificate_serial(&mut self) -> [u8; 16];
}

/// What decisions depend on beside the facts.
pub struct Context<'a> {
    /// The present time.
    pub now: Timestamp,
    /// The tags that exist.
    pub catalogue: &'a Catalogue,
    /// The manager's periods.
    pub policy: &'a Policy,
    /// New ids.
    pub ids: &'a mut dyn Ids,
}

/// A command with who asks and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who.
    pub actor: Actor,
    /// The network address it came from, if any.
    pub source: Option<String>,
    /// What.
    pub action: Action,
}

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
        /// The request that `Register` or `Ask` answered with [`Outcome::Issue`].
        request: Request,
        /// DER certificates, leaf first, root left out.
        certificates: Vec<Vec<u8>>,
    },

    // From people and programs.
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
    /// Give a lot a later end.
    RenewLot {
        /// Which.
        lot: LotId,
        /// The order's name.
        order_id: String,
        /// The new end, later than the old.
        ends_at: Timestamp,
    },
    /// Move licences to another virtual account. All or nothing.
    TransferLicenses {
        /// From where.
        from: VirtualAccountId,
        /// What goes where.
        lines: Vec<TransferLine>,
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
    /// The subscription it belongs to.
    pub subscription_id: Option<String>,
}

/// One line of a transfer of licences: from one lot, or from lots of a kind in order of their ends,
/// latest first, perpetual before all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferLine {
    /// The licence.
    pub tag: Tag,
    /// Which lot; if absent, any of `kind`.
    pub lot: Option<LotId>,
    /// Which kind of lot; if absent, any.
    pub kind: Option<LotKind>,
    /// How many, at least one.
    pub quantity: Quantity,
    /// Where to.
    pub to: VirtualAccountId,
}

/// What came of a command that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Sign this text and send it. It is already recorded as the last answer.
    Answer {
        /// Text of a [`seatpool_proto::Response`].
        text: String,
        /// Whether the text is a retry's: the request had been answered before.
        repeated: bool,
    },
    /// Commit, then sign the certificate, then [`Action::FinishIssuance`].
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
        "only {available} of {tag} can be moved, {wanted} were asked for; the rest is reserved, moved out or not there"
    )]
    TooFew {
        /// The licence.
        tag: Tag,
        /// How many could be moved.
        available: Quantity,
        /// How many were asked for.
        wanted: Quantity,
    },
    /// The order was used before, with other contents.
    #[error("the order {order_id:?} was deposited before with other contents; use another order id")]
    OrderDiffers {
        /// The order.
        order_id: String,
    },
}

impl Refused {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Agent { code, .. } => code.as_str(),
            Self::Invalid { .. } => "invalid",
            Self::Exists { .. } => "exists",
            Self::Unknown { .. } => "unknown",
            Self::NotEmpty { .. } => "not_empty",
            Self::DefaultVirtualAccount => "default_virtual_account",
            Self::ExportNotPermitted => "export_not_permitted",
            Self::TooFew { .. } => "too_few",
            Self::OrderDiffers { .. } => "order_differs",
        }
    }
}

impl Command {
    /// What must be loaded before it is applied.
    pub fn touches(&self) -> Touches {
        match &self.action {
            Action::Register { .. } | Action::Ask { .. } | Action::FinishIssuance { .. } => {
                agent::touches(&self.action)
            }
            Action::ExpireAuthorizations { .. } | Action::ReassessLots { .. } => job::touches(&self.action),
            _ => admin::touches(&self.action),
        }
    }
}

/// Decides one command: changes the workset and says what came of it, or refuses and changes nothing.
pub fn apply(command: Command, workset: &mut Workset, context: &mut Context<'_>) -> Result<Outcome, Refused> {
    let by = By { actor: command.actor, source: command.source };
    match command.action {
        action @ (Action::Register { .. } | Action::Ask { .. } | Action::FinishIssuance { .. }) => {
            agent::apply(action, &by, workset, context)
        }
        action @ (Action::ExpireAuthorizations { .. } | Action::ReassessLots { .. }) => {
            job::apply(action, &by, workset, context)
        }
        action => admin::apply(action, &by, workset, context),
    }
}

/// Who asks, as events record it.
struct By {
    actor: Actor,
    source: Option<String>,
}

/// The first instant of a calendar day in UTC.
pub fn start_of(day: Date) -> Option<Timestamp> {
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
