//! What the dates of an order's line come to.

use jiff::Timestamp;
use seatpool_domain::command::CoTermination;
use seatpool_domain::dates::after_years;
use seatpool_proto::{LotKind, Term};

use super::NewOrderLine;

/// The kind and term of a line whose absent start is `start`.
pub(super) fn kind_and_term(line: &NewOrderLine, start: Timestamp) -> Result<(LotKind, Term), String> {
    let starts_at = line.starts_at.unwrap_or(start);
    let ends_at = match (line.term_years, line.ends_at) {
        (Some(_), Some(_)) => return Err("has both term_years and ends_at: give one of them".into()),
        (Some(years), None) => {
            Some(after_years(starts_at, years).map_err(|why| format!("has term_years that {why}"))?)
        }
        (None, ends_at) => ends_at,
    };
    if ends_at.is_some_and(|end| end <= starts_at) {
        return Err("ends before it starts".into());
    }
    // The subscription has its end.
    let ends_later = ends_at.is_none() && line.co_termination == CoTermination::WithSubscription;
    let is_term = ends_at.is_some() || line.co_termination != CoTermination::Own;
    let kind = line.kind.unwrap_or(if is_term { LotKind::Term } else { LotKind::Perpetual });
    match (kind, ends_at) {
        (LotKind::Perpetual, _) if ends_later => {
            Err("is PERPETUAL and ends with its subscription: leave one of them out".into())
        }
        _ if ends_later => Ok((kind, Term { starts_at, ends_at: None })),
        (LotKind::Perpetual, Some(_)) => Err("is PERPETUAL and has an end: leave one of them out".into()),
        (LotKind::Term | LotKind::Demo, None) => {
            Err(format!("is {} and has no end: give term_years or ends_at", kind.as_str()))
        }
        _ => Ok((kind, Term { starts_at, ends_at })),
    }
}

#[cfg(test)]
mod tests {
    use seatpool_proto::Quantity;

    use super::*;

    fn line(change: impl FnOnce(&mut NewOrderLine)) -> Result<(LotKind, Term), String> {
        let mut line = NewOrderLine {
            license: "CCX_PREMIUM".into(),
            quantity: Quantity::of(1),
            kind: None,
            term_years: None,
            starts_at: None,
            ends_at: None,
            subscription_id: None,
            co_termination: CoTermination::Own,
        };
        change(&mut line);
        kind_and_term(&line, at("2024-02-29T12:00:00Z"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_without_dates_is_perpetual_from_now() {
        let (kind, term) = line(|_| {}).unwrap();
        assert_eq!((kind, term.ends_at), (LotKind::Perpetual, None));
        assert_eq!(term.starts_at, at("2024-02-29T12:00:00Z"));
    }

    #[test]
    fn years_are_counted_by_the_calendar() {
        for (years, end) in
            [(1, "2025-02-28T12:00:00Z"), (3, "2027-02-28T12:00:00Z"), (5, "2029-02-28T12:00:00Z")]
        {
            let (kind, term) = line(|line| line.term_years = Some(years)).unwrap();
            assert_eq!((kind, term.ends_at), (LotKind::Term, Some(at(end))), "{years}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        let end = Some(at("2030-01-01T00:00:00Z"));
        let past = Some(at("2020-01-01T00:00:00Z"));
        for (problem, refused) in [
            ("both", line(|line| (line.term_years, line.ends_at) = (Some(1), end))),
            ("are 2: a term has 1, 3 or 5 years", line(|line| line.term_years = Some(2))),
            (
                "ends with its subscription",
                line(|line| {
                    (line.kind, line.co_termination) =
                        (Some(LotKind::Perpetual), CoTermination::WithSubscription);
                }),
            ),
            ("before it starts", line(|line| line.ends_at = past)),
            ("is PERPETUAL", line(|line| (line.kind, line.ends_at) = (Some(LotKind::Perpetual), end))),
            ("is DEMO and has no end", line(|line| line.kind = Some(LotKind::Demo))),
        ] {
            let text = refused.unwrap_err();
            assert!(text.contains(problem), "{text}");
        }
    }
}
