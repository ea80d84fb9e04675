//! Overage of one tag: tolerance, the transition, locked usage (behaviour.md, "Out of compliance with
//! tolerance").

use jiff::Timestamp;
use seatpool_proto::Quantity;
use seatpool_proto::message::{TagAnswer, TagStatus};
use serde::{Deserialize, Serialize};

use crate::meter::Peak;
use crate::profile::OutOfCompliancePeriods;

/// What is known of one tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRecord {
    /// What the manager last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<TagAnswer>,
    /// When it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// The actual peaks of the last report that was made.
    #[serde(default)]
    pub last_report: Peak,
    /// Consecutive scheduled overage answers, until the transition.
    #[serde(default)]
    pub overages: u32,
    /// The highest actual peaks since the first overage of the run; absent: no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_high: Option<Peak>,
    /// Since when it is out of compliance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_compliance_since: Option<Timestamp>,
}

/// What an answer changed for a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing to speak of.
    None,
    /// It was that overage in a row; the tag goes out of compliance if they go on.
    WillEnter(u32),
    /// It was the last but one.
    Shortly(u32),
    /// The transition.
    Entered,
    /// Back in range before the transition.
    Averted,
    /// Covered again after the transition.
    Mended,
}

impl TagRecord {
    /// Takes note of the actual peaks that a report is about to carry. While a run is on, its highest grows.
    pub(crate) fn report(&mut self, peak: Peak) {
        self.last_report = peak;
        if let Some(high) = &mut self.run_high {
            *high = high.max(peak);
        }
    }

    /// The locked usage, if usage is locked.
    pub fn locked(&self, periods: &OutOfCompliancePeriods) -> Option<Peak> {
        self.run_high.filter(|_| periods.locked_usage && self.out_of_compliance_since.is_some())
    }

    /// What the last report showed as used: locked or actual.
    pub fn reported(&self, periods: &OutOfCompliancePeriods) -> Quantity {
        self.locked(periods).unwrap_or(self.last_report).own
    }

    /// Takes an answer. `scheduled`: to a report of the schedule; only those count toward tolerance.
    pub(crate) fn answer(
        &mut self,
        answer: TagAnswer,
        scheduled: bool,
        now: Timestamp,
        periods: &OutOfCompliancePeriods,
    ) -> Change {
        let status = answer.status;
        self.answer = Some(answer);
        self.answered_at = Some(now);
        let counts = scheduled || periods.after_overages <= 1;
        match status {
            TagStatus::OutOfCompliance if self.out_of_compliance_since.is_some() || !counts => Change::None,
            TagStatus::OutOfCompliance => {
                self.run_high.get_or_insert(self.last_report);
                self.overages = self.overages.saturating_add(1);
                if self.overages >= periods.after_overages {
                    self.out_of_compliance_since = Some(now);
                    Change::Entered
                } else if self.overages.saturating_add(1) == periods.after_overages {
                    Change::Shortly(self.overages)
                } else {
                    Change::WillEnter(self.overages)
                }
            }
            TagStatus::InCompliance | TagStatus::NotInUse => {
                let change = if self.out_of_compliance_since.is_some() {
                    Change::Mended
                } else if self.overages > 0 && counts {
                    Change::Averted
                } else {
                    return Change::None;
                };
                self.overages = 0;
                self.run_high = None;
                self.out_of_compliance_since = None;
                change
            }
            // Neither covered nor short: it neither counts nor resets.
            TagStatus::InvalidTag
            | TagStatus::NotAuthorized
            | TagStatus::Disabled
            | TagStatus::NotApplicable
            | TagStatus::Invalid => Change::None,
        }
    }
}
