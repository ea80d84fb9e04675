//! What was in use and owned over time, for reports: kept hour by hour as pools change, thinned to days later.
//!
//! A row is written in an hour in which a pool changed, and says the highest of that hour and how it stood at last.
//! Hours without a row stood as the row before them says, so that what nobody uses costs nothing. All in UTC.

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::{Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};

/// How long hours are kept before they become days.
pub const HOURS_KEPT_DAYS: i64 = 60;
/// Most points of one report.
pub const POINTS_MAX: usize = 2000;

/// The length of a row, or of a report's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// One hour.
    Hour,
    /// One day of 24 hours, from midnight UTC.
    Day,
}

impl Span {
    /// Its length in seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    /// The start of the span that an instant is in.
    pub fn start_of(self, at: Timestamp) -> Timestamp {
        let second = at.as_second();
        Timestamp::from_second(second - second.rem_euclid(self.seconds())).unwrap_or(Timestamp::MIN)
    }

    /// The start of the next span.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.checked_add(SignedDuration::from_secs(self.seconds())).unwrap_or(Timestamp::MAX)
    }
}

/// One tag of one virtual account in one hour or day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSpan {
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// The licence.
    pub tag: Tag,
    /// When the span starts.
    pub starts_at: Timestamp,
    /// How long it is.
    pub span: Span,
    /// The highest in use after any change in it. What was in use when it began is the row before's.
    pub in_use_high: Quantity,
    /// In use at its end.
    pub in_use: Quantity,
    /// The highest shortage after any change in it.
    pub short_high: Quantity,
    /// Short at its end.
    pub short: Quantity,
    /// Owned at its end: what the pool might use of its own lots.
    pub owned: Quantity,
}

impl UsageSpan {
    /// Takes in what came later in the same span.
    pub fn go_on(&mut self, later: &Self) {
        self.in_use_high = self.in_use_high.max(later.in_use_high);
        self.short_high = self.short_high.max(later.short_high);
        self.in_use = later.in_use;
        self.short = later.short;
        self.owned = later.owned;
    }
}

/// Before when hours become days: whole days alone, so that no day is half hours.
pub fn hours_kept_since(now: Timestamp) -> Timestamp {
    let kept = SignedDuration::from_hours(24 * HOURS_KEPT_DAYS);
    Span::Day.start_of(now.checked_sub(kept).unwrap_or(Timestamp::MIN))
}

/// Makes days of hours. Rows of one tag come oldest first; a day's rows may come in several calls, whose results
/// [`UsageSpan::go_on`] unites.
pub fn thin(hours: &[UsageSpan]) -> Vec<UsageSpan> {
    let mut days: Vec<UsageSpan> = Vec::new();
    for hour in hours {
        let starts_at = Span::Day.start_of(hour.starts_at);
        let same = |day: &&mut UsageSpan| {
            day.starts_at == starts_at && day.tag == hour.tag && day.virtual_account == hour.virtual_account
        };
        match days.last_mut().filter(same) {
            Some(day) => day.go_on(hour),
            None => days.push(UsageSpan { starts_at, span: Span::Day, ..hour.clone() }),
        }
    }
    days
}

/// One step of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When the step starts.
    pub starts_at: Timestamp,
    /// The highest in use in it.
    pub in_use: Quantity,
    /// Owned at its end.
    pub owned: Quantity,
    /// The highest shortage in it.
    pub short: Quantity,
}

