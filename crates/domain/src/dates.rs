//! The dates of a term as contracts count them.
//!
//! Which reading: a year of a term is a **calendar year in UTC**. It ends on the same month, day and time of day of
//! the later year; a term that starts on 29 February ends on 28 February where that year has no 29th. Certificates,
//! authorizations and graces count days of 24 hours instead (behaviour.md); contracts are kept by the calendar.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Terms that orders name by years (features.md, A5).
pub const TERM_YEARS: [u8; 3] = [1, 3, 5];

/// Why a number of years makes no term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidYears {
    /// Nobody sells that.
    #[error("are {0}: a term has 1, 3 or 5 years, or ends on a date")]
    NotOffered(u8),
    /// Calendars end.
    #[error("end after the last day that can be written")]
    TooLate,
}

/// So many calendar years later, in UTC.
///
/// # Errors
/// Only [`TERM_YEARS`] are terms; and the end has to be an instant.
pub fn after_years(start: Timestamp, years: u8) -> Result<Timestamp, InvalidYears> {
    if !TERM_YEARS.contains(&years) {
        return Err(InvalidYears::NotOffered(years));
    }
    let end = start.to_zoned(TimeZone::UTC).checked_add(i64::from(years).years());
    end.map(|end| end.timestamp()).map_err(|_| InvalidYears::TooLate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_end_by_the_calendar() {
        let cases = [
            ("2026-07-01T10:00:00Z", 1, "2027-07-01T10:00:00Z"),
            ("2026-07-01T10:00:00Z", 3, "2029-07-01T10:00:00Z"),
            ("2026-07-01T10:00:00Z", 5, "2031-07-01T10:00:00Z"),
            // 366 days, since 2028 has a 29 February.
            ("2027-12-31T23:59:59Z", 1, "2028-12-31T23:59:59Z"),
            ("2024-02-29T12:00:00Z", 1, "2025-02-28T12:00:00Z"),
            ("2024-02-29T12:00:00Z", 3, "2027-02-28T12:00:00Z"),
            ("2024-02-29T12:00:00Z", 5, "2029-02-28T12:00:00Z"),
            ("2023-02-28T00:00:00Z", 1, "2024-02-28T00:00:00Z"),
        ];
        for (start, years, end) in cases {
            let found = after_years(start.parse().unwrap(), years).unwrap();
            assert_eq!(found.to_string(), end, "{years} years from {start}");
        }
    }

    #[test]
    fn other_spans_are_no_terms() {
        let start = "2026-07-01T10:00:00Z".parse().unwrap();
        for years in [0, 2, 4, 6, u8::MAX] {
            assert_eq!(after_years(start, years), Err(InvalidYears::NotOffered(years)));
        }
        assert_eq!(after_years(Timestamp::MAX, 1), Err(InvalidYears::TooLate));
    }
}
