//! Reservations: what the agent remembers of one, the steps that people take, and why a step is refused.
//!
//! The order of steps is enable → request → install (or cancel, return-authorization) → reserved → install again →
//! return → disable. What a step needs of keys and trust anchors comes in as a [`Keyring`].

use jiff::Timestamp;
use seatpool_proto::code::{
    AgreementFailed, AuthorizationRefused, CodeFacts, ConfirmationCode, Grant, InvalidAuthorizationCode,
    PublicPoint, RequestCode, ReservationKey, ReservationKind, ReturnCode,
};
use seatpool_proto::message::base64_bytes;
use seatpool_proto::{Quantity, Tag, Verifier};
use serde::{Deserialize, Serialize};

use crate::identity::{KeyId, NewKey};

/// How many requests that were given up are remembered, so that codes for them can still be given back. With so many
/// of which no code was given back, no further request is made.
pub const GIVEN_UP_MAX: usize = 16;

/// What the shell lends for one step: it holds the keys and the trust anchors.
pub trait Keyring {
    /// Checks signatures.
    fn verifier(&self) -> &dyn Verifier;
    /// Whether the chain of an authorization code leads to a trusted root at `now`; otherwise why not and what to do, in
    /// words.
    fn trusts(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<(), String>;
    /// The device's key of that name; otherwise why there is none, in words.
    fn reservation_key(&self, id: KeyId) -> Result<Box<dyn ReservationKey>, String>;
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Choose reservation as the way to be licensed: from then on nothing is sent.
    Enable,
    /// Choose it no longer.
    Disable,
    /// Make a request code; one that is in progress is given again.
    Request {
        /// Specific or universal.
        kind: ReservationKind,
        /// The key that the shell made for it.
        key: NewKey,
        /// Drawn for it.
        nonce: [u8; 8],
    },
    /// Give the request up.
    Cancel,
    /// Install an authorization code: the first, or an update.
    Install(String),
    /// Give the reservation back.
    Return,
    /// Give back an authorization code that was not installed.
    ReturnAuthorization(String),
    /// Forget the requests that were given up: the manager made no codes for them.
    ForgetCanceled,
    /// Show the last confirmation code no longer.
    ForgetConfirmation,
    /// Show the last return code no longer.
    ForgetReturn,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing has to be carried anywhere.
    Done,
    /// The code to be entered at the manager.
    Requested(RequestCode),
    /// Installed; an update's confirmation code is to be entered at the manager.
    Installed(ConfirmationCode),
    /// The code to be entered at the manager.
    Returned(ReturnCode),
}

/// A reservation, through all its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reservation {
    /// Whether reservation is the chosen way.
    pub enabled: bool,
    /// The request whose code was not installed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Requested>,
    /// What is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<Installed>,
    /// Requests that were given up, newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<GivenUp>,
    /// The highest sequence number of an authorization code that was installed or given back; never goes down, not
    /// even in a factory reset.
    pub sequence: u64,
    /// The last confirmation code, with its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_confirmation: Option<(ConfirmationCode, Timestamp)>,
    /// The last return code, with its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_return: Option<(ReturnCode, Timestamp)>,
    /// Since when more is used than is reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_since: Option<Timestamp>,
    /// The chain of the last code, for codes that come without theirs.
    #[serde(with = "base64_bytes::list", skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Vec<u8>>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// Its code.
    pub code: RequestCode,
    /// The device's key for it.
    pub key: NewKey,
    /// When it was made.
    pub at: Timestamp,
}

/// A request that was given up, before its code was installed or with its reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The request.
    #[serde(flatten)]
    pub request: Requested,
    /// Whether a return code was made for it: once that is entered, nothing is held for it any more.
    #[serde(default)]
    pub returned: bool,
}

/// An installed authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The request that it answers.
    pub request: Requested,
    /// What it grants.
    pub grant: Grant,
    /// The manager's key.
    pub manager: PublicPoint,
    /// When it was installed.
    pub at: Timestamp,
}

impl Requested {
    /// What codes about an authorization of this request are made of.
    pub(crate) fn facts(&self, sequence: u64, manager: PublicPoint) -> CodeFacts {
        CodeFacts {
            udi: self.code.udi.clone(),
            request: self.code.digest(),
            sequence,
            device: self.code.public_key,
            manager,
        }
    }
}

/// How many of the licence `grant` reserves at `now`; nothing if all that can be used is (a universal one).
pub(crate) fn reserved_by(grant: &Grant, tag: &Tag, now: Timestamp) -> Option<Quantity> {
    if grant.kind == ReservationKind::Universal {
        return None;
    }
    let counting = grant.entitlements.iter().filter(|e| e.tag == *tag && e.counts_at(now));
    Some(counting.map(|entitlement| entitlement.count).sum())
}

