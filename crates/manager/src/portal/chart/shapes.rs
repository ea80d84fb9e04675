//! What a chart draws: points as columns, and columns as paths.

use jiff::Timestamp;
use seatpool_domain::history::Span;

use super::axes::steps_between;
use crate::app::reports::UsagePoint;

/// A band of shortage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
}

/// A step or several neighbours as one: where it begins and ends, in steps from the chart's start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) in_use: u64,
    pub(super) owned: u64,
    pub(super) short: u64,
}

/// The points as columns, so few that each can be seen: neighbours become one with their highest usage and
/// shortage, and the last figure owned.
pub(super) fn columns(
    points: &[UsagePoint],
    from: Timestamp,
    step: Span,
    steps: f64,
    most: usize,
) -> Vec<Column> {
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

/// A figure in a path: a tenth of a pixel is enough.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The filled steps of usage.
pub(super) fn area(columns: &[Column], x: impl Fn(f64) -> f64, y: impl Fn(u64) -> f64, base: f64) -> String {
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
pub(super) fn line(columns: &[Column], x: impl Fn(f64) -> f64, y: impl Fn(u64) -> f64) -> String {
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
pub(super) fn bands(columns: &[Column], x: impl Fn(f64) -> f64, y: impl Fn(u64) -> f64) -> Vec<Rect> {
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

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    fn figures(days: &[(u64, u64, u64)], most: usize) -> Vec<Column> {
        let report = report(days);
        columns(&report.points, report.from, report.step, days.len() as f64, most)
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
}
