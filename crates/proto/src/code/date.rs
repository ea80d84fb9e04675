//! Dates as an authorization code writes them: `2020-Mar-04 UTC`.

use core::fmt;
use core::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A day in UTC. As a start it means the day's first instant; as an end the same: the licence counts until
/// that day begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeDate(Date);

/// The text is not such a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a date is written as in 2020-Mar-04 UTC")]
pub struct InvalidCodeDate;

impl CodeDate {
    /// The day that `at` falls in: never later than `at`. For ends, and for starts that are past.
    pub fn of(at: Timestamp) -> Self {
        Self(TimeZone::UTC.to_datetime(at).date())
    }

    /// The first day that begins at `at` or later: never earlier than `at`. For starts to come.
    pub fn from(at: Timestamp) -> Self {
        let day = Self::of(at);
        if day.begins_at() < at { Self(day.0.saturating_add(1.day())) } else { day }
    }

    /// Its first instant.
    pub fn begins_at(self) -> Timestamp {
        TimeZone::UTC.to_timestamp(self.0.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for CodeDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = MONTHS.get(usize::from(self.0.month().unsigned_abs()).wrapping_sub(1)).unwrap_or(&"");
        write!(f, "{:04}-{month}-{:02} UTC", self.0.year(), self.0.day())
    }
}

impl fmt::Debug for CodeDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeDate({self})")
    }
}

impl FromStr for CodeDate {
    type Err = InvalidCodeDate;

    fn from_str(text: &str) -> Result<Self, InvalidCodeDate> {
        let day = text.strip_suffix(" UTC").ok_or(InvalidCodeDate)?;
        let mut parts = day.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidCodeDate);
        };
        let number = |text: &str, digits: usize| {
            let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<i16>().ok()).flatten().ok_or(InvalidCodeDate)
        };
        let month = MONTHS.iter().position(|&name| name == month).ok_or(InvalidCodeDate)?;
        let month = i8::try_from(month + 1).map_err(|_| InvalidCodeDate)?;
        let day = i8::try_from(number(day, 2)?).map_err(|_| InvalidCodeDate)?;
        Date::new(number(year, 4)?, month, day).map(Self).map_err(|_| InvalidCodeDate)
    }
}

impl Serialize for CodeDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CodeDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_in_the_reference_document() {
        let day: CodeDate = "2020-Mar-04 UTC".parse().unwrap();
        assert_eq!(day.to_string(), "2020-Mar-04 UTC");
        assert_eq!(day.begins_at().to_string(), "2020-03-04T00:00:00Z");
        for wrong in
            ["2020-Mar-04", "2020-03-04 UTC", "2020-Feb-30 UTC", "2020-mar-04 UTC", "20-Mar-4 UTC", ""]
        {
            assert_eq!(wrong.parse::<CodeDate>(), Err(InvalidCodeDate), "{wrong}");
        }
    }

    #[test]
    fn an_end_is_never_later_and_a_start_never_earlier_than_its_instant() {
        let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let midnight: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        assert_eq!(CodeDate::of(noon).begins_at(), midnight);
        assert_eq!(CodeDate::from(noon).to_string(), "2026-Nov-23 UTC");
        assert_eq!(CodeDate::from(midnight), CodeDate::of(midnight));
    }
}
