//! Paging by cursor. A cursor says how far a reader has come; it is opaque, and good for the same query only.
//!
//! Lists that grow at their front (events, transactions) go on exactly where the page before ended, whatever was
//! appended in between: the cursor holds the list's length, and what it grew by is skipped.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seatpool_store::{Page, Paged};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::rest::problem::Problem;

/// How many rows a page has unless the caller says otherwise.
pub(crate) const LIMIT_DEFAULT: u32 = 100;
/// How many rows a page may have.
pub(crate) const LIMIT_MAX: u32 = 1000;

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct PageParams {
    /// How many rows, 1 to 1000; 100 if absent.
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// A page of rows.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct Rows<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// How many rows there are in all.
    pub(crate) total: u64,
    /// To get the next page with; absent at the end.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Rows<T> {
    /// How many of how many there are, for people.
    pub(crate) fn count_line(&self, what: &str) -> String {
        let plural = if self.total == 1 { "" } else { "s" };
        match &self.next_cursor {
            Some(cursor) => {
                format!("{} of {} {what}{plural}; go on with cursor {cursor}", self.items.len(), self.total)
            }
            None => format!("{} {what}{plural}", self.total),
        }
    }
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    limit: u32,
    offset: u64,
    /// The list's length when the cursor was made.
    total: Option<u64>,
}

impl PageParams {
    /// Reads the parameters.
    pub(crate) fn place(&self) -> Result<Place, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if limit == 0 || limit > LIMIT_MAX {
            return Err(Problem::unreadable(format!("limit is 1 to {LIMIT_MAX}, not {limit}")));
        }
        let Some(cursor) = &self.cursor else {
            return Ok(Place { limit, offset: 0, total: None });
        };
        let (offset, total) = decode(cursor).ok_or_else(|| {
            Problem::unreadable("the cursor is not one that this manager gave: start without one")
        })?;
        Ok(Place { limit, offset, total: Some(total) })
    }
}

impl Place {
    /// The page to read of a list that does not grow at its front.
    pub(crate) fn page(self) -> Page {
        Page { limit: self.limit, offset: self.offset }
    }

    /// The page to read again if the list has grown at its front since the cursor was made.
    pub(crate) fn moved(self, total_now: u64) -> Option<Self> {
        let grown = total_now.checked_sub(self.total?)?;
        (grown > 0).then_some(Self {
            offset: self.offset.saturating_add(grown),
            total: Some(total_now),
            ..self
        })
    }

    /// The rows with the cursor of the next page.
    pub(crate) fn rows<T>(self, found: Paged<T>) -> Rows<T> {
        let end = self.offset.saturating_add(found.items.len() as u64);
        let more = end < found.total && !found.items.is_empty();
        Rows { next_cursor: more.then(|| encode(end, found.total)), items: found.items, total: found.total }
    }
}

impl Place {
    /// The page out of all rows.
    pub(crate) fn cut<T>(self, rows: Vec<T>) -> Rows<T> {
        let (total, offset) = (rows.len() as u64, usize::try_from(self.offset).unwrap_or(usize::MAX));
        let items = rows.into_iter().skip(offset).take(self.limit as usize).collect();
        self.rows(Paged { items, total })
    }
}

fn encode(offset: u64, total: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{offset}.{total}"))
}

fn decode(cursor: &str) -> Option<(u64, u64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (offset, total) = text.split_once('.')?;
    Some((offset.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a list page by page; between the pages `grow` puts rows at its front.
    fn read_through(mut list: Vec<u32>, grow: impl Fn(&mut Vec<u32>)) -> Vec<u32> {
        let mut seen = Vec::new();
        let mut params = PageParams { limit: Some(3), cursor: None };
        loop {
            let mut place = params.place().unwrap();
            if let Some(moved) = place.moved(list.len() as u64) {
                place = moved;
            }
            let Page { limit, offset } = place.page();
            let items: Vec<_> = list.iter().skip(offset as usize).take(limit as usize).copied().collect();
            let rows = place.rows(Paged { items, total: list.len() as u64 });
            seen.extend(rows.items);
            params.cursor = rows.next_cursor;
            if params.cursor.is_none() {
                return seen;
            }
            grow(&mut list);
        }
    }

    #[test]
    fn pages_follow_one_another_without_gap_or_repetition() {
        assert_eq!(read_through((0..10).collect(), |_| {}), (0..10).collect::<Vec<_>>());
        assert_eq!(read_through((0..9).collect(), |_| {}), (0..9).collect::<Vec<_>>());
        assert_eq!(read_through(vec![], |_| {}), Vec::<u32>::new());
    }

    #[test]
    fn rows_that_are_all_at_hand_are_cut() {
        let place = |limit, cursor| PageParams { limit: Some(limit), cursor }.place().unwrap();
        let first = place(2, None).cut(vec![1, 2, 3]);
        assert_eq!((first.items, first.total), (vec![1, 2], 3));
        let last = place(2, first.next_cursor).cut(vec![1, 2, 3]);
        assert_eq!((last.items, last.next_cursor), (vec![3], None));
    }

    #[test]
    fn rows_that_are_appended_meanwhile_shift_nothing() {
        let grow = |list: &mut Vec<u32>| list.insert(0, 99);
        assert_eq!(read_through((0..10).collect(), grow), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn foreign_cursors_and_limits_are_refused() {
        for (limit, cursor) in [(0, None), (1001, None), (1, Some("x")), (1, Some("MTI"))] {
            let params = PageParams { limit: Some(limit), cursor: cursor.map(str::to_owned) };
            assert_eq!(params.place().unwrap_err().code, "unreadable", "{limit} {cursor:?}");
        }
    }
}
