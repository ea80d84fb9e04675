//! A chart of usage against owned over time, drawn by the server: the arithmetic from figures to paths.
//!
//! Usage is an area, owned a step line, a shortage a hatched band with a word at its highest: what is what can be
//! told without colour. The same figures stand in a table below every chart.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use seatpool_domain::history::Span;

use super::part::Count;
use super::zone;
use crate::app::reports::{UsagePoint, UsageReport};

/// Height of the plot above its base line, and where it begins.
const TOP: f64 = 18.0;
/// Space for the figures on the left.
const LEFT: f64 = 46.0;
/// How far apart two labels at the right end have to be.
const LABEL_GAP: f64 = 14.0;

/// How large a chart is, in its own units, which are about CSS pixels where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// From 640 pixels on.
    Wide,
    /// For telephones.
    Narrow,
}

impl Size {
    fn width(self) -> f64 {
        match self {
            Self::Wide => 960.0,
            Self::Narrow => 340.0,
        }
    }

    fn height(self) -> f64 {
        match self {
            Self::Wide => 320.0,
            Self::Narrow => 250.0,
        }
    }

    /// Space for the labels at the right end.
    fn right(self) -> f64 {
        match self {
            Self::Wide => 104.0,
            Self::Narrow => 84.0,
        }
    }

    /// Most steps that are drawn; more are drawn as the highest of their neighbours.
    fn columns(self) -> usize {
        match self {
            Self::Wide => 400,
            Self::Narrow => 110,
        }
    }

