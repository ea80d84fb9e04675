//! The contact centre itself: its users, its seats, its capacity. No I/O.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a seat may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Calls, and what premium adds.
    Premium,
    /// Calls.
    Standard,
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Premium => "premium",
            Self::Standard => "standard",
        })
    }
}

/// Why a seat can't be taken, licences apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The installation is too small.
    #[error("this installation holds {0} seats and no more, whatever is licensed")]
    Capacity(u64),
}

/// A contact centre. Users are known by number; they come from the company's directory in that order.
#[derive(Clone, Debug)]
pub struct Centre {
    /// Users that were synchronized from the directory, signed in or not.
    users: u64,
    /// Who is signed in, and as what.
    seats: BTreeMap<u64, Kind>,
    capacity: u64,
}

impl Centre {
    /// An empty centre for at most `capacity` seats, with `users` known users.
    pub fn new(capacity: u64, users: u64) -> Self {
        Self { users, seats: BTreeMap::new(), capacity }
    }

    /// Known users.
    pub fn users(&self) -> u64 {
        self.users
    }

    /// How many are signed in as `kind`.
    pub fn seats(&self, kind: Kind) -> u64 {
        self.seats.values().filter(|seat| **seat == kind).count() as u64
    }

    /// Whether a sign-in needs a user who is not known yet.
    pub fn needs_user(&self) -> bool {
        self.seats.len() as u64 >= self.users
    }

    /// Synchronizes one more user from the directory.
    pub fn add_user(&mut self) {
        self.users += 1;
    }

    /// Whether the installation has room for one more seat.
    pub fn has_room(&self) -> Result<(), Full> {
        if (self.seats.len() as u64) < self.capacity { Ok(()) } else { Err(Full::Capacity(self.capacity)) }
    }

    /// Signs the first known user in who is not; `false` if all are.
    pub fn sign_in(&mut self, kind: Kind) -> bool {
        let free = (1..=self.users).find(|user| !self.seats.contains_key(user));
        if let Some(user) = free {
            self.seats.insert(user, kind);
        }
        free.is_some()
    }

    /// Signs out up to `count` seats, of `kind` if one is named, the last ones first; how many it was.
    pub fn sign_out(&mut self, count: u64, kind: Option<Kind>) -> u64 {
        let leaving: Vec<u64> = self
            .seats
            .iter()
            .rev()
            .filter(|(_, seat)| kind.is_none_or(|kind| kind == **seat))
            .map(|(user, _)| *user)
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .collect();
        for user in &leaving {
            self.seats.remove(user);
        }
        leaving.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_taken_by_known_users_up_to_the_capacity() {
        let mut centre = Centre::new(2, 1);
        assert!(centre.sign_in(Kind::Standard));
        assert!(centre.needs_user() && !centre.sign_in(Kind::Premium));
        centre.add_user();
        assert!(centre.sign_in(Kind::Premium));
        assert_eq!(centre.has_room(), Err(Full::Capacity(2)));
        assert_eq!((centre.seats(Kind::Premium), centre.seats(Kind::Standard)), (1, 1));
        assert_eq!(centre.sign_out(5, Some(Kind::Premium)), 1);
        assert_eq!((centre.sign_out(5, None), centre.sign_out(5, None)), (1, 0));
    }
}
