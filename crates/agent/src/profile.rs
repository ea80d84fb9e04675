//! Profiles: how a product is licensed, as data.
//!
//! A profile says which licence types there are and which tags each uses, how often usage is reported, how
//! much overage is tolerated, which periods run, what is blocked in enforcement, and with which words the
//! product shows it. The shipped ones are in `profiles/`; a vendor writes its own in the same shape.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use seatpool_proto::{Family, Tag, limits};
use serde::{Deserialize, Serialize};

use crate::status::{AuthorizationState, RegistrationState};
use crate::time::days;

/// How a product is licensed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, as in `unified-ccx`: the product type in messages.
    pub name: String,
    /// The product's name for people.
    pub title: String,
    /// The licence type of a new installation.
    pub default_license_type: String,
    /// Usage reports.
    pub reporting: Reporting,
    /// The evaluation.
    pub evaluation: EvaluationPeriods,
    /// The authorization.
    pub authorization: AuthorizationPeriods,
    /// Overage.
    pub out_of_compliance: OutOfCompliancePeriods,
    /// Retries after a failed contact.
    #[serde(default)]
    pub retry: RetryPeriods,
    /// Deregistration while the manager is away.
    #[serde(default)]
    pub deregistration: DeregistrationPeriods,
    /// What enforcement does.
    pub enforcement: Enforcement,
    /// Reservations.
    #[serde(default)]
    pub reservation: ReservationRules,
    /// Features that need an authorization for export.
    #[serde(default)]
    pub export_features: Vec<ExportFeature>,
    /// All licences of the product.
    pub licenses: Vec<LicenseInfo>,
    /// Which licences each type uses.
    pub license_types: Vec<LicenseType>,
    /// The product's own words.
    pub words: Words,
}

/// Usage reports.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reporting {
    /// Length of a reporting interval, in minutes (at least 1).
    pub interval_minutes: u32,
}

/// The evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationPeriods {
    /// Its length in days.
    pub days: u32,
    /// When its time runs.
    pub counted: Counted,
    /// Days from its end to enforcement.
    pub enforced_after_days: Days,
}

/// When the evaluation's time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// From installation on, whether licences are in use or not.
    Always,
    /// Only while licences are in use.
    InUse,
}

/// The authorization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationPeriods {
    /// Days from the last successful answer until it ends, at most.
    pub days: u32,
    /// Days from the last successful answer until it is renewed, at most.
    pub renew_days: u32,
    /// Days from its end to enforcement.
    pub enforced_after_days: Days,
}

/// Overage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutOfCompliancePeriods {
    /// How many consecutive scheduled overage answers make the transition; 1: no tolerance, any overage
    /// answer does.
    pub after_overages: u32,
    /// Days from the transition to enforcement.
    pub enforced_after_days: Days,
    /// Whether usage is locked from the transition on.
    pub locked_usage: bool,
}

/// Reservations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReservationRules {
    /// Whether, inside a reservation, spare licences of a higher tier cover a lower one's shortage (CCX: yes; CM:
    /// no).
    pub borrowing: bool,
}

/// A feature that needs an authorization for export.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportFeature {
    /// Its name in commands and in *may I?*.
    pub name: String,
    /// The licence that authorizes it.
    pub tag: Tag,
    /// What it is, for people.
    pub description: String,
}

/// A number of days, or `"never"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Days {
    /// That many.
    Count(u32),
    /// It never happens.
    Never(Never),
}

/// The word `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Never {
    /// The only one.
    #[serde(rename = "never")]
    Never,
}

impl Days {
    /// The span, or nothing for never.
    pub fn span(self) -> Option<SignedDuration> {
        match self {
            Self::Count(count) => Some(days(count)),
            Self::Never(Never::Never) => None,
        }
    }
}

/// Retries after a failed contact (behaviour.md, "Periods").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPeriods {
    /// Minutes between attempts at first.
    pub every_minutes: u32,
    /// For how many hours after the first failure.
    pub for_hours: u32,
    /// Hours between attempts from then on.
    pub then_every_hours: u32,
    /// By how much each is spread, in percent either way.
    pub jitter_percent: u32,
}

impl Default for RetryPeriods {
    fn default() -> Self {
        Self { every_minutes: 15, for_hours: 2, then_every_hours: 4, jitter_percent: 10 }
    }
}

impl RetryPeriods {
    pub(crate) fn every(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.every_minutes.max(1)))
    }

    pub(crate) fn dense_for(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.for_hours))
    }

    pub(crate) fn then_every(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.then_every_hours.max(1)))
    }
}

/// Deregistration while the manager is away (behaviour.md, "Registration, deregistration, duplicates,
/// clones").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeregistrationPeriods {
    /// For how many hours the manager is still told in the background.
    pub retried_for_hours: u32,
}

impl Default for DeregistrationPeriods {
    fn default() -> Self {
        Self { retried_for_hours: 24 }
    }
}

/// What enforcement does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enforcement {
    /// The features that are refused while enforced, as the product names them in *may I?*.
    pub blocked: Vec<String>,
    /// What that means, as a sentence for people.
    pub description: String,
}

/// One licence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseInfo {
    /// Its tag.
    pub tag: Tag,
    /// Its name for people.
    pub name: String,
    /// What it licenses.
    #[serde(default)]
    pub description: String,
    /// Never consumed, but must be owned.
    #[serde(default)]
    pub required_present: bool,
}

