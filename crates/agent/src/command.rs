//! What people and the product may ask of the agent.

use core::fmt;
use std::collections::BTreeMap;

use seatpool_proto::{Nonce, Quantity, RequestId, Tag};

use crate::identity::{NewKey, Privacy, Transport};

/// Chance, handed in so that the same seed makes the same run.
pub trait Chance {
    /// A new request id.
    fn request_id(&mut self) -> RequestId;
    /// A new nonce, from a cryptographic source.
    fn nonce(&mut self) -> Nonce;
    /// A number from 0 (included) to 1 (excluded), by which retries are spread.
    fn jitter(&mut self) -> f64;
}

/// A command. Its `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// Register with a token. When registered already, only with `force`.
    Register {
        /// The token's text, `^[a-zA-Z\d+/%=-]{1,256}$`.
        token: String,
        /// Replace an older registration of this UDI.
        force: bool,
        /// The key that the ID certificate is to be for.
        new_key: NewKey,
    },
    /// Give everything back and end the registration; gives up a registration that is being tried.
    Deregister,
    /// Renew the authorization now.
    RenewAuthorization,
    /// Renew the ID certificate now, for a new key if one is handed in.
    RenewRegistration {
        /// The new key; absent: the present one.
        new_key: Option<NewKey>,
    },
    /// Send an extra usage report now. It does not count toward tolerance.
    UpdateUsageNow,
    /// Use another transport. Retries that are waiting are tried at once.
    SetTransport(Transport),
    /// Withhold the host name or the version.
    SetPrivacy(Privacy),
    /// Choose the licence type. Not while registered. Usage starts at none.
    SetLicenseType(String),
    /// Set what is in use of several tags at one moment; tags that are left out stay as they are.
    SetUsage(BTreeMap<Tag, Quantity>),
    /// Ask the manager for the authorization of an export-restricted feature; tried again until it is canceled.
    RequestExport(String),
    /// Give that authorization back; tried again until it is canceled.
    ReturnExport(String),
    /// Stop trying.
    CancelExport,
    /// The product says whether an export-restricted feature is on.
    SetExportFeature {
        /// Its name in the profile.
        feature: String,
        /// Whether it is on.
        on: bool,
    },
    /// Forget everything but the evaluation countdown, the sequence number, and of reservations what codes that are
    /// on their way depend on.
    FactoryReset {
        /// Also while licences are reserved: the manager goes on to hold them, as those of a failed product.
        force: bool,
    },
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register { token: _, force, new_key } => f
                .debug_struct("Register")
                .field("token", &"…")
                .field("force", force)
                .field("new_key", new_key)
                .finish(),
            Self::Deregister => f.write_str("Deregister"),
            Self::RenewAuthorization => f.write_str("RenewAuthorization"),
            Self::RenewRegistration { new_key } => {
                f.debug_struct("RenewRegistration").field("new_key", new_key).finish()
            }
            Self::UpdateUsageNow => f.write_str("UpdateUsageNow"),
            Self::SetTransport(transport) => f.debug_tuple("SetTransport").field(transport).finish(),
            Self::SetPrivacy(privacy) => f.debug_tuple("SetPrivacy").field(privacy).finish(),
            Self::SetLicenseType(name) => f.debug_tuple("SetLicenseType").field(name).finish(),
            Self::SetUsage(usage) => f.debug_tuple("SetUsage").field(usage).finish(),
            Self::RequestExport(feature) => f.debug_tuple("RequestExport").field(feature).finish(),
            Self::ReturnExport(feature) => f.debug_tuple("ReturnExport").field(feature).finish(),
            Self::CancelExport => f.write_str("CancelExport"),
            Self::SetExportFeature { feature, on } => {
                f.debug_struct("SetExportFeature").field("feature", feature).field("on", on).finish()
            }
            Self::FactoryReset { force } => f.debug_struct("FactoryReset").field("force", force).finish(),
        }
    }
}

