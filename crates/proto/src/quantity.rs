//! Counts of licences.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::QUANTITY_MAX;

/// A count of licences, 0 to [`QUANTITY_MAX`] where it comes from outside. Sums may exceed that
/// limit; arithmetic saturates at `u64::MAX` and zero, so it neither wraps nor panics.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(u64);

/// A quantity above [`QUANTITY_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is more than the largest quantity, {QUANTITY_MAX}")]
pub struct QuantityTooLarge(pub u64);

impl Quantity {
    /// None.
    pub const ZERO: Self = Self(0);

    /// A quantity from outside, which is refused above [`QUANTITY_MAX`].
    pub fn new(count: u64) -> Result<Self, QuantityTooLarge> {
        if count > QUANTITY_MAX { Err(QuantityTooLarge(count)) } else { Ok(Self(count)) }
    }

    /// A sum or figure computed here, which may exceed [`QUANTITY_MAX`].
    pub const fn of(count: u64) -> Self {
        Self(count)
    }

    /// The count.
    pub const fn count(self) -> u64 {
        self.0
    }

    /// Whether it is none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// [`Self::is_zero`] in the shape that serde's `skip_serializing_if` wants.
    pub fn is_zero_ref(&self) -> bool {
        self.0 == 0
    }

    /// Reads a sum, which may exceed [`QUANTITY_MAX`]: for serde's `deserialize_with`.
    pub fn deserialize_sum<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }

    /// `self + other`, at most `u64::MAX`.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self - other`, at least zero.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self - other`, or nothing if `other` is more.
    pub fn checked_minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl core::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}
