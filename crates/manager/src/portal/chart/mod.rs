//! A chart of usage against owned over time, drawn by the server: the arithmetic from figures to paths.
//!
//! Usage is an area, owned a step line, a shortage a hatched band with a word at its highest: what is what can be
//! told without colour. The same figures stand in a table below every chart.

mod axes;
mod shapes;

use askama::Template;
use askama::filters::HtmlSafe;
use seatpool_domain::history::Span;

use self::axes::{days_or_hours, scale, spread, steps_between};
use self::shapes::{Rect, area, bands, columns, line, number};
use super::part::Count;
use crate::app::reports::UsageReport;

/// Height of the plot above its base line, and where it begins.
const TOP: f64 = 18.0;
/// Space for the figures on the left.
const LEFT: f64 = 46.0;

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
    use jiff::Timestamp;
    use seatpool_proto::{Quantity, VirtualAccountId};

    use super::*;
    use crate::app::inventory::VirtualAccountRef;
    use crate::app::reports::UsagePoint;

    /// A report by days from the first of July: `(in use, owned, short)`.
    pub(super) fn report(days: &[(u64, u64, u64)]) -> UsageReport {
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