/// Why a command was not taken; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    /// The token does not look like one.
    #[error(
        "this is not a registration token: it has 1 to 256 letters, digits and + / % = -; copy it again, \
        whole, from the virtual account"
    )]
    InvalidToken,
    /// The command needs a registration.
    #[error("the product instance is not registered: register it with a token first")]
    NotRegistered,
    /// Registered, and `force` was not given.
    #[error("the product instance is registered already; register with force to replace its registration")]
    AlreadyRegistered,
    /// The ID certificate has ended.
    #[error("the registration has expired: register again with a token")]
    RegistrationExpired,
    /// A request is under way whose answer decides.
    #[error("a {0} request is under way; wait for its answer and try again")]
    Busy(&'static str),
    /// The licence type can't change while registered (behaviour.md, "Wrong licence type").
    #[error(
        "the licence type can't be changed while the product instance is registered: deregister it first"
    )]
    LicenseTypeFixed,
    /// The profile has no such licence type.
    #[error("there is no licence type {name:?}; choose one of {known}")]
    UnknownLicenseType {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The chosen licence type has no such tag.
    #[error("the licence type {license_type:?} has no tag {tag}")]
    UnknownTag {
        /// The tag.
        tag: Tag,
        /// The chosen licence type.
        license_type: String,
    },
    /// Reservation was chosen: nothing is sent.
    #[error(
        "license reservation is enabled, so that nothing is sent to a manager: run `license smart reservation \
        disable` first"
    )]
    ReservationEnabled,
    /// More than is reserved.
    #[error(
        "{asked} of {tag} would be more than the reservation covers ({reserved} reserved): use less, or update \
        the reservation at the manager and install its new authorization code"
    )]
    BeyondReservation {
        /// The licence that is short.
        tag: Tag,
        /// How many would be used.
        asked: Quantity,
        /// How many are reserved.
        reserved: Quantity,
    },
    /// A factory reset would forget what the manager holds for it.
    #[error(
        "licenses are reserved, and the manager would go on to hold them: run `license smart reservation return` \
        first, and enter its return code at the manager. If that can't be done, `license smart factory reset force` \
        forgets them here"
    )]
    Reserved,
    /// The profile has no such export-restricted feature.
    #[error("there is no export-restricted feature {feature:?}; this product has {known}")]
    UnknownExportFeature {
        /// What was asked for.
        feature: String,
        /// What there is.
        known: String,
    },
    /// The registration's token did not allow export-controlled functionality.
    #[error(
        "export-controlled functionality is not allowed to this product instance: register it with a token that \
        allows it"
    )]
    ExportNotAllowed,
    /// The feature is authorized already.
    #[error("the export-restricted feature {0} is authorized already")]
    ExportAuthorized(String),
    /// The feature is not authorized.
    #[error("the export-restricted feature {0} is not authorized: there is nothing to return")]
    ExportNotAuthorized(String),
    /// The feature is on.
    #[error(
        "the export-restricted feature {0} is in use: turn it off in the product first, then give its authorization back"
    )]
    ExportInUse(String),
    /// Reserved instances have it in their authorization code.
    #[error(
        "license reservation is enabled: an export-restricted feature is authorized by the authorization code, so \
        reserve its license at the manager and install the code"
    )]
    ExportByReservation,
    /// No export request is being tried.
    #[error("no export request or return is being tried: there is nothing to cancel")]
    NothingToCancel,
    /// More than the protocol can carry.
    #[error("{0}")]
    Quantity(#[from] seatpool_proto::quantity::QuantityTooLarge),
}

impl CommandRefused {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::NotRegistered => "not_registered",
            Self::AlreadyRegistered => "already_registered",
            Self::RegistrationExpired => "registration_expired",
            Self::Busy(_) => "busy",
            Self::LicenseTypeFixed => "license_type_fixed",
            Self::UnknownLicenseType { .. } => "unknown_license_type",
            Self::UnknownTag { .. } => "unknown_tag",
            Self::ReservationEnabled | Self::ExportByReservation => "reservation_enabled",
            Self::BeyondReservation { .. } => "beyond_reservation",
            Self::Reserved => "reserved",
            Self::UnknownExportFeature { .. } => "unknown_export_feature",
            Self::ExportNotAllowed => "export_not_allowed",
            Self::ExportAuthorized(_) => "export_authorized",
            Self::ExportNotAuthorized(_) => "export_not_authorized",
            Self::ExportInUse(_) => "export_in_use",
            Self::NothingToCancel => "nothing_to_cancel",
            Self::Quantity(_) => "quantity",
        }
    }
}
