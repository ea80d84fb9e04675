//! The axes of a chart: the scale of figures, the words of time, and where labels stand.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use seatpool_domain::history::Span;

use crate::app::reports::UsageReport;
use crate::portal::zone;

/// How far apart two labels at the right end have to be.
const LABEL_GAP: f64 = 14.0;

/// How many steps an instant is after another.
pub(super) fn steps_between(from: Timestamp, to: Timestamp, step: Span) -> f64 {
    to.duration_since(from).as_secs_f64() / step.seconds() as f64
}

/// The top of the scale and its lines: whole figures, three to six of them, in steps of 1, 2 or 5 times a power of
/// ten, the last not below `highest`.
pub(super) fn scale(highest: u64) -> (u64, Vec<u64>) {
    let highest = highest.max(4);
    let mut unit = 1_u64;
    loop {
        for step in [unit, unit.saturating_mul(2), unit.saturating_mul(5)] {
            let lines = highest.div_ceil(step);
            if lines <= 5 {
                return (
                    step.saturating_mul(lines),
                    (0..=lines).map(|line| step.saturating_mul(line)).collect(),
                );
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// Two labels' heights, moved apart where they would touch; the order stays.
pub(super) fn spread(used: f64, owned: f64) -> (f64, f64) {
    let missing = LABEL_GAP - (used - owned).abs();
    if missing <= 0.0 {
        return (used, owned);
    }
    let half = missing / 2.0;
    if used >= owned { (used + half, owned - half) } else { (used - half, owned + half) }
}

/// Where the time axis has words, at most so many: days of UTC, which is how days are counted; hours in the
/// reader's zone.
pub(super) fn days_or_hours(report: &UsageReport, most: usize) -> Vec<(Timestamp, String)> {
    let zone = if report.step == Span::Day { TimeZone::UTC } else { zone::shown() };
    let hours = report.to.duration_since(report.from).as_hours().max(1);
    let (each, format) = tick_hours(hours, most);
    let mut at = Span::Hour.start_of(report.from);
    let mut ticks = Vec::new();
    while at < report.to && ticks.len() <= most {
        let local = at.to_zoned(zone.clone());
        let counted = match each {
            24.. => local.date().duration_since(jiff::civil::Date::constant(1970, 1, 1)).as_hours(),
            _ => i64::from(local.hour()),
        };
        let on_the_hour = local.hour() == 0 || each < 24;
        if at >= report.from && on_the_hour && counted.rem_euclid(each) == 0 {
            ticks.push((at, local.strftime(format).to_string()));
        }
        at = Span::Hour.after(at);
    }
    ticks
}

/// How many hours lie between two words, and how they are written, for at most so many words.
fn tick_hours(hours: i64, most: usize) -> (i64, &'static str) {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    for each in [1, 2, 3, 6, 12] {
        if hours / each <= most {
            return (each, "%H:%M");
        }
    }
    for days in [1, 2, 7, 14, 30, 60, 90, 180] {
        if hours / (24 * days) <= most {
            return (24 * days, "%-d %b");
        }
    }
    (24 * 365, "%Y")
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    #[test]
    fn a_scale_ends_on_a_round_figure_above_the_highest() {
        let cases = [
            (0, 4, 5),
            (4, 4, 5),
            (7, 8, 5),
            (10, 10, 6),
            (11, 15, 4),
            (99, 100, 6),
            (101, 150, 4),
            (130, 150, 4),
            (1_000_000_000, 1_000_000_000, 6),
        ];
        for (highest, top, lines) in cases {
            let (found, ticks) = scale(highest);
            assert_eq!((found, ticks.len()), (top, lines), "{highest}");
            assert_eq!((ticks[0], *ticks.last().unwrap()), (0, top));
        }
    }

    #[test]
    fn labels_that_would_touch_move_apart_and_keep_their_order() {
        let cases = [
            ((100.0, 50.0), (100.0, 50.0)),
            ((60.0, 50.0), (62.0, 48.0)),
            ((50.0, 60.0), (48.0, 62.0)),
            ((50.0, 50.0), (57.0, 43.0)),
        ];
        for ((used, owned), expected) in cases {
            assert_eq!(spread(used, owned), expected);
        }
    }

    #[test]
    fn the_time_axis_has_few_and_round_words() {
        let cases = [
            (5, 8, 1, "%H:%M"),
            (24, 8, 3, "%H:%M"),
            (48, 8, 6, "%H:%M"),
            (720, 8, 168, "%-d %b"),
            (720, 3, 336, "%-d %b"),
            (26_280, 8, 4_320, "%-d %b"),
            (200_000, 8, 8_760, "%Y"),
        ];
        for (hours, most, each, format) in cases {
            assert_eq!(tick_hours(hours, most), (each, format), "{hours} hours, {most} words");
        }
        let report = report(&[(1, 1, 0); 30]);
        let words: Vec<_> = days_or_hours(&report, 8).into_iter().map(|(_, word)| word).collect();
        assert!((4..=9).contains(&words.len()) && words[0].ends_with("Jul"), "{words:?}");
    }
}
