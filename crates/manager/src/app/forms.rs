//! Forms that are sent twice are done once: what a form held is noted under a digest before it is worked on,
//! and where it led after. Whoever sends the same again waits for the first and is led to the same place.
//!
//! | module | owns |
//! |---|---|
//! | `shown` | pages that show a secret once: shown again to who sent the same form again |
//! | `typed` | what was typed into a form whose session had ended |

mod shown;
mod typed;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError, Weak};

use seatpool_proto::Sha256;
use seatpool_store::FormSent;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{App, AppError};
pub(crate) use shown::{Sender, Shown};
pub(crate) use typed::{TYPED_MINUTES, form_key, keep_typed, typed, user_of};

/// What a form led to that showed a secret and no place, before the place to go on at.
const SHOWN: &str = "shown ";

/// The turns of forms that are being worked on in this process.
#[derive(Debug, Default)]
pub(crate) struct Turns(StdMutex<HashMap<Sha256, Weak<Mutex<()>>>>);

impl Turns {
    async fn take(&self, digest: Sha256) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(&digest).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::new(Mutex::new(()));
                turns.insert(digest, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

/// The right to work on a form, alone.
#[derive(Debug)]
pub struct Ticket {
    app: App,
    digest: Sha256,
    _turn: OwnedMutexGuard<()>,
}

/// What is known of a form.
#[derive(Debug)]
pub enum Form {
    /// It was not sent before.
    First(Ticket),
    /// It was, and led here.
    Done(String),
    /// It was, and showed a secret; who wants another goes on here.
    Shown(String),
    /// It was, and the manager stopped while it was at it.
    Unknown,
}

/// What came of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// It changed nothing and may be sent again.
    Nothing,
    /// It led here.
    Led(String),
    /// It showed a secret; who wants another goes on here.
    Showed(String),
}

/// Takes a form to work on it, once nobody else is at the same.
pub async fn take(app: &App, digest: Sha256) -> Result<Form, AppError> {
    let turn = app.turns().take(digest).await;
    Ok(match app.store().take_form(digest, app.now()).await? {
        FormSent::Never => Form::First(Ticket { app: app.clone(), digest, _turn: turn }),
        FormSent::Answered(answer) => match answer.strip_prefix(SHOWN) {
            Some(next) => Form::Shown(next.to_owned()),
            None => Form::Done(answer),
        },
        FormSent::Unanswered => Form::Unknown,
    })
}

impl Ticket {
    /// Notes what came of the form.
    pub async fn finish(self, came: Came) -> Result<(), AppError> {
        let store = self.app.store();
        match came {
            Came::Led(to) => store.answer_form(self.digest, &to).await?,
            Came::Showed(next) => store.answer_form(self.digest, &format!("{SHOWN}{next}")).await?,
            Came::Nothing => store.forget_form(self.digest).await?,
        }
        Ok(())
    }
}
