//! Programs: OAuth2 clients and the access tokens that they get (RFC 6749, section 4.4; RFC 6750).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::Client;
use seatpool_domain::command::Actor;
use seatpool_proto::Sha256;

use super::Principal;
use crate::app::{App, AppError};

/// What an access token's `expires_in` says, in seconds (rest-api.md, "OAuth2").
pub const ACCESS_TOKEN_SECONDS: i64 = 3599;

/// An access token that was just granted.
pub struct Granted {
    /// The token: 256 random bits. Only its hash is stored.
    pub token: String,
    /// Seconds until it ends.
    pub expires_in: i64,
}

/// 256 random bits as text, for secrets and tokens.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(seatpool_crypto::random_bytes::<32>())
}

/// What is stored of a client's secret. The secret has 256 random bits, so a slow hash would add nothing.
pub fn secret_hash(secret: &str) -> String {
    Sha256::of(secret).to_string()
}

/// Grants an access token to the client with these credentials; none if they are wrong.
pub async fn grant(app: &App, client_id: &str, client_secret: &str) -> Result<Option<Granted>, AppError> {
    let client = app.store().client(client_id).await?;
    if !is_secret_of(client.as_ref(), client_secret) {
        return Ok(None);
    }
    let Some(client) = client else { return Ok(None) };
    let now = app.now();
    let token = secret();
    // Real seconds: a time lapse ends no token sooner.
    let expires_at = now + SignedDuration::from_secs(ACCESS_TOKEN_SECONDS * i64::from(app.clock().factor()));
    app.store().insert_access_token(Sha256::of(&token), &client.id, client.account, expires_at, now).await?;
    Ok(Some(Granted { token, expires_in: ACCESS_TOKEN_SECONDS }))
}

/// Compares in constant time, and does the same work for a client that does not exist.
fn is_secret_of(client: Option<&Client>, client_secret: &str) -> bool {
    let offered = secret_hash(client_secret);
    let stored = client.map_or_else(|| "0".repeat(offered.len()), |client| client.secret_hash.clone());
    let equal = aws_lc_rs::constant_time::verify_slices_are_equal(stored.as_bytes(), offered.as_bytes());
    equal.is_ok() && client.is_some()
}

/// Who an access token stands for; none if it is unknown, has ended, or its client is gone.
pub async fn principal(
    app: &App,
    access_token: &str,
    source: Option<String>,
    now: Timestamp,
) -> Result<Option<Principal>, AppError> {
    let Some(client_id) = app.store().access_token(Sha256::of(access_token), now).await? else {
        return Ok(None);
    };
    let client = app.store().client(&client_id).await?;
    Ok(client.map(|client| Principal {
        actor: Actor::Client(client.id),
        account: client.account,
        roles: client.roles,
        source,
    }))
}

#[cfg(test)]
mod tests {
    use seatpool_proto::AccountId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_clients_own_secret_is_its_secret() {
        let text = secret();
        assert_eq!(text.len(), 43, "256 bits in base64");
        let client = Client {
            id: "c".into(),
            account: AccountId(Uuid::nil()),
            name: "n".into(),
            secret_hash: secret_hash(&text),
            roles: vec![],
            created_at: Timestamp::UNIX_EPOCH,
        };
        assert!(is_secret_of(Some(&client), &text));
        assert!(!is_secret_of(Some(&client), &secret()));
        assert!(!is_secret_of(Some(&client), ""));
        assert!(!is_secret_of(None, &text));
    }
}
