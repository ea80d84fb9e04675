//! What somebody may do, and how often.

use proptest::prelude::*;

/// Products.
pub(super) const DEVICES: usize = 2;
/// The restricted features that each product has; all take licences of one tag.
pub(super) const FEATURES: [&str; 2] = ["mixed-mode", "secure-trunk"];

/// What becomes of the requests of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// They are answered.
    Up,
    /// They don't arrive.
    Away,
    /// They arrive, and the answers get lost.
    Deaf,
    /// They arrive later, when nobody waits for their answers.
    Slow,
}

/// Something that somebody does. Virtual accounts are named by whether it is the second.
#[derive(Clone, Debug)]
pub(super) enum Act {
    // At a product.
    Register {
        device: usize,
        force: bool,
    },
    Deregister(usize),
    Request {
        device: usize,
        feature: usize,
    },
    Return {
        device: usize,
        feature: usize,
    },
    Cancel(usize),
    Switch {
        device: usize,
        feature: usize,
        on: bool,
    },
    FactoryReset {
        device: usize,
        force: bool,
    },
    Restart(usize),
    // Between them.
    Link {
        device: usize,
        link: Link,
    },
    /// The oldest request that is on its way arrives.
    Arrive,
    // By codes.
    Reserve {
        device: usize,
        count: u64,
    },
    Update {
        device: usize,
        count: u64,
    },
    /// The return code may stay on its way.
    GiveBack {
        device: usize,
        carried: bool,
    },
    // At the manager.
    Order {
        second: bool,
        count: u64,
        days: Option<i64>,
    },
    TransferLicenses {
        to_second: bool,
        count: u64,
    },
    CancelLot {
        lot: usize,
        count: u64,
    },
    Remove(usize),
    TransferInstance {
        device: usize,
        to_second: bool,
    },
    Permit(bool),
    // To all.
    Minutes(i64),
    Days(i64),
}

fn device() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0_usize), 2 => 0..DEVICES]
}

fn feature() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0_usize), 1 => 0..FEATURES.len()]
}

fn link() -> impl Strategy<Value = Link> {
    prop_oneof![3 => Just(Link::Up), 1 => Just(Link::Away), 2 => Just(Link::Deaf), 2 => Just(Link::Slow)]
}

fn at_a_product() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (device(), any::<bool>()).prop_map(|(device, force)| Act::Register { device, force }),
        1 => device().prop_map(Act::Deregister),
        6 => (device(), feature()).prop_map(|(device, feature)| Act::Request { device, feature }),
        5 => (device(), feature()).prop_map(|(device, feature)| Act::Return { device, feature }),
        3 => device().prop_map(Act::Cancel),
        2 => (device(), feature(), any::<bool>())
            .prop_map(|(device, feature, on)| Act::Switch { device, feature, on }),
        1 => (device(), any::<bool>()).prop_map(|(device, force)| Act::FactoryReset { device, force }),
        1 => device().prop_map(Act::Restart),
        2 => (device(), 1..3_u64).prop_map(|(device, count)| Act::Reserve { device, count }),
        1 => (device(), 1..3_u64).prop_map(|(device, count)| Act::Update { device, count }),
        2 => (device(), any::<bool>()).prop_map(|(device, carried)| Act::GiveBack { device, carried }),
    ]
}

fn at_the_manager() -> impl Strategy<Value = Act> {
    let days = prop_oneof![1 => Just(None), 2 => (1..60_i64).prop_map(Some)];
    prop_oneof![
        2 => (any::<bool>(), 1..3_u64, days)
            .prop_map(|(second, count, days)| Act::Order { second, count, days }),
        2 => (any::<bool>(), 1..3_u64)
            .prop_map(|(to_second, count)| Act::TransferLicenses { to_second, count }),
        2 => (0..6_usize, 1..3_u64).prop_map(|(lot, count)| Act::CancelLot { lot, count }),
        1 => device().prop_map(Act::Remove),
        1 => (device(), any::<bool>())
            .prop_map(|(device, to_second)| Act::TransferInstance { device, to_second }),
        1 => any::<bool>().prop_map(Act::Permit),
    ]
}

fn between_and_beside() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (device(), link()).prop_map(|(device, link)| Act::Link { device, link }),
        2 => Just(Act::Arrive),
        4 => prop_oneof![Just(16_i64), 1..600_i64].prop_map(Act::Minutes),
        3 => prop_oneof![3 => 1..10_i64, 1 => Just(31_i64), 1 => Just(91_i64)].prop_map(Act::Days),
    ]
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![26 => at_a_product(), 9 => at_the_manager(), 15 => between_and_beside()]
}