/// The steps from `from` (its step included) to `to` (excluded), from the first of which anything is known.
/// `before` is the last row that starts before them; `rows` are those within, oldest first.
pub fn points(
    before: Option<&UsageSpan>,
    rows: &[UsageSpan],
    from: Timestamp,
    to: Timestamp,
    step: Span,
) -> Vec<Point> {
    let mut points = Vec::new();
    let mut standing = before;
    let mut rows = rows.iter().peekable();
    let mut start = step.start_of(from);
    while start < to && points.len() < POINTS_MAX {
        let end = step.after(start);
        let mut point = standing.map(|row| Point {
            starts_at: start,
            in_use: row.in_use,
            owned: row.owned,
            short: row.short,
        });
        while let Some(row) = rows.next_if(|row| row.starts_at < end) {
            let known = point.unwrap_or(Point {
                starts_at: start,
                in_use: Quantity::ZERO,
                owned: row.owned,
                short: Quantity::ZERO,
            });
            point = Some(Point {
                in_use: known.in_use.max(row.in_use_high),
                owned: row.owned,
                short: known.short.max(row.short_high),
                ..known
            });
            standing = Some(row);
        }
        points.extend(point);
        start = end;
    }
    points
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn q(count: u64) -> Quantity {
        Quantity::of(count)
    }

    /// `high/last of owned`.
    fn row(starts: &str, span: Span, high: u64, last: u64, owned: u64) -> UsageSpan {
        UsageSpan {
            virtual_account: VirtualAccountId(Uuid::nil()),
            tag: "S".parse().unwrap(),
            starts_at: at(starts),
            span,
            in_use_high: q(high),
            in_use: q(last),
            short_high: q(high.saturating_sub(owned)),
            short: q(last.saturating_sub(owned)),
            owned: q(owned),
        }
    }

    fn shown(points: &[Point]) -> Vec<String> {
        let text = |point: &Point| {
            let at = point.starts_at.strftime("%d %H");
            format!("{at}: {} of {}, {} short", point.in_use, point.owned, point.short)
        };
        points.iter().map(text).collect()
    }

    #[test]
    fn spans_start_on_the_hour_and_at_midnight_also_before_1970() {
        let cases = [
            ("2026-07-01T10:59:59.9Z", "2026-07-01T10:00:00Z", "2026-07-01T00:00:00Z"),
            ("2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z"),
            ("1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z", "1969-12-31T00:00:00Z"),
        ];
        for (instant, hour, day) in cases {
            assert_eq!(Span::Hour.start_of(at(instant)), at(hour));
            assert_eq!(Span::Day.start_of(at(instant)), at(day));
        }
        assert_eq!(hours_kept_since(at("2026-07-01T10:00:00Z")), at("2026-05-02T00:00:00Z"));
    }

    #[test]
    fn hours_without_a_row_stand_as_the_last_one_left_them() {
        let before = row("2026-07-01T07:00:00Z", Span::Hour, 30, 20, 40);
        let rows = [
            // It fell at once: but 20 were in use when the hour began.
            row("2026-07-01T10:00:00Z", Span::Hour, 5, 5, 40),
            row("2026-07-01T12:00:00Z", Span::Hour, 50, 8, 40),
        ];
        let found =
            points(Some(&before), &rows, at("2026-07-01T09:30:00Z"), at("2026-07-01T14:00:00Z"), Span::Hour);
        assert_eq!(
            shown(&found),
            [
                "01 09: 20 of 40, 0 short",
                "01 10: 20 of 40, 0 short",
                "01 11: 5 of 40, 0 short",
                "01 12: 50 of 40, 10 short",
                "01 13: 8 of 40, 0 short",
            ]
        );
        let unknown = points(None, &rows, at("2026-07-01T09:30:00Z"), at("2026-07-01T12:00:00Z"), Span::Hour);
        assert_eq!(shown(&unknown), ["01 10: 5 of 40, 0 short", "01 11: 5 of 40, 0 short"]);
        assert_eq!(points(None, &[], at("2026-07-01T09:30:00Z"), at("2026-07-09T12:00:00Z"), Span::Day), []);
    }

    #[test]
    fn days_say_the_same_of_hours_and_of_thinned_hours() {
        let hours = [
            row("2026-07-01T10:00:00Z", Span::Hour, 5, 5, 40),
            row("2026-07-01T23:00:00Z", Span::Hour, 50, 8, 40),
            row("2026-07-02T00:00:00Z", Span::Hour, 9, 9, 30),
            row("2026-07-05T04:00:00Z", Span::Hour, 31, 0, 30),
        ];
        let days = thin(&hours);
        assert_eq!(days.len(), 3);
        let (from, to) = (at("2026-07-01T00:00:00Z"), at("2026-07-07T00:00:00Z"));
        let of_days = points(None, &days, from, to, Span::Day);
        assert_eq!(of_days, points(None, &hours, from, to, Span::Day));
        assert_eq!(shown(&of_days)[3..5], ["04 00: 9 of 30, 0 short", "05 00: 31 of 30, 1 short"]);
        // In two parts, as a job may meet them.
        let mut first = thin(&hours[..1]);
        let rest = thin(&hours[1..]);
        first[0].go_on(&rest[0]);
        assert_eq!(first[0], days[0]);
        assert_eq!(rest[1..], days[1..]);
    }
}