impl Reservation {
    /// How many of the licence are reserved at `now`; nothing if all that can be used is (a universal one).
    pub fn reserved(&self, tag: &Tag, now: Timestamp) -> Option<Quantity> {
        self.installed
            .as_ref()
            .map_or(Some(Quantity::ZERO), |installed| reserved_by(&installed.grant, tag, now))
    }

    /// Whether the installed code names the licence and it counts at `now`. A universal reservation grants no
    /// licence that is not named where the law asks for one.
    pub fn names(&self, tag: &Tag, now: Timestamp) -> bool {
        self.installed.as_ref().is_some_and(|installed| grants(&installed.grant, tag, now))
    }

    /// When the last entitlement of the licence that counts at `now` ends; nothing if one of them does not.
    pub fn names_until(&self, tag: &Tag, now: Timestamp) -> Option<Timestamp> {
        let entitlements = self.installed.iter().flat_map(|installed| &installed.grant.entitlements);
        let naming = entitlements.filter(|e| e.tag == *tag && !e.count.is_zero() && e.counts_at(now));
        let ends: Option<Vec<Timestamp>> =
            naming.map(|e| e.end.map(seatpool_proto::code::CodeDate::begins_at)).collect();
        ends?.into_iter().max()
    }

    /// The next instant after `now` at which an entitlement begins or ends.
    pub fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let entitlements = self.installed.iter().flat_map(|installed| &installed.grant.entitlements);
        entitlements
            .flat_map(|entitlement| [entitlement.start, entitlement.end])
            .flatten()
            .map(seatpool_proto::code::CodeDate::begins_at)
            .filter(|at| *at > now)
            .min()
    }

    /// All keys that the shell must keep.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> + '_ {
        let installed = self.installed.as_ref().map(|installed| &installed.request);
        let given_up = self.given_up.iter().map(|given_up| &given_up.request);
        self.request.iter().chain(installed).chain(given_up).map(|requested| requested.key.id)
    }

    /// Requests that were given up and of which no code was given back, oldest first: the manager may hold licences
    /// for them.
    pub fn canceled(&self) -> impl Iterator<Item = &Requested> + '_ {
        self.given_up.iter().filter(|given_up| !given_up.returned).map(|given_up| &given_up.request)
    }

    /// Remembers a request, so that codes for it can be given back. The oldest of which one was is forgotten for it.
    pub(crate) fn give_up(&mut self, request: Requested, returned: bool) {
        self.given_up.push(GivenUp { request, returned });
        if self.given_up.len() > GIVEN_UP_MAX
            && let Some(oldest) = self.given_up.iter().position(|given_up| given_up.returned)
        {
            self.given_up.remove(oldest);
        }
    }

    /// What survives a factory reset: all that a code on its way, or one that was lost on it, depends on. A request in
    /// progress is given up, and so is the one of an installed code.
    pub(crate) fn after_reset(mut self) -> Self {
        let installed = self.installed.take().map(|installed| installed.request);
        for request in self.request.take().into_iter().chain(installed) {
            self.give_up(request, false);
        }
        let Self { given_up, sequence, last_return, chain, .. } = self;
        Self { given_up, sequence, last_return, chain, ..Self::default() }
    }
}

