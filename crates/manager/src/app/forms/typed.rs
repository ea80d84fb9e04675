//! What was typed into a form whose session had ended: kept for who typed it, until they have signed in again.
//!
//! Every form carries a text that its session's pages alone have. It is sealed and names the session's user: so even
//! when the session is gone, it is known whose form it is, and that a page of theirs made it. What was typed is
//! sealed for that user and kept beside what is known of forms that were sent.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::UserStatus;
use seatpool_proto::Sha256;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::access::clients::secret;
use crate::app::{App, AppError};
use crate::ca::Ca;

/// How long it is kept, in real minutes.
pub(crate) const TYPED_MINUTES: i64 = 60;
/// What the text that forms carry is sealed for.
const FORM_KEY: &str = "forms of a session";

/// A form as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TypedForm {
    /// Where it was sent to: path and query.
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
    at: Timestamp,
}

/// What the forms of a new session of this user carry: nobody can guess it, and the manager can read whose it is.
pub(crate) fn form_key(ca: &Ca, user: Uuid) -> Result<String, AppError> {
    let random = seatpool_crypto::random_bytes::<16>();
    Ok(ca.seal(FORM_KEY, &[*user.as_bytes(), random].concat())?)
}

/// Whose session made a form.
pub(crate) fn user_of(ca: &Ca, form_key: &str) -> Option<Uuid> {
    let opened = ca.unseal(FORM_KEY, form_key)?;
    Uuid::from_slice(opened.get(..16)?).ok()
}

/// Keeps what this user typed; by which it is found again. Of somebody who may not sign in any more nothing is kept.
pub(crate) async fn keep_typed(
    app: &App,
    user: Uuid,
    action: String,
    fields: Vec<(String, String)>,
) -> Result<Option<String>, AppError> {
    let owner = app.store().user(user).await?;
    if owner.is_none_or(|owner| owner.status != UserStatus::Active) {
        return Ok(None);
    }
    let (id, at) = (secret(), app.clock().real());
    let form = serde_json::to_vec(&TypedForm { action, fields, at }).map_err(|_| AppError::Internal)?;
    let sealed = app.ca().seal(&purpose(user), &form)?;
    let digest = digest(&id);
    app.store().take_form(digest, app.now()).await?;
    app.store().answer_form(digest, &sealed).await?;
    Ok(Some(id))
}

/// What this user typed, if it is kept; what another did is not found.
pub(crate) async fn typed(app: &App, user: Uuid, id: &str) -> Result<Option<TypedForm>, AppError> {
    let seatpool_store::FormSent::Answered(sealed) = app.store().form_sent(digest(id)).await? else {
        return Ok(None);
    };
    let Some(opened) = app.ca().unseal(&purpose(user), &sealed) else { return Ok(None) };
    let form: Option<TypedForm> = serde_json::from_slice(&opened).ok();
    let is_fresh = |form: &TypedForm| {
        app.clock().real().duration_since(form.at) < SignedDuration::from_mins(TYPED_MINUTES)
    };
    Ok(form.filter(is_fresh))
}

fn digest(id: &str) -> Sha256 {
    Sha256::of(format!("typed {id}"))
}

fn purpose(user: Uuid) -> String {
    format!("typed into a form by {user}")
}
