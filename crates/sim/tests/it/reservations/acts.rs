//! What somebody may do, and how often.

use proptest::prelude::*;
use seatpool_sim::world::{PREMIUM, STANDARD};

/// Products.
pub(super) const DEVICES: usize = 2;
/// A licence of another family; the first two are tiers of one.
pub(super) const PORT: &str = "CCX_OUTBOUND_PORT";
/// The licences that there are.
pub(super) const TAGS: [&str; 3] = [PREMIUM, STANDARD, PORT];

/// So many of a licence: of any lot, or of the one at a place.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) tag: &'static str,
    pub(super) count: u64,
    pub(super) lot: Option<usize>,
}

/// Something that somebody does. Codes, lots and reservations are named by their place among those that were made,
/// virtual accounts by whether it is the second.
#[derive(Clone, Debug)]
pub(super) enum Act {
    // At a product.
    Enable(usize),
    Disable(usize),
    Request {
        device: usize,
        universal: bool,
    },
    Cancel(usize),
    Return(usize),
    Install(usize, usize),
    ReturnAuthorization(usize, usize),
    FactoryReset {
        device: usize,
        force: bool,
    },
    Restart(usize),
    // At the manager.
    Reserve {
        request: usize,
        second: bool,
        lines: Vec<Line>,
    },
    Update {
        reservation: usize,
        lines: Vec<Line>,
    },
    EnterConfirmation {
        code: usize,
        reservation: usize,
    },
    EnterReturn {
        code: usize,
        reservation: usize,
    },
    Order {
        second: bool,
        tag: &'static str,
        count: u64,
        days: Option<i64>,
    },
    Transfer {
        to_second: bool,
        tag: &'static str,
        count: u64,
    },
    CancelLot {
        lot: usize,
        count: u64,
    },
    Remove(usize),
    /// The product that has the reservation failed, and the vendor's operator releases its licences.
    Rehost(usize),
    /// So many days pass.
    Days(i64),
}

/// Mostly the newest, as people carry codes; at times an older one, again or late.
fn place() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => 0..8_usize]
}

fn device() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 1 => 0..DEVICES]
}

/// Mostly the first virtual account.
fn second() -> impl Strategy<Value = bool> {
    prop_oneof![3 => Just(false), 1 => Just(true)]
}

fn tag() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just(PREMIUM), 2 => Just(STANDARD), 1 => Just(PORT)]
}

fn line() -> impl Strategy<Value = Line> {
    let lot = prop_oneof![4 => Just(None), 1 => (0..8_usize).prop_map(Some)];
    (tag(), 1..9_u64, lot).prop_map(|(tag, count, lot)| Line { tag, count, lot })
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    proptest::collection::vec(line(), 1..3)
}

fn days() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 1 => (1..40_i64).prop_map(Some)]
}

fn at_a_product() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => device().prop_map(Act::Enable),
        1 => device().prop_map(Act::Disable),
        3 => (device(), prop::bool::weighted(0.1))
            .prop_map(|(device, universal)| Act::Request { device, universal }),
        1 => device().prop_map(Act::Cancel),
        2 => device().prop_map(Act::Return),
        8 => (device(), place()).prop_map(|(device, code)| Act::Install(device, code)),
        4 => (device(), place()).prop_map(|(device, code)| Act::ReturnAuthorization(device, code)),
        1 => (device(), any::<bool>()).prop_map(|(device, force)| Act::FactoryReset { device, force }),
        1 => device().prop_map(Act::Restart),
    ]
}

fn at_the_manager() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (place(), second(), lines())
            .prop_map(|(request, second, lines)| Act::Reserve { request, second, lines }),
        6 => (place(), lines()).prop_map(|(reservation, lines)| Act::Update { reservation, lines }),
        4 => (place(), place()).prop_map(|(code, reservation)| Act::EnterConfirmation { code, reservation }),
        4 => (place(), place()).prop_map(|(code, reservation)| Act::EnterReturn { code, reservation }),
        1 => (second(), tag(), 1..9_u64, days())
            .prop_map(|(second, tag, count, days)| Act::Order { second, tag, count, days }),
        2 => (any::<bool>(), tag(), 1..12_u64)
            .prop_map(|(to_second, tag, count)| Act::Transfer { to_second, tag, count }),
        2 => (0..8_usize, 1..12_u64).prop_map(|(lot, count)| Act::CancelLot { lot, count }),
        1 => place().prop_map(Act::Remove),
        1 => place().prop_map(Act::Rehost),
        2 => (1..15_i64).prop_map(Act::Days),
    ]
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![22 => at_a_product(), 28 => at_the_manager()]
}

/// The way into a reservation, of which random steps alone would seldom see the end.
pub(super) fn way_in(device: usize) -> [Act; 4] {
    let line = |tag, count| Line { tag, count, lot: None };
    [
        Act::Enable(device),
        Act::Request { device, universal: false },
        Act::Reserve { request: 0, second: false, lines: vec![line(PREMIUM, 6), line(STANDARD, 5)] },
        Act::Install(device, 0),
    ]
}