/// Why a step was not taken; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReservationRefused {
    /// It must be enabled first.
    #[error("license reservation is not enabled: run `license smart reservation enable` first")]
    NotEnabled,
    /// It is registered.
    #[error("the product instance is registered: run `license smart deregister` first")]
    Registered,
    /// A request to the manager is under way.
    #[error("a {0} request is under way; wait for its answer and try again")]
    Busy(&'static str),
    /// There must be a request first.
    #[error("there is no reservation request: run `license smart reservation request` first")]
    NoRequest,
    /// A request is in progress.
    #[error(
        "a reservation request is in progress: run `license smart reservation cancel` first, or install its \
        authorization code with `license smart reservation install`"
    )]
    RequestInProgress,
    /// A request of the other kind is in progress.
    #[error("a {0} request is in progress: run `license smart reservation cancel` first")]
    OtherKind(&'static str),
    /// Licences are reserved.
    #[error("licenses are reserved: run `license smart reservation return` first")]
    Reserved,
    /// As many requests as are remembered were given up.
    #[error(
        "{GIVEN_UP_MAX} requests were canceled and no authorization code of theirs was given back: give those back \
        that the manager made, with `license smart reservation return-authorization`; if it made none, run `license \
        smart reservation forget-canceled`"
    )]
    TooManyCanceled,
    /// Nothing is installed.
    #[error(
        "no authorization code is installed: run `license smart reservation install` first, or, for a code that \
        was not installed, `license smart reservation return-authorization`"
    )]
    NothingInstalled,
    /// The code to be given back is installed.
    #[error("this authorization code is installed: run `license smart reservation return` to give it back")]
    IsInstalled,
    /// The code can't be read.
    #[error(transparent)]
    Unreadable(#[from] InvalidAuthorizationCode),
    /// The code is for another device.
    #[error("the authorization code is for {found}, and this is {own}: install it on that product instance")]
    OtherDevice {
        /// The device in the code.
        found: String,
        /// This one.
        own: String,
    },
    /// The same code was installed before.
    #[error("this authorization code is installed already; nothing is left to do with it")]
    UsedTwice,
    /// The code is older than the last one.
    #[error(
        "the authorization code is older than the last one that was installed or given back here (its sequence \
        number is {found}, the last was {last}): get the latest code from the manager"
    )]
    Older {
        /// In the code.
        found: u64,
        /// The last.
        last: u64,
    },
    /// The code answers another request.
    #[error(
        "The Reservation Authorization Code does not match the Reservation Request Code: enter the request code \
        that `license smart reservation request` shows at the manager, and install the code that it gives"
    )]
    OtherRequest,
    /// The code answers a request that was given up.
    #[error(
        "the authorization code is for a request that was canceled: give it back with `license smart reservation \
        return-authorization`"
    )]
    Canceled,
    /// The code is of a request that was given back.
    #[error(
        "the authorization code was given back, or another of its request was: enter the return code that \
        `license show status` shows at the manager; for other licenses, run `license smart reservation request`"
    )]
    GivenBack,
    /// More is in use than the code would leave.
    #[error(
        "{used} of {tag} are in use, and this authorization code reserves {reserved}: use less first, then install it; \
        until then the manager goes on holding what is installed"
    )]
    InUse {
        /// Of which licence.
        tag: Tag,
        /// How many are in use.
        used: Quantity,
        /// How many the code reserves.
        reserved: Quantity,
    },
    /// The signature does not hold, or there is no certificate.
    #[error(transparent)]
    Signature(#[from] AuthorizationRefused),
    /// The chain leads to no trusted root, or is not in its time.
    #[error("the authorization code's certificates are not trusted: {0}")]
    Untrusted(String),
    /// An update that another manager signed.
    #[error("the authorization code is from another manager than the one that holds this reservation")]
    OtherManager,
    /// An update of another product instance.
    #[error("the authorization code is for the product instance {found}, and this is {own}")]
    OtherInstance {
        /// In the code.
        found: String,
        /// Installed.
        own: String,
    },
    /// A restricted feature is on and would lose its licence.
    #[error(
        "the export-restricted feature {0} is in use and would lose its license: turn it off in the product first; or, if this \
        is a change, have the manager reserve its license as well"
    )]
    ExportInUse(String),
    /// The device's key is missing.
    #[error("the key of this reservation can't be used: {0}")]
    Key(String),
    /// No key could be agreed on with the manager.
    #[error(transparent)]
    Agreement(#[from] AgreementFailed),
}

/// Whether a code names the licence and it counts at `now`.
pub(crate) fn grants(grant: &Grant, tag: &Tag, now: Timestamp) -> bool {
    grant.entitlements.iter().any(|e| e.tag == *tag && !e.count.is_zero() && e.counts_at(now))
}

impl ReservationRefused {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotEnabled => "reservation_not_enabled",
            Self::Registered => "already_registered",
            Self::Busy(_) => "busy",
            Self::NoRequest => "reservation_not_requested",
            Self::RequestInProgress | Self::OtherKind(_) => "reservation_in_progress",
            Self::Reserved => "reserved",
            Self::TooManyCanceled => "too_many_canceled",
            Self::NothingInstalled => "not_reserved",
            Self::IsInstalled | Self::UsedTwice => "code_installed",
            Self::Unreadable(_) => "code_unreadable",
            Self::OtherDevice { .. } => "code_of_other_device",
            Self::Older { .. } => "code_older",
            Self::OtherRequest => "code_of_other_request",
            Self::Canceled => "code_of_canceled_request",
            Self::GivenBack => "code_given_back",
            Self::InUse { .. } => "reserved_in_use",
            Self::Signature(_) => "code_signature",
            Self::Untrusted(_) => "code_untrusted",
            Self::OtherManager => "code_of_other_manager",
            Self::OtherInstance { .. } => "code_of_other_instance",
            Self::ExportInUse(_) => "export_in_use",
            Self::Key(_) | Self::Agreement(_) => "reservation_key",
        }
    }

    /// Whether the order of steps is at fault, rather than what was entered.
    pub fn is_out_of_turn(&self) -> bool {
        matches!(
            self,
            Self::NotEnabled
                | Self::Registered
                | Self::Busy(_)
                | Self::NoRequest
                | Self::RequestInProgress
                | Self::OtherKind(_)
                | Self::Reserved
                | Self::TooManyCanceled
                | Self::NothingInstalled
                | Self::IsInstalled
                | Self::InUse { .. }
                | Self::ExportInUse(_)
        )
    }
}
