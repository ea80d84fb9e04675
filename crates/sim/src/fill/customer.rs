//! The customer: its virtual accounts, which families it has where, and the numbers that everything is made from.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::catalogue::FamilyEntry;
use seatpool_domain::{Catalogue, Token, VirtualAccount, Workset};
use seatpool_proto::{TokenId, VirtualAccountId};
use uuid::Uuid;

use super::{LOGIN, Options, catalogue};

/// Registration tokens of each virtual account.
const TOKENS: u64 = 20;
/// Families in each virtual account but the first, which has all.
const FAMILIES_ELSEWHERE: usize = 40;
/// Places that virtual accounts are named after.
const CITIES: [&str; 10] =
    ["Berlin", "São Paulo", "Osaka", "Nairobi", "Toronto", "Köln", "Mumbai", "Oslo", "Austin", "Sydney"];

/// A large customer.
pub(super) struct Customer {
    pub(super) now: Timestamp,
    places: Vec<VirtualAccountId>,
    families: Vec<FamilyEntry>,
}

impl Customer {
    pub(super) fn new(
        options: &Options,
        catalogue: &Catalogue,
        default: VirtualAccountId,
        now: Timestamp,
    ) -> Self {
        let others = (1..options.virtual_accounts).map(|number| VirtualAccountId(id(1, number)));
        let families =
            (0..).map_while(|family| catalogue.family(&catalogue::name(family).parse().ok()?).cloned());
        Self { now, places: core::iter::once(default).chain(others).collect(), families: families.collect() }
    }

    /// How many virtual accounts there are.
    pub(super) fn places(&self) -> u64 {
        self.places.len() as u64
    }

    /// The virtual account with this number.
    pub(super) fn place(&self, number: u64) -> VirtualAccountId {
        self.places[usize::try_from(number).unwrap_or_default() % self.places.len()]
    }

    /// The families of a virtual account.
    pub(super) fn families_of(&self, place: u64) -> Vec<&FamilyEntry> {
        if place == 0 || self.families.len() <= FAMILIES_ELSEWHERE {
            return self.families.iter().collect();
        }
        let first = usize::try_from(mixed(place) % self.families.len() as u64).unwrap_or_default();
        self.families.iter().cycle().skip(first).take(FAMILIES_ELSEWHERE).collect()
    }

    /// So many hours from now, or ago if negative.
    pub(super) fn hours(&self, hours: i64) -> Timestamp {
        self.now + SignedDuration::from_hours(hours)
    }

    /// Virtual accounts with their tokens.
    pub(super) fn put_virtual_accounts(&self, workset: &mut Workset) -> anyhow::Result<()> {
        for (number, place) in (0..).zip(&self.places) {
            if number > 0 {
                let city = CITIES[usize::try_from(number % 10)?];
                let row = VirtualAccount {
                    id: *place,
                    name: format!("{city} {number}"),
                    description: format!("Everything that {city} runs in building {number}"),
                    is_default: false,
                    created_at: self.hours(-20_000),
                };
                workset.virtual_accounts.insert(*place, row);
            }
            for token in 0..TOKENS {
                let days = i64::try_from(mixed(number * TOKENS + token) % 400)? - 100;
                let row = Token {
                    id: TokenId(id(2, number * TOKENS + token)),
                    virtual_account: *place,
                    description: format!("Rollout {token} of {number}"),
                    created_at: self.hours((days - 365) * 24),
                    created_by: LOGIN.to_owned(),
                    expires_at: self.hours(days * 24),
                    uses_max: (token % 3 == 0).then_some(500),
                    uses: u32::try_from(token * 7)?,
                    export_controlled: token % 2 == 0,
                    revoked_at: (token % 5 == 4).then(|| self.hours(-100)),
                };
                workset.tokens.insert(row.id, row);
            }
        }
        Ok(())
    }
}

/// An id of this kind, spread over an index as random ids are.
pub(super) fn id(kind: u8, number: u64) -> Uuid {
    let high = u128::from(mixed(number ^ u64::from(kind) << 56)) << 64;
    uuid::Builder::from_random_bytes((high | u128::from(kind) << 48 | u128::from(number)).to_be_bytes())
        .into_uuid()
}

/// A number from which all digits of another look drawn by chance (splitmix64).
pub(super) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
