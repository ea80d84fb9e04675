//! Reservations: licences that a product instance holds by a code, without being in contact.

use jiff::Timestamp;
use seatpool_proto::code::{CodeDate, CodeFacts, Entitlement, Grant, PublicPoint, ReservationKind};
use seatpool_proto::{LotId, ProductInstanceId, Quantity, Sha256, Tag, Udi, VirtualAccountId};
use serde::{Deserialize, Serialize};

/// What one product instance holds by codes carried by hand, from its first authorization code to its return code.
///
/// While an update is on its way both codes count: of each lot the larger of the old and the new quantity is held
/// (behaviour.md, "Pools"), so that nothing is promised twice whichever of them the product has installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The product instance that it makes; there is one for each reservation.
    pub instance: ProductInstanceId,
    /// Whose licences it holds.
    pub virtual_account: VirtualAccountId,
    /// The device.
    pub udi: Udi,
    /// Chosen licences, or all without counting.
    pub kind: ReservationKind,
    /// SHA-256 of the request code.
    pub request: Sha256,
    /// The device's key, from the request code.
    pub device: PublicPoint,
    /// The manager's key: confirmation and return codes are checked by its private half.
    pub manager: PublicPoint,
    /// The last code that is known to be the product's, or the first one.
    pub issued: Issued,
    /// A later code whose confirmation has not been entered.
    pub transit: Option<Issued>,
    /// The highest sequence number that a code of it ever had: a product takes none that is not greater.
    pub highest: u64,
    /// Somebody asked for its licences to be released without a return code.
    pub rehost: Option<RehostAsked>,
    /// How and when it ended.
    pub ended: Option<ReservationEnd>,
}

/// Whether an authorization code could cover what ends then: it counts whole days (UTC), so never what ends today.
pub fn is_coverable(ends_at: Option<Timestamp>, now: Timestamp) -> bool {
    ends_at.is_none_or(|end| CodeDate::of(end).begins_at() > now)
}

/// What one authorization code reserves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Its sequence number: when it was made, in milliseconds, and greater than those before it.
    pub sequence: u64,
    /// When it was made.
    pub at: Timestamp,
    /// Who had it made.
    pub by: String,
    /// Which lots give what it reserves.
    pub holds: Vec<Hold>,
    /// What the code says, line by line.
    pub entitlements: Vec<Entitlement>,
}

/// So many of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which lot.
    pub lot: LotId,
    /// Its licence.
    pub tag: Tag,
    /// How many.
    pub quantity: Quantity,
}

/// A wish to release the licences of a failed product, which a second person is to approve (features.md, A12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RehostAsked {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Whether that is a person: of a program nobody knows whose it is, so that who approves might be the same.
    #[serde(default)]
    pub is_person: bool,
    /// Why.
    pub reason: String,
}

/// How a reservation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationEnd {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: ReservationEnded,
}

/// How a reservation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationEnded {
    /// Its return code was entered.
    Returned,
    /// Its licences were released without one, since the product failed.
    Rehosted,
}

impl Issued {
    /// How many of a lot it holds.
    fn of(&self, lot: LotId) -> Quantity {
        self.holds.iter().filter(|hold| hold.lot == lot).map(|hold| hold.quantity).sum()
    }
}

impl Reservation {
    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// The lots that it holds parts of.
    pub fn lots(&self) -> impl Iterator<Item = LotId> {
        let codes = [Some(&self.issued), self.transit.as_ref()];
        let all: std::collections::BTreeSet<LotId> =
            codes.into_iter().flatten().flat_map(|code| &code.holds).map(|hold| hold.lot).collect();
        all.into_iter()
    }

    /// How many of a lot are held: of both codes the larger quantity; nothing once it has ended.
    pub fn holds(&self, lot: LotId) -> Quantity {
        if !self.is_open() {
            return Quantity::ZERO;
        }
        let next = self.transit.as_ref().map_or(Quantity::ZERO, |next| next.of(lot));
        self.issued.of(lot).max(next)
    }

    /// The code that the product is to have in the end.
    pub fn latest(&self) -> &Issued {
        self.transit.as_ref().unwrap_or(&self.issued)
    }

    /// The code with this sequence number, if it may still be the product's.
    pub fn code(&self, sequence: u64) -> Option<&Issued> {
        let codes = [Some(&self.issued), self.transit.as_ref()];
        codes.into_iter().flatten().find(|code| code.sequence == sequence)
    }

    /// What the code says that is to be carried to the product.
    pub fn grant(&self) -> Grant {
        let code = self.latest();
        Grant {
            kind: self.kind,
            product_instance_id: self.instance,
            sequence: code.sequence,
            entitlements: code.entitlements.clone(),
        }
    }

    /// What a confirmation or return code of the authorization code with this sequence number is authenticated over.
    pub fn facts(&self, sequence: u64) -> CodeFacts {
        CodeFacts {
            udi: self.udi.clone(),
            request: self.request,
            sequence,
            device: self.device,
            manager: self.manager,
        }
    }
}
