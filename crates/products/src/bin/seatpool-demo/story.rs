//! Scenarios 1 and 2 of the reference documents ("License Computation"), as they really happen.

use anyhow::ensure;
use jiff::Timestamp;
use seatpool_agent::Status;
use seatpool_agent::status::AuthorizationState;

use crate::narrate::{at, chapter};
use crate::stage::{Stage, entitlement};

/// Names in the order of the stage's centres.
const NAMES: [&str; 3] = ["London", "Berlin", "Madrid"];

/// Tells both scenarios; fails at the first thing that does not come true.
pub(crate) async fn tell(stage: &mut Stage) -> anyhow::Result<()> {
    a_quiet_morning(stage).await?;
    scenario_2(stage).await?;
    scenario_1(stage).await?;
    chapter("All of it was seen");
    Ok(())
}

async fn a_quiet_morning(stage: &mut Stage) -> anyhow::Result<()> {
    chapter("A quiet morning: 80 of 100 seats");
    stage.staff_all([30, 30, 20]).await?;
    at(stage.now(), "30 seats in London, 30 in Berlin, 20 in Madrid");
    stage
        .until("all centres report and are authorized", 40, |_, states| {
            states.iter().all(|s| is_authorized(s) && entitlement(s).reported.count() > 0)
        })
        .await?;
    let (owned, in_use) = stage.pool().await?;
    at(stage.now(), &format!("all are AUTHORIZED; the manager shows {in_use} of {owned} in use"));
    ensure!(owned == 100, "100 are owned, the manager shows {owned}");
    Ok(())
}

/// Two overages within an hour, then back: nothing comes of it, and the count starts anew.
async fn scenario_2(stage: &mut Stage) -> anyhow::Result<()> {
    chapter("Scenario 2: a short peak");
    stage.staff_all([50, 45, 35]).await?;
    at(stage.now(), "a campaign starts: 130 seats are signed in, 100 are owned");
    let mut watch = Watch::new();
    stage.until("a centre is told of an overage", 40, |now, states| watch.note(now, states) >= 1).await?;
    stage.staff_all([30, 30, 20]).await?;
    at(stage.now(), "the campaign ends after one interval: 80 seats again");
    stage
        .until("the counts are back at zero", 90, |now, states| {
            watch.note(now, states);
            states.iter().all(|s| entitlement(s).overages == 0)
        })
        .await?;
    ensure!(!watch.left_compliance, "nobody may go out of compliance in scenario 2");
    ensure!(watch.most < 5, "fewer than five overages in scenario 2, there were {}", watch.most);
    at(
        stage.now(),
        &format!("back within range after at most {} overages: the count starts anew", watch.most),
    );
    Ok(())
}

/// Five overages in a row: out of compliance, locked at the highest usage, until what is missing is bought.
async fn scenario_1(stage: &mut Stage) -> anyhow::Result<()> {
    chapter("Scenario 1: 130 seats to stay");
    stage.staff_all([50, 45, 35]).await?;
    at(stage.now(), "130 seats are signed in, 100 are owned");
    let mut watch = Watch::new();
    stage
        .until("all centres are out of compliance", 150, |now, states| {
            watch.note(now, states);
            states.iter().all(|s| s.authorization.state == AuthorizationState::OutOfCompliance)
        })
        .await?;
    for (name, state) in NAMES.iter().zip(watch.graces.iter()) {
        if let Some(ends_at) = state {
            at(
                stage.now(),
                &format!(
                    "{name} has until {} before users are no longer synchronized",
                    ends_at.strftime("%Y-%m-%d")
                ),
            );
        }
    }

    chapter("Fewer seats do not help: usage is locked");
    stage.staff_all([30, 30, 20]).await?;
    at(stage.now(), "80 seats again");
    stage
        .until("the centres report their locked usage", 60, |_, states| {
            states.iter().all(|s| entitlement(s).locked.is_some_and(|locked| locked > entitlement(s).actual))
        })
        .await?;
    let mut locked = [0; 3];
    // Two more reports: the manager holds the pool to what it really used.
    let mut reports = 0;
    let mut last = None;
    stage
        .until("two more reports", 60, |_, states| {
            let latest = states.iter().filter_map(|s| entitlement(s).answered_at).min();
            if latest > last {
                reports += 1;
                last = latest;
            }
            for (own, state) in locked.iter_mut().zip(states) {
                *own = entitlement(state).locked.map_or(0, seatpool_proto::Quantity::count);
            }
            reports > 2
        })
        .await?;
    let (owned, in_use) = stage.pool().await?;
    let [london, berlin, madrid] = locked;
    at(
        stage.now(),
        &format!(
            "reported: {london} in London, {berlin} in Berlin, {madrid} in Madrid, with 80 actually in use"
        ),
    );
    at(stage.now(), &format!("the manager holds the pool to {in_use} of {owned}"));
    ensure!(in_use == 130, "the pool is held to 130, the manager shows {in_use}");
    ensure!(locked == [50, 45, 35], "locked at 50, 45 and 35, not at {locked:?}");

    chapter("An order of 30");
    stage.order("DEMO-3", crate::stage::LICENSE, 30).await?;
    stage
        .until("all centres are authorized again", 60, |_, states| {
            states.iter().all(|s| is_authorized(s) && entitlement(s).locked.is_none())
        })
        .await?;
    at(stage.now(), "all are AUTHORIZED again; nothing is locked");
    let (owned, in_use) = stage.until_pool_shows(80, 60).await?;
    at(stage.now(), &format!("the manager shows {in_use} of {owned} in use"));
    ensure!(owned == 130, "130 are owned, the manager shows {owned}");
    Ok(())
}

fn is_authorized(state: &Status) -> bool {
    state.authorization.state == AuthorizationState::Authorized
}

/// Tells every overage as it comes.
struct Watch {
    overages: [u32; 3],
    out: [bool; 3],
    graces: [Option<Timestamp>; 3],
    most: u32,
    left_compliance: bool,
}

impl Watch {
    fn new() -> Self {
        Self { overages: [0; 3], out: [false; 3], graces: [None; 3], most: 0, left_compliance: false }
    }

    /// The highest count of overages that any centre has now.
    fn note(&mut self, now: Timestamp, states: &[Status]) -> u32 {
        for (centre, state) in states.iter().enumerate().take(NAMES.len()) {
            let (name, line) = (NAMES[centre], entitlement(state));
            if line.overages != self.overages[centre] {
                self.overages[centre] = line.overages;
                if line.overages > 0 {
                    let until = line.overages_until_transition;
                    at(now, &format!("{name} is told of an overage: {} of {until}", line.overages));
                }
            }
            let is_out = state.authorization.state == AuthorizationState::OutOfCompliance;
            if is_out && !self.out[centre] {
                self.left_compliance = true;
                at(now, &format!("{name} is OUT OF COMPLIANCE"));
            }
            self.out[centre] = is_out;
            self.graces[centre] = state.enforcement.graces.first().and_then(|grace| grace.ends_at);
            self.most = self.most.max(line.overages);
        }
        self.overages.into_iter().max().unwrap_or(0)
    }
}
