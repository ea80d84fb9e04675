//! The time zone that times are shown in: the reader's, for the time of one request.
//!
//! [`super::guard`] opens the scope around every request, [`super::visit`] says whose zone it is as soon as it
//! knows who asks, and [`super::part::When`] reads it. So no page has to carry a zone around, and none can
//! forget it. Outside a request, and for those who chose none, it is UTC.

use std::cell::RefCell;

use jiff::tz::TimeZone;

tokio::task_local! {
    static SHOWN: RefCell<TimeZone>;
}

/// Runs a request's work; its times are UTC until [`choose`] says otherwise.
pub(crate) async fn scope<F: Future>(work: F) -> F::Output {
    SHOWN.scope(RefCell::new(TimeZone::UTC), work).await
}

/// From here on this request's times are shown in `zone`.
pub(crate) fn choose(zone: TimeZone) {
    // Outside a request there is nobody to show times to.
    let _ = SHOWN.try_with(|shown| shown.replace(zone));
}

/// The zone to show times in.
pub(crate) fn shown() -> TimeZone {
    SHOWN.try_with(|shown| shown.borrow().clone()).unwrap_or(TimeZone::UTC)
}