    fn ticks(self) -> usize {
        match self {
            Self::Wide => 8,
            Self::Narrow => 3,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// A chart, ready to be drawn.
#[derive(Template)]
#[template(path = "parts/chart.html")]
pub(crate) struct Chart {
    id: &'static str,
    width: f64,
    height: f64,
    title: String,
    description: String,
    left: f64,
    end: f64,
    base: f64,
    area: String,
    owned: String,
    shortages: Vec<Rect>,
    rows: Vec<Tick>,
    columns: Vec<Tick>,
    labels: Vec<Label>,
    worst: Option<Label>,
}
impl HtmlSafe for Chart {}

/// A band of shortage.
#[derive(Clone, Debug, PartialEq)]
struct Rect {
    x: String,
    y: String,
    width: String,
    height: String,
}

/// A line of the grid with its figure.
struct Tick {
    at: String,
    text: String,
}

/// A word in the chart, at a place.
struct Label {
    class: &'static str,
    x: String,
    y: String,
    text: String,
}

/// A step or several neighbours as one: where it begins and ends, in steps from the chart's start.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Column {
    from: f64,
    to: f64,
    in_use: u64,
    owned: u64,
    short: u64,
}

impl Chart {
    /// The chart of a report; none if nothing is on record.
    pub(crate) fn of(report: &UsageReport, size: Size) -> Option<Self> {
        let last = report.points.last()?;
        let highest = report.points.iter().map(|point| point.in_use.max(point.owned).count()).max()?;
        let steps = steps_between(report.from, report.to, report.step).max(1.0);
        let columns = columns(&report.points, report.from, report.step, steps, size.columns());
        let (top, ticks) = scale(highest);
        let (base, end) = (size.height() - 30.0, size.width() - size.right());
        let x = |step: f64| LEFT + (end - LEFT) * (step / steps).min(1.0);
        let y = |figure: u64| base - (base - TOP) * (figure as f64 / top as f64);
        let (used, own) = spread(y(last.in_use.count()), y(last.owned.count()));
        let label =
            |class, at: f64, text: String| Label { class, x: number(end + 8.0), y: number(at + 4.0), text };
        let worst = columns.iter().filter(|column| column.short > 0).max_by_key(|column| column.short);
        Some(Self {
            id: size.class(),
            width: size.width(),
            height: size.height(),
            title: format!("Usage of {} in {} against owned", report.name, report.virtual_account.name),
            description: description(report),
            left: LEFT,
            end,
            base,
            area: area(&columns, x, y, base),
            owned: line(&columns, x, y),
            shortages: bands(&columns, x, y),
            rows: ticks
                .into_iter()
                .map(|tick| Tick { at: number(y(tick)), text: Count(tick).to_string() })
                .collect(),
            columns: days_or_hours(report, size.ticks())
                .into_iter()
                .map(|(at, text)| Tick { at: number(x(steps_between(report.from, at, report.step))), text })
                .collect(),
            labels: vec![
                label("owned", own, format!("Owned {}", Count(last.owned.count()))),
                label("use", used, format!("In use {}", Count(last.in_use.count()))),
            ],
            worst: worst.map(|column| Label {
                class: "short",
                x: number(x(f64::midpoint(column.from, column.to)).clamp(LEFT + 40.0, end - 40.0)),
                y: number((y(column.in_use) - 6.0).max(11.0)),
                text: format!("{} short", Count(column.short)),
            }),
        })
    }
}

/// How many steps an instant is after another.
fn steps_between(from: Timestamp, to: Timestamp, step: Span) -> f64 {
    to.duration_since(from).as_secs_f64() / step.seconds() as f64
}

/// The points as columns, so few that each can be seen: neighbours become one with their highest usage and
/// shortage, and the last figure owned.
fn columns(points: &[UsagePoint], from: Timestamp, step: Span, steps: f64, most: usize) -> Vec<Column> {
    let group = points.len().div_ceil(most.max(1)).max(1);
    points
        .chunks(group)
        .filter_map(|group| {
            let (first, last) = (group.first()?, group.last()?);
            Some(Column {
                from: steps_between(from, first.starts_at, step),
                to: (steps_between(from, last.starts_at, step) + 1.0).min(steps),
                in_use: group.iter().map(|point| point.in_use.count()).max()?,
                owned: last.owned.count(),
                short: group.iter().map(|point| point.short.count()).max()?,
            })
        })
        .collect()
}

/// The top of the scale and its lines: whole figures, three to six of them, in steps of 1, 2 or 5 times a power of
/// ten, the last not below `highest`.
fn scale(highest: u64) -> (u64, Vec<u64>) {
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
fn spread(used: f64, owned: f64) -> (f64, f64) {
    let missing = LABEL_GAP - (used - owned).abs();
    if missing <= 0.0 {
        return (used, owned);
    }
    let half = missing / 2.0;
    if used >= owned { (used + half, owned - half) } else { (used - half, owned + half) }
}

/// A figure in a path: a tenth of a pixel is enough.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The filled steps of usage.
fn area(columns: &[Column], x: impl Fn(f64) -> f64, y: impl Fn(u64) -> f64, base: f64) -> String {
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else { return String::new() };
    let mut path = format!("M{} {}", number(x(first.from)), number(base));
    let mut height = None;
    for column in columns {
        if height != Some(column.in_use) {
            if height.is_some() {
                path.extend(["H", &number(x(column.from))]);
            }
            path.extend(["V", &number(y(column.in_use))]);
            height = Some(column.in_use);
        }
    }
    path.extend(["H", &number(x(last.to)), "V", &number(base), "Z"]);
    path
}

/// The step line of what is owned.
fn line(columns: &[Column], x: impl Fn(f64) -> f64, y: impl Fn(u64) -> f64) -> String {
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else { return String::new() };
    let mut path = format!("M{} {}", number(x(first.from)), number(y(first.owned)));
    let mut height = first.owned;
    for column in columns {
        if column.owned != height {
            path.extend(["H", &number(x(column.from)), "V", &number(y(column.owned))]);
            height = column.owned;
        }
    }
    path.extend(["H", &number(x(last.to))]);
    path
}

/// The parts of usage that nothing covers: equal neighbours are one band.
fn bands(columns: &[Column], x: impl Fn(f64) -> f64, y: impl Fn(u64) -> f64) -> Vec<Rect> {
    let mut bands: Vec<(Column, f64)> = Vec::new();
    for column in columns.iter().filter(|column| column.short > 0) {
        match bands.last_mut() {
            Some((before, to))
                if (*to - column.from).abs() < f64::EPSILON
                    && (before.in_use, before.short) == (column.in_use, column.short) =>
            {
                *to = column.to;
            }
            _ => bands.push((*column, column.to)),
        }
    }
    let rect = |(column, to): (Column, f64)| Rect {
        x: number(x(column.from)),
        y: number(y(column.in_use)),
        width: number((x(to) - x(column.from)).max(1.0)),
        height: number(y(column.in_use.saturating_sub(column.short)) - y(column.in_use)),
    };
    bands.into_iter().map(rect).collect()
}

/// Where the time axis has words, at most so many: days of UTC, which is how days are counted; hours in the
/// reader's zone.
fn days_or_hours(report: &UsageReport, most: usize) -> Vec<(Timestamp, String)> {
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

/// What the chart shows, in words.
fn description(report: &UsageReport) -> String {
    let Some(last) = report.points.last() else { return String::new() };
    let step = match report.step {
        Span::Hour => "hour",
        Span::Day => "day",
    };
    let highest = report.points.iter().map(|point| point.in_use.count()).max().unwrap_or_default();
    let short: Vec<u64> =
        report.points.iter().map(|point| point.short.count()).filter(|short| *short > 0).collect();
    let shortage = match short.iter().max() {
        None => "Never short.".to_owned(),
        Some(worst) => {
            let plural = if short.len() == 1 { "" } else { "s" };
            format!("Short in {} {step}{plural}, by {} at most.", short.len(), Count(*worst))
        }
    };
    format!(
        "The highest use of each {step}: {} at most, {} at last. Owned at last: {}. {shortage} The table below has the \
         same figures.",
        Count(highest),
        Count(last.in_use.count()),
        Count(last.owned.count()),
    )
}

#[cfg(test)]
mod tests {
    use seatpool_proto::{Quantity, VirtualAccountId};

    use super::*;
    use crate::app::inventory::VirtualAccountRef;

    /// A report by days from the first of July: `(in use, owned, short)`.
    fn report(days: &[(u64, u64, u64)]) -> UsageReport {
        let from: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        let mut starts_at = from;
        let mut points = Vec::new();
        for (in_use, owned, short) in days {
            let [in_use, owned, short] = [*in_use, *owned, *short].map(Quantity::of);
            points.push(UsagePoint { starts_at, in_use, owned, short });
            starts_at = Span::Day.after(starts_at);
        }
        UsageReport {
            virtual_account: VirtualAccountRef {
                id: VirtualAccountId(uuid::Uuid::nil()),
                name: "Default".into(),
            },
            tag: "S".parse().unwrap(),
            name: "Standard".into(),
            from,
            to: starts_at,
            step: Span::Day,
            points,
        }
    }

    fn figures(days: &[(u64, u64, u64)], most: usize) -> Vec<Column> {
        let report = report(days);
        columns(&report.points, report.from, report.step, days.len() as f64, most)
    }

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
    fn steps_become_paths() {
        let columns = figures(&[(10, 20, 0), (10, 20, 0), (30, 20, 10), (30, 40, 0)], 99);
        let (x, y) = (|step: f64| step * 10.0, |figure: u64| 100.0 - figure as f64);
        assert_eq!(area(&columns, x, y, 100.0), "M0 100V90H20V70H40V100Z");
        assert_eq!(line(&columns, x, y), "M0 80H30V60H40");
        let expected = Rect { x: "20".into(), y: "70".into(), width: "10".into(), height: "10".into() };
        assert_eq!(bands(&columns, x, y), [expected]);
        assert_eq!((area(&[], x, y, 0.0), line(&[], x, y)), (String::new(), String::new()));
    }

    #[test]
    fn equal_shortages_beside_one_another_are_one_band_and_others_are_not() {
        let columns = figures(&[(9, 5, 4), (9, 5, 4), (8, 5, 3), (5, 5, 0), (8, 5, 3)], 99);
        let bands = bands(&columns, |step| step * 10.0, |figure| 100.0 - figure as f64);
        let shown: Vec<_> =
            bands.iter().map(|band| format!("{} {} {}", band.x, band.width, band.height)).collect();
        assert_eq!(shown, ["0 20 4", "20 10 3", "40 10 3"]);
    }

    #[test]
    fn neighbours_become_one_column_with_their_highest() {
        let columns = figures(&[(1, 9, 0), (7, 8, 2), (3, 6, 1), (2, 5, 0), (4, 5, 0)], 2);
        let shown: Vec<_> = columns.iter().map(|c| (c.from, c.to, c.in_use, c.owned, c.short)).collect();
        assert_eq!(shown, [(0.0, 3.0, 7, 6, 2), (3.0, 5.0, 4, 5, 0)]);
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

    #[test]
    fn a_chart_says_in_words_what_it_shows() {
        let report = report(&[(10, 20, 0), (30, 20, 10), (12, 20, 0)]);
        let chart = Chart::of(&report, Size::Wide).unwrap();
        assert_eq!(
            chart.description,
            "The highest use of each day: 30 at most, 12 at last. Owned at last: 20. Short in 1 day, by 10 at most. The \
             table below has the same figures."
        );
        let drawn = chart.render().unwrap();
        for word in ["Owned 20", "In use 12", "10 short", "role=\"img\"", "<title", "<desc"] {
            assert!(drawn.contains(word), "{word}: {drawn}");
        }
        assert!(!drawn.contains("style=") && !drawn.contains("NaN") && !drawn.contains("inf"));
        assert!(Chart::of(&super::tests::report(&[]), Size::Narrow).is_none());
    }
}
