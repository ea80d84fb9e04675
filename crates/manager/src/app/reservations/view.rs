//! A reservation as people and programs see it.

use jiff::Timestamp;
use seatpool_domain::Reservation;
use seatpool_domain::reservation::{Issued, ReservationEnded};
use seatpool_proto::code::ReservationKind;
use seatpool_proto::{LotId, ProductInstanceId, Quantity, Tag, Udi};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::app::accounts::VirtualAccountView;
use crate::app::inventory::{self, VirtualAccountRef};

/// A reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationView {
    /// The product instance that it made.
    #[schema(value_type = Uuid)]
    pub instance: ProductInstanceId,
    /// Whose licences it holds.
    pub virtual_account: VirtualAccountRef,
    /// The device.
    #[schema(value_type = Object)]
    pub udi: Udi,
    /// `SPECIFIC` or `UNIVERSAL`.
    #[schema(value_type = String)]
    pub kind: ReservationKind,
    /// What the product holds: the last authorization code that was confirmed, or the first.
    pub issued: CodeView,
    /// A change whose confirmation code has not been entered: until then the larger of both is held.
    pub in_transit: Option<CodeView>,
    /// Somebody asks for its licences to be released without a return code.
    pub rehost: Option<RehostView>,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// How: `returned` or `rehosted`.
    #[schema(value_type = Option<String>)]
    pub ended: Option<ReservationEnded>,
}

/// One authorization code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeView {
    /// Its `timestamp`: rises from code to code.
    pub sequence: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who had it made.
    pub made_by: String,
    /// What it reserves.
    pub licenses: Vec<HeldView>,
}

/// So many of one licence, of one lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldView {
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name.
    pub name: String,
    /// The lot.
    #[schema(value_type = Uuid)]
    pub lot: LotId,
    /// How many.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// `PERPETUAL`, `TERM` or `DEMO`.
    pub kind: String,
    /// Until which day the code holds them (`2020-Mar-04 UTC`); for good if absent.
    pub until: Option<String>,
}

/// A wish to release the licences of a failed product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RehostView {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl CodeView {
    /// How many of a licence it reserves.
    pub fn quantity_of(&self, tag: &Tag) -> Quantity {
        self.licenses.iter().filter(|held| held.tag == *tag).map(|held| held.quantity).sum()
    }
}

pub(super) fn of(app: &App, row: Reservation, place: VirtualAccountView) -> ReservationView {
    ReservationView {
        instance: row.instance,
        virtual_account: VirtualAccountRef { id: place.id, name: place.name },
        udi: row.udi,
        kind: row.kind,
        issued: code(app, row.issued),
        in_transit: row.transit.map(|transit| code(app, transit)),
        rehost: row.rehost.map(|asked| RehostView { at: asked.at, by: asked.by, reason: asked.reason }),
        ended_at: row.ended.as_ref().map(|ended| ended.at),
        ended: row.ended.map(|ended| ended.how),
    }
}

fn code(app: &App, issued: Issued) -> CodeView {
    // The ledger writes one entitlement for each hold, in their order.
    let held = issued.holds.into_iter().zip(issued.entitlements).map(|(hold, entitlement)| HeldView {
        name: inventory::name_of(app, &hold.tag),
        tag: hold.tag,
        lot: hold.lot,
        quantity: hold.quantity,
        kind: entitlement.license_type,
        until: entitlement.end.map(|end| end.to_string()),
    });
    CodeView { sequence: issued.sequence, made_at: issued.at, made_by: issued.by, licenses: held.collect() }
}