/// A licence type: what a customer bought.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseType {
    /// Its name.
    pub name: String,
    /// The families it uses.
    pub families: Vec<FamilyTiers>,
}

/// A family that a licence type uses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyTiers {
    /// The family.
    pub family: Family,
    /// Its tags from the top tier down.
    pub tiers: Vec<Tag>,
}

impl LicenseType {
    /// All its tags, family by family, from the top.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.families.iter().flat_map(|family| &family.tiers)
    }
}

/// The product's own words; what is left out is shown in the words of `cli.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Words {
    /// For registration states.
    pub registration: BTreeMap<RegistrationState, String>,
    /// For authorization states.
    pub authorization: BTreeMap<AuthorizationState, String>,
}

/// Why a profile is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProfile {
    /// Not TOML of the documented shape.
    #[error("not a profile: {0}")]
    Unreadable(String),
    /// A value that makes no sense.
    #[error("the profile {name:?} is refused: {problem}")]
    Invalid {
        /// The profile.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// No profile of that name ships with Seatpool.
    #[error("no profile {0:?} ships with Seatpool")]
    Unknown(String),
}

impl Profile {
    /// The profiles that ship with Seatpool: name and text.
    pub const SHIPPED: &[(&str, &str)] = &[
        ("unified-ccx", include_str!("../profiles/unified-ccx.toml")),
        ("unified-ccx-12.5", include_str!("../profiles/unified-ccx-12.5.toml")),
        ("unified-cm", include_str!("../profiles/unified-cm.toml")),
    ];

    /// The shipped profile of that name.
    pub fn shipped(name: &str) -> Result<Self, InvalidProfile> {
        match Self::SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            Some((_, text)) => Self::from_toml(text),
            None => Err(InvalidProfile::Unknown(name.to_owned())),
        }
    }

    /// Reads a profile.
    pub fn from_toml(text: &str) -> Result<Self, InvalidProfile> {
        let profile: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
            InvalidProfile::Unreadable(format!("line {line}: {}", error.message()))
        })?;
        match profile.problem() {
            Some(problem) => Err(InvalidProfile::Invalid { name: profile.name, problem }),
            None => Ok(profile),
        }
    }

    fn problem(&self) -> Option<String> {
        if self.reporting.interval_minutes == 0 {
            return Some("reporting.interval_minutes must be at least 1".to_owned());
        }
        if self.out_of_compliance.after_overages == 0 {
            return Some("out_of_compliance.after_overages must be at least 1".to_owned());
        }
        if self.authorization.days == 0 || self.authorization.renew_days > self.authorization.days {
            return Some(
                "authorization.renew_days must be at most authorization.days, which is at least 1".to_owned(),
            );
        }
        if self.license_type(&self.default_license_type).is_none() {
            return Some(format!(
                "default_license_type {:?} is not a licence type",
                self.default_license_type
            ));
        }
        let mut features = BTreeSet::new();
        for feature in &self.export_features {
            let visible = feature.name.bytes().all(|byte| byte.is_ascii_graphic());
            if feature.name.is_empty() || feature.name.len() > limits::EXPORT_FEATURE_BYTES_MAX || !visible {
                return Some(format!("the export feature {:?} has no usable name", feature.name));
            }
            if !features.insert(&feature.name) {
                return Some(format!("the export feature {:?} stands twice", feature.name));
            }
        }
        let mut names = BTreeSet::new();
        for license_type in &self.license_types {
            if !names.insert(&license_type.name) {
                return Some(format!("the licence type {:?} stands twice", license_type.name));
            }
            if let Some(problem) = self.problem_of(license_type) {
                return Some(format!("licence type {:?}: {problem}", license_type.name));
            }
        }
        None
    }

    fn problem_of(&self, license_type: &LicenseType) -> Option<String> {
        let tags: Vec<&Tag> = license_type.tags().collect();
        let unique: BTreeSet<&Tag> = tags.iter().copied().collect();
        if tags.len() != unique.len() {
            return Some("a tag stands twice".to_owned());
        }
        if tags.is_empty() || tags.len() > limits::REPORT_TAGS_MAX {
            return Some(format!(
                "it has {} tags, 1 to {} are possible",
                tags.len(),
                limits::REPORT_TAGS_MAX
            ));
        }
        if license_type.families.len() > limits::REPORT_FAMILIES_MAX {
            return Some(format!("it has more than {} families", limits::REPORT_FAMILIES_MAX));
        }
        if let Some(family) = license_type
            .families
            .iter()
            .find(|f| f.tiers.is_empty() || f.tiers.len() > limits::FAMILY_TIERS_MAX)
        {
            return Some(format!("the family {} has no tier or too many", family.family));
        }
        tags.into_iter()
            .find(|tag| self.license(tag).is_none())
            .map(|tag| format!("{tag} is not in licenses"))
    }

    /// The licence type of that name.
    pub fn license_type(&self, name: &str) -> Option<&LicenseType> {
        self.license_types.iter().find(|license_type| license_type.name == name)
    }

    /// The licence with that tag.
    pub fn license(&self, tag: &Tag) -> Option<&LicenseInfo> {
        self.licenses.iter().find(|license| license.tag == *tag)
    }

    /// Length of a reporting interval.
    pub fn interval(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.reporting.interval_minutes.max(1)))
    }

    /// Length of the evaluation.
    pub fn evaluation(&self) -> SignedDuration {
        days(self.evaluation.days)
    }
}
