//! A year of one contact centre that reports every 15 minutes.

use super::{PREMIUM, STANDARD, World, days, hours, minutes};

/// Days of the year.
pub const DAYS: i64 = 365;

/// Joins a new agent and a new manager, registers, and lives a year: seats sign in and out by the hour, and in the
/// evening nobody is there. Everything is owned that is needed, and every request is answered.
pub fn live() -> World {
    let mut world = World::registered("unified-ccx", 200);
    world.manager.order(PREMIUM, 20, world.now);
    for day in 0..DAYS {
        for (hour, premium, standard) in [(0, 5, 60), (3, 20, 180), (8, 12, 120), (14, 0, 0)] {
            world.run_to(days(day) + hours(hour) + minutes(7));
            world.use_tag(PREMIUM, premium);
            world.use_tag(STANDARD, standard + day.unsigned_abs() % 10);
        }
    }
    world.run_to(days(DAYS));
    world
}
