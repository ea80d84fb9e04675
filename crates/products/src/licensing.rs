//! What the contact centre asks and tells its agent, over the agent's local socket.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use http::Method;
use seatpool_agentd::api::{ClockAnswer, MayI, StatusAnswer};
use seatpool_agentd::client::{Client, ClientError, Lines};

use crate::centre::{Centre, Kind};

/// The feature that signing in is, in *may I?*.
const SIGN_IN: &str = "sign-in";
/// The feature that synchronizing users is, in *may I?*.
const USER_SYNC: &str = "user-sync";

/// The agent's code for more than is reserved.
const BEYOND_RESERVATION: &str = "beyond_reservation";

/// Which licence each kind of seat uses, by the product's licence type (004_359de8f7c2d6d0b5.txt, "Data
/// Reported to Cisco SSM").
const TAGS: &[(&str, Option<&str>, Option<&str>)] = &[
    ("Flex", Some("CCX_FLEX_PREMIUM"), Some("CCX_FLEX_STANDARD")),
    ("Perpetual Premium", Some("CCX_PREMIUM"), Some("CCX_PREMIUM")),
    ("Perpetual Enhanced", None, Some("CCX_ENHANCED")),
    ("IP-IVR", None, None),
];

/// A question that was answered with no, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

/// The agent, as the contact centre sees it.
#[derive(Clone, Debug)]
pub struct Licensing {
    client: Client,
    license_type: String,
    /// What the agent's profile restricts, of what this product has.
    restricted: Vec<String>,
    premium: Option<&'static str>,
    standard: Option<&'static str>,
}

impl Licensing {
    /// Asks the agent for its licence type and for what its profile restricts. A profile that would restrict
    /// what this product does not have is refused: it would restrict nothing.
    pub async fn open(client: Client) -> anyhow::Result<Self> {
        let status = client.get::<StatusAnswer>("licensing/status").await?.status;
        let (_, premium, standard) =
            TAGS.iter().find(|(name, ..)| *name == status.license_type).with_context(|| {
                format!(
                    "the agent's licence type is {:?}, which this product does not know: give its agent the profile unified-ccx",
                    status.license_type
                )
            })?;
        let (premium, standard) = (*premium, *standard);
        let restricted = status.enforcement.blocked;
        if let Some(unknown) = restricted.iter().find(|name| ![SIGN_IN, USER_SYNC].contains(&name.as_str())) {
            bail!(
                "the agent's profile restricts {unknown:?}, which this product does not have: it has {SIGN_IN} and {USER_SYNC}; correct enforcement.blocked in the profile"
            );
        }
        Ok(Self { client, license_type: status.license_type, restricted, premium, standard })
    }

    /// The time that the agent counts by.
    pub async fn clock(&self) -> Result<ClockAnswer, ClientError> {
        self.client.get("licensing/clock").await
    }

    /// Whether one more seat of `kind` may sign in.
    pub async fn may_sign_in(&self, kind: Kind) -> Result<Result<(), Refused>, ClientError> {
        if self.tag(kind).is_none() {
            let words = format!("the licence type {:?} has no {kind} seats", self.license_type);
            return Ok(Err(Refused(words)));
        }
        self.may_i(SIGN_IN).await
    }

    /// Whether users may be synchronized.
    pub async fn may_sync_users(&self) -> Result<Result<(), Refused>, ClientError> {
        self.may_i(USER_SYNC).await
    }

    async fn may_i(&self, feature: &str) -> Result<Result<(), Refused>, ClientError> {
        if !self.restricted.iter().any(|name| name == feature) {
            return Ok(Ok(()));
        }
        let answer: MayI = self.client.get(&format!("licensing/may-i/{feature}")).await?;
        Ok(if answer.allowed { Ok(()) } else { Err(Refused(answer.description.unwrap_or_default())) })
    }

    /// Tells what is in use at this moment, all tags at once. With a reservation, more than is reserved is refused.
    pub async fn claim(&self, centre: &Centre) -> Result<Result<(), Refused>, ClientError> {
        match self.report(centre).await {
            Err(ClientError::Refused { code, description, .. }) if code == BEYOND_RESERVATION => {
                Ok(Err(Refused(description)))
            }
            told => told.map(Ok),
        }
    }

    /// Tells what is in use at this moment, all tags at once.
    pub async fn report(&self, centre: &Centre) -> Result<(), ClientError> {
        let mut usage: BTreeMap<&str, u64> = BTreeMap::new();
        for kind in [Kind::Premium, Kind::Standard] {
            if let Some(tag) = self.tag(kind) {
                *usage.entry(tag).or_default() += centre.seats(kind);
            }
        }
        self.client.change(Method::PATCH, "licensing/features", Some(&usage)).await.map(|_| ())
    }

    /// The alerts that stand, then events as they happen.
    pub async fn alerts(&self) -> Result<Lines, ClientError> {
        self.client.lines("licensing/alerts").await
    }

    /// Everything about the licence.
    pub async fn status(&self) -> Result<StatusAnswer, ClientError> {
        self.client.get("licensing/status").await
    }

    fn tag(&self, kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::Premium => self.premium,
            Kind::Standard => self.standard,
        }
    }
}
