//! Product instances and what they reported.

use jiff::Timestamp;
use seatpool_proto::{LotId, ProductInstanceId, Quantity, RequestId, Sha256, Tag, Udi, VirtualAccountId};
use serde::{Deserialize, Serialize};

/// One registration of one installed product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Unique within the smart account.
    pub id: ProductInstanceId,
    /// Where it takes its licences from.
    pub virtual_account: VirtualAccountId,
    /// The device.
    pub udi: Udi,
    /// Host name, unless withheld.
    pub host_name: Option<String>,
    /// Product name.
    pub product_name: String,
    /// Product type: the agent's profile.
    pub product_type: String,
    /// Product version, unless withheld.
    pub product_version: Option<String>,
    /// First registration of this UDI in this account; kept when a registration replaces an older one.
    pub first_registered_at: Timestamp,
    /// This registration.
    pub registered_at: Timestamp,
    /// Last authenticated request.
    pub last_contact_at: Timestamp,
    /// Whether the token allowed export-controlled functionality.
    pub export_controlled: bool,
    /// The certificate being issued or in use. None: it holds a reservation and is never in contact.
    pub certificate: Option<CertificateRecord>,
    /// The certificate before a renewal, accepted until the new one is first used.
    pub previous_certificate: Option<CertificateRecord>,
    /// A certificate whose serial and intent are on record and which is not signed yet.
    pub pending: Option<PendingCertificate>,
    /// Export-restricted features that it may use, each with the licence that it takes, and those that it waits for.
    pub exports: Vec<ExportGrant>,
    /// When its authorization ends; its usage counts until then. None before the first report.
    pub authorized_until: Option<Timestamp>,
    /// Whether its usage is in the pool totals. A reserved one reports none, and is never left out of them.
    pub counted: bool,
    /// Where the conversation stands.
    pub conversation: Conversation,
    /// Why and when it ended; a tombstone that is kept so that a late request is told what happened.
    pub ended: Option<Ended>,
}

/// What the manager keeps of an ID certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// Serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// First second.
    pub not_before: Timestamp,
    /// Last second.
    pub not_after: Timestamp,
    /// SHA-256 of the DER SubjectPublicKeyInfo.
    pub key_hash: Sha256,
}

/// An export-restricted feature that an instance in contact may use, or waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportGrant {
    /// The feature, by the name that the product's profile has for it.
    pub feature: String,
    /// The licence that it takes one of.
    pub tag: Tag,
    /// Of which lot. None: it was asked for and there was none to spare, or the lot has ended. It waits for one.
    pub lot: Option<LotId>,
    /// The authorization's name, for people; empty if it never was authorized.
    pub key: String,
    /// Since when it is authorized, or waits.
    pub at: Timestamp,
    /// Whether it lost its licence since nothing was heard of the instance until its authorization ended. It waits for
    /// its product, not for a licence.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub lapsed: bool,
}

/// The intent to issue a certificate, committed before it is signed (architecture.md, invariant 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCertificate {
    /// The request it answers.
    pub request_id: RequestId,
    /// What is to be issued.
    pub record: CertificateRecord,
    /// DER SubjectPublicKeyInfo.
    #[serde(with = "seatpool_proto::message::base64_bytes")]
    pub public_key: Vec<u8>,
    /// Whether it makes a registration (rather than a renewal).
    pub registration: bool,
    /// The registration that it replaces when it is finished.
    pub replaces: Option<ProductInstanceId>,
    /// Whether it replaces it by force, without proof of the older key.
    #[serde(default)]
    pub forced: bool,
}

/// Where the conversation with one agent stands: replays, rewinds and forks are told apart by it
/// (behaviour.md, "Registration, deregistration, duplicates, clones"; decision 0003).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Highest sequence number seen.
    pub sequence: u64,
    /// The last request that was applied.
    pub last_request: Option<RequestId>,
    /// Its claimed time.
    pub last_sent_at: Option<Timestamp>,
    /// Text of the answer to it, sent again when the same request comes again.
    pub last_answer: Option<String>,
    /// Hash of the last successful answer.
    pub head: Option<Sha256>,
    /// Hash of the one before it: what an agent names that never got the last answer.
    pub previous: Option<Sha256>,
    /// Heads that a rewind left behind, newest last, at most [`ABANDONED_MAX`]: an agent that names one
    /// of them is the other child of a fork.
    pub abandoned: Vec<Sha256>,
    /// Requests of the other child of a fork that were refused with an alert, newest last, at most
    /// [`ABANDONED_MAX`]: a retry of one of them raises no second alert.
    #[serde(default)]
    pub forked: Vec<RequestId>,
}

/// How many abandoned heads are kept.
pub const ABANDONED_MAX: usize = 8;

/// How a registration ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How.
    pub reason: EndReason,
}

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The agent deregistered.
    Deregistered,
    /// An administrator removed it.
    Removed,
    /// A later registration of the same UDI took its place.
    Replaced,
}

/// What an instance last reported of one tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The instance.
    pub instance: ProductInstanceId,
    /// The licence.
    pub tag: Tag,
    /// The tag's own peak.
    pub peak: Quantity,
    /// Peak of this tier and all above it at one moment; for a tag without tiers the same as `peak`.
    pub cumulative_peak: Quantity,
    /// The locked figure while usage is locked (cumulative for a family with tiers).
    pub locked: Option<Quantity>,
    /// The end of the reported interval.
    pub reported_at: Timestamp,
}

impl Usage {
    /// Whether anything of the tag is in use, actually or locked.
    pub fn is_in_use(&self) -> bool {
        !self.peak.is_zero() || self.locked.is_some_and(|locked| !locked.is_zero())
    }
}

impl Instance {
    /// Whether it is registered: its certificate was issued, and its registration was not ended.
    pub fn is_registered(&self) -> bool {
        self.ended.is_none() && !self.is_registering()
    }

    /// Whether its registration was begun, and its certificate is not signed yet.
    pub fn is_registering(&self) -> bool {
        self.ended.is_none() && self.pending.as_ref().is_some_and(|pending| pending.registration)
    }

    /// Whether a certificate serial number is accepted: the present one, or the one before until the present
    /// one is first used.
    pub fn has_serial(&self, serial: &str) -> bool {
        let previous = self.previous_certificate.as_ref();
        let present = self.certificate.as_ref();
        [present, previous].into_iter().flatten().any(|record| record.serial == serial)
    }

    /// Whether it has its licences by codes carried by hand.
    pub fn is_reserved(&self) -> bool {
        self.certificate.is_none()
    }

    /// When its ID certificate ends, if it has one.
    pub fn certificate_ends(&self) -> Option<Timestamp> {
        self.certificate.as_ref().map(|record| record.not_after)
    }

    /// What people call it: its host name, or else its product's name, with PID and serial number.
    pub fn label(&self) -> String {
        let name = self.host_name.as_deref().unwrap_or(&self.product_name);
        format!("{name} (PID {}, SN {})", self.udi.pid, self.udi.sn)
    }
}
