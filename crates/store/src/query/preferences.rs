//! What people prefer, and which of the portal's forms were sent.

use jiff::Timestamp;
use seatpool_proto::Sha256;

use crate::error::StoreError;
use crate::sql::{Sql, Value, statements};
use crate::store::Store;

statements! {
    TIME_ZONE = Sql::both(
        "SELECT time_zone FROM preferences WHERE user_id = (SELECT id FROM users WHERE login = $1)",
    );
    SET_TIME_ZONE = Sql::both(
        "INSERT INTO preferences (user_id, time_zone) SELECT id, $2 FROM users WHERE login = $1 \
         ON CONFLICT (user_id) DO UPDATE SET time_zone = excluded.time_zone",
    );
    TAKE_FORM = Sql::both(
        "INSERT INTO forms_sent (digest, sent_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
    );
    FORM_ANSWER = Sql::both("SELECT answer FROM forms_sent WHERE digest = $1");
    ANSWER_FORM = Sql::both("UPDATE forms_sent SET answer = $2 WHERE digest = $1");
    FORGET_FORM = Sql::both("DELETE FROM forms_sent WHERE digest = $1");
}

/// What is known of a form that somebody sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormSent {
    /// It was not sent before; now it is noted as being worked on.
    Never,
    /// It was sent, and nobody noted what came of it.
    Unanswered,
    /// It was sent, and led here.
    Answered(String),
}

impl Store {
    /// The time zone that the user with this login chose.
    pub async fn time_zone(&self, login: &str) -> Result<Option<String>, StoreError> {
        let rows = self.db.rows(&TIME_ZONE, &[Value::text(login)]).await?;
        rows.first().map(|row| row.reader().text()).transpose()
    }

    /// Keeps the time zone that the user with this login chose.
    pub async fn set_time_zone(&self, login: &str, zone: &str) -> Result<(), StoreError> {
        self.db.execute(&SET_TIME_ZONE, &[Value::text(login), Value::text(zone)]).await.map(drop)
    }

    /// Notes that a form is being worked on, unless it was sent before.
    pub async fn take_form(&self, digest: Sha256, now: Timestamp) -> Result<FormSent, StoreError> {
        if self.db.execute(&TAKE_FORM, &[Value::text(digest), Value::time(now)]).await? > 0 {
            return Ok(FormSent::Never);
        }
        let rows = self.db.rows(&FORM_ANSWER, &[Value::text(digest)]).await?;
        let answer = rows.first().map(|row| row.reader().maybe_text()).transpose()?.flatten();
        Ok(answer.map_or(FormSent::Unanswered, FormSent::Answered))
    }

    /// What is known of a form; nothing is noted.
    pub async fn form_sent(&self, digest: Sha256) -> Result<FormSent, StoreError> {
        let rows = self.db.rows(&FORM_ANSWER, &[Value::text(digest)]).await?;
        let Some(row) = rows.first() else { return Ok(FormSent::Never) };
        Ok(row.reader().maybe_text()?.map_or(FormSent::Unanswered, FormSent::Answered))
    }

    /// Notes where a form led.
    pub async fn answer_form(&self, digest: Sha256, answer: &str) -> Result<(), StoreError> {
        self.db.execute(&ANSWER_FORM, &[Value::text(digest), Value::text(answer)]).await.map(drop)
    }

    /// Forgets a form that changed nothing, so that it can be sent again.
    pub async fn forget_form(&self, digest: Sha256) -> Result<(), StoreError> {
        self.db.execute(&FORGET_FORM, &[Value::text(digest)]).await.map(drop)
    }
}
