//! What an agent's *may I?* costs, in time and in allocations.

use core::sync::atomic::{AtomicU64, Ordering};
use std::alloc::{GlobalAlloc, Layout, System};

use anyhow::{Context as _, ensure};
use seatpool_agent::{Agent, Identity, Profile};
use seatpool_proto::Udi;

use super::clock::{now, time};
use super::table::Table;

/// Limit of one answer, in nanoseconds (what we hold ourselves to: under 200 ns on a quiet core).
const NANOSECONDS_MAX: f64 = 200.0;
/// Answers that are timed.
const ROUNDS: u32 = 1_000_000;

/// The system's allocator, counting. A program that measures sets it as its global allocator; without it the figure
/// of allocations is zero.
#[derive(Debug)]
pub struct CountingAllocator;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[expect(
    unsafe_code,
    reason = "a global allocator is unsafe by its trait; this one only counts and hands on"
)]
// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

pub(super) fn measure(table: &mut Table) -> anyhow::Result<()> {
    let profile = Profile::shipped("unified-ccx").context("the profile ships")?;
    let at = now();
    let udi = Udi::new("UCCX", "BENCH", None)?;
    let identity = Identity { udi, product_name: "Bench".to_owned(), product_version: None, host_name: None };
    let agent = Agent::new(profile, identity, None, at);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let (span, allowed) = time(|| {
        (0..ROUNDS)
            .filter(|_| {
                std::hint::black_box(&agent).may_i(std::hint::black_box("CCX_FLEX_STANDARD"), at).is_allowed()
            })
            .count()
    });
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    ensure!(allowed == ROUNDS as usize, "an agent under evaluation allows");
    let each = span.as_secs_f64() * 1e9 / f64::from(ROUNDS);
    table.line(
        "an agent's may I?",
        format!("{each:.0} ns, {allocations} allocations in {ROUNDS}"),
        format!("{NANOSECONDS_MAX:.0} ns, none"),
        each / NANOSECONDS_MAX,
    );
    Ok(())
}
