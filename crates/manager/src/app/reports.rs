//! Reports (features.md, A16): what was in use and owned over time; and in `stock` what there is at present.

pub mod stock;

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::history::{self, POINTS_MAX, Span};
use seatpool_proto::{AccountId, Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Permission, Principal, check};
use super::accounts::{self, invalid};
use super::inventory::{self, VirtualAccountRef};
use super::{App, AppError};
use crate::csv;

/// How many days a report covers if nobody says.
const DAYS_DEFAULT: i64 = 30;
/// Up to how many days a report has a step for each hour, if nobody says.
const HOURLY_DAYS_MAX: i64 = 7;

/// What to report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// From when; 30 days before `to` if absent.
    pub from: Option<Timestamp>,
    /// Until when; now if absent.
    pub to: Option<Timestamp>,
    /// `hour` or `day`; if absent, hours up to seven days, days beyond.
    pub step: Option<Span>,
}

/// Usage of one licence against what was owned, over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageReport {
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name.
    pub name: String,
    /// The start of the first step that was asked for.
    pub from: Timestamp,
    /// The end, excluded.
    pub to: Timestamp,
    /// `hour` or `day`, in UTC.
    #[schema(value_type = String, example = "day")]
    pub step: Span,
    /// The steps, from the first of which anything is on record.
    pub points: Vec<UsagePoint>,
}

/// One step of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsagePoint {
    /// When it starts.
    pub starts_at: Timestamp,
    /// The highest in use in it.
    #[schema(value_type = u64)]
    pub in_use: Quantity,
    /// Owned at its end: own lots, less what is reserved.
    #[schema(value_type = u64)]
    pub owned: Quantity,
    /// The highest shortage in it: what neither own nor borrowed licences covered.
    #[schema(value_type = u64)]
    pub short: Quantity,
}

/// Reports the usage of one licence in one virtual account.
pub async fn usage(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    license: &str,
    query: UsageQuery,
) -> Result<UsageReport, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    let place = accounts::virtual_account(app, principal, account, &virtual_account.to_string()).await?;
    let tag = inventory::known_tag(app, license)?;
    let (from, to, step) = span(&query, app.now())?;
    let (before, rows) = app.store().usage_history(account, virtual_account, &tag, from, to).await?;
    let points = history::points(before.as_ref(), &rows, from, to, step);
    Ok(UsageReport {
        virtual_account: VirtualAccountRef { id: place.id, name: place.name },
        name: inventory::name_of(app, &tag),
        tag,
        from,
        to,
        step,
        points: points
            .into_iter()
            .map(|point| UsagePoint {
                starts_at: point.starts_at,
                in_use: point.in_use,
                owned: point.owned,
                short: point.short,
            })
            .collect(),
    })
}

/// The report's span, whole steps of it, and nothing that is yet to come.
fn span(query: &UsageQuery, now: Timestamp) -> Result<(Timestamp, Timestamp, Span), AppError> {
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let to = query.to.unwrap_or(now).min(now);
    let from = match query.from {
        Some(from) => from,
        None => to.checked_sub(days(DAYS_DEFAULT)).unwrap_or(Timestamp::MIN),
    };
    if from >= to {
        return Err(invalid("from", &format!("is {from}, not before the end of the report, {to}")));
    }
    let kept_since = history::hours_kept_since(now);
    let is_short = to.duration_since(from) <= days(HOURLY_DAYS_MAX);
    let step = match query.step {
        Some(step) => step,
        None if is_short && from >= kept_since => Span::Hour,
        None => Span::Day,
    };
    if step == Span::Hour && from < kept_since {
        let problem = format!(
            "is hour, and hours are kept for {} days, since {kept_since}: ask for days, or for a later start",
            history::HOURS_KEPT_DAYS
        );
        return Err(invalid("step", &problem));
    }
    let from = step.start_of(from);
    let steps = to.duration_since(from).as_secs() / step.seconds();
    if steps >= POINTS_MAX as i64 {
        let problem =
            format!("leaves {steps} steps: {POINTS_MAX} are the most; ask for days, or for a later start");
        return Err(invalid("from", &problem));
    }
    Ok((from, to, step))
}

impl UsageReport {
    /// As comma-separated values, with a head line (RFC 4180).
    pub fn to_csv(&self) -> String {
        let head = ["virtual_account", "tag", "license", "starts_at", "step", "in_use", "owned", "short"];
        let mut text = csv::line(head);
        let step = match self.step {
            Span::Hour => "hour",
            Span::Day => "day",
        };
        for point in &self.points {
            text.push_str(&csv::line([
                self.virtual_account.name.as_str(),
                self.tag.as_str(),
                &self.name,
                &point.starts_at.to_string(),
                step,
                &point.in_use.to_string(),
                &point.owned.to_string(),
                &point.short.to_string(),
            ]));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn spans(from: Option<&str>, to: Option<&str>, step: Option<Span>) -> Result<String, String> {
        let query = UsageQuery { from: from.map(at), to: to.map(at), step };
        let (from, to, step) = span(&query, at("2026-07-01T10:30:00Z")).map_err(|why| why.to_string())?;
        Ok(format!("{from} to {to} by {step:?}"))
    }

    #[test]
    fn a_report_has_the_span_that_is_asked_for_or_a_month() {
        let cases = [
            (None, None, None, "2026-06-01T00:00:00Z to 2026-07-01T10:30:00Z by Day"),
            (
                Some("2026-06-30T07:15:00Z"),
                None,
                None,
                "2026-06-30T07:00:00Z to 2026-07-01T10:30:00Z by Hour",
            ),
            // What is to come is not reported.
            (
                Some("2026-06-30T07:15:00Z"),
                Some("2027-01-01T00:00:00Z"),
                Some(Span::Day),
                "2026-06-30T00:00:00Z to 2026-07-01T10:30:00Z by Day",
            ),
            // Short, and so long ago that only days are left.
            (
                Some("2025-06-30T07:15:00Z"),
                Some("2025-07-01T00:00:00Z"),
                None,
                "2025-06-30T00:00:00Z to 2025-07-01T00:00:00Z by Day",
            ),
            (Some("2022-01-01T00:00:00Z"), None, None, "2022-01-01T00:00:00Z to 2026-07-01T10:30:00Z by Day"),
        ];
        for (from, to, step, expected) in cases {
            assert_eq!(spans(from, to, step).unwrap(), expected);
        }
        for (from, to, step, expected) in [
            (Some("2026-07-02T00:00:00Z"), None, None, "from is 2026-07-02T00:00:00Z, not before the end"),
            (
                Some("2026-03-01T00:00:00Z"),
                None,
                Some(Span::Hour),
                "step is hour, and hours are kept for 60 days",
            ),
            (Some("2016-03-01T00:00:00Z"), None, None, "from leaves 3774 steps"),
        ] {
            let refused = spans(from, to, step).unwrap_err();
            assert!(refused.starts_with(expected), "{refused}");
        }
    }
}
