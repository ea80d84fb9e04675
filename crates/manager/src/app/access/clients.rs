//! Programs: OAuth2 clients and the access tokens that they get (RFC 6749, sections 4.3 and 4.4; RFC 6750).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use seatpool_domain::access::{Client, OauthScope, User, UserStatus};
use seatpool_domain::command::Actor;
use seatpool_proto::Sha256;
use seatpool_store::AccessToken;

use super::Principal;
use super::sessions::{self, Browser, SignInError};
use crate::app::{App, AppError};

/// What an access token's `expires_in` says, in seconds (rest-api.md, "OAuth2").
pub const ACCESS_TOKEN_SECONDS: i64 = 3599;

/// An access token that was just granted.
pub struct Granted {
    /// The token: 256 random bits. Only its hash is stored.
    pub token: String,
    /// Seconds until it ends.
    pub expires_in: i64,
    /// What it may use of the roles.
    pub scopes: Vec<OauthScope>,
}

/// Why no access token was granted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such client, or not with this secret: not told apart.
    #[error("there is no client with this client_id and client_secret on this manager")]
    Client,
    /// The client was not given this scope, or there is none of this name.
    #[error("the client was not given the scope {0:?}")]
    Scope(String),
    /// The account does not let clients use passwords.
    #[error(
        "the account does not let clients use its users' passwords: use grant_type=client_credentials, or have an account administrator allow it"
    )]
    PasswordsOff,
    /// The person can't get a token in this way; not told why.
    #[error(
        "the user name or the password is wrong, or this user signs in with more than a password: use grant_type=client_credentials"
    )]
    User,
    /// Too many failures.
    #[error("too many failed attempts: try again in {seconds} seconds")]
    Wait {
        /// How long to wait.
        seconds: u64,
    },
    /// The user is guessed at from many networks.
    #[error("somebody guesses at this user's password: this network's turn is in {seconds} seconds")]
    Besieged {
        /// In how long to try again.
        seconds: u64,
    },
    /// The manager could not answer.
    #[error(transparent)]
    App(#[from] AppError),
}

/// 256 random bits as text, for secrets and tokens.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(seatpool_crypto::random_bytes::<32>())
}

/// What is stored of a client's secret. The secret has 256 random bits, so a slow hash would add nothing.
pub fn secret_hash(secret: &str) -> String {
    Sha256::of(secret).to_string()
}

/// Grants an access token to the client with these credentials, of all its scopes or those that are asked for.
pub async fn grant(
    app: &App,
    client_id: &str,
    client_secret: &str,
    scope: Option<&str>,
) -> Result<Granted, GrantError> {
    let client = authenticated(app, client_id, client_secret).await?;
    let scopes = asked_scopes(&client, scope)?;
    Ok(issue(app, &client, None, scopes).await?)
}

/// Grants an access token in the name of a person who gave the client the password: only where the account's
/// administrator allows it, and never for somebody with a second factor.
pub async fn grant_by_password(
    app: &App,
    (client_id, client_secret): (&str, &str),
    (login, password): (&str, String),
    scope: Option<&str>,
    address: Option<&str>,
) -> Result<Granted, GrantError> {
    let client = authenticated(app, client_id, client_secret).await?;
    let account = app.store().account(client.account).await.map_err(AppError::from)?;
    let rules = account.map(|account| account.sign_in_rules).unwrap_or_default();
    if !rules.password_grant {
        return Err(GrantError::PasswordsOff);
    }
    let scopes = asked_scopes(&client, scope)?;
    let browser = Browser { address: address.map(str::to_owned), ..Browser::default() };
    let user = match sessions::check_password(app, login, password, &browser).await {
        Ok(user) => user,
        Err(SignInError::Wrong) => return Err(GrantError::User),
        Err(SignInError::Wait { seconds }) => return Err(GrantError::Wait { seconds }),
        Err(SignInError::Besieged { seconds }) => return Err(GrantError::Besieged { seconds }),
        Err(SignInError::App(error)) => return Err(error.into()),
    };
    let more_is_asked =
        user.second_factor.is_some() || rules.second_factor_required || user.must_change_password;
    if user.account != client.account || more_is_asked {
        return Err(GrantError::User);
    }
    Ok(issue(app, &client, Some(&user), scopes).await?)
}

async fn authenticated(app: &App, id: &str, secret: &str) -> Result<Client, GrantError> {
    let client = app.store().client(id).await.map_err(AppError::from)?;
    let is_right = is_secret_of(client.as_ref(), secret, app.now());
    client.filter(|_| is_right).ok_or(GrantError::Client)
}

/// The scopes that are asked for (RFC 6749, section 3.3), all of them the client's.
fn asked_scopes(client: &Client, scope: Option<&str>) -> Result<Vec<OauthScope>, GrantError> {
    let Some(text) = scope.filter(|text| !text.trim().is_empty()) else { return Ok(client.scopes.clone()) };
    let one = |name: &str| {
        let scope = OauthScope::parse(name).filter(|scope| client.scopes.contains(scope));
        scope.ok_or_else(|| GrantError::Scope(name.to_owned()))
    };
    text.split_whitespace().map(one).collect()
}

async fn issue(
    app: &App,
    client: &Client,
    user: Option<&User>,
    scopes: Vec<OauthScope>,
) -> Result<Granted, AppError> {
    let (now, token) = (app.now(), secret());
    // Real seconds: a time lapse ends no token sooner.
    let span = SignedDuration::from_secs(ACCESS_TOKEN_SECONDS * i64::from(app.clock().factor()));
    let granted = AccessToken {
        client: client.id.clone(),
        account: client.account,
        expires_at: now + span,
        created_at: now,
        user: user.map(|user| user.id),
        scopes: scopes.clone(),
    };
    app.store().insert_access_token(Sha256::of(&token), &granted).await?;
    Ok(Granted { token, expires_in: ACCESS_TOKEN_SECONDS, scopes })
}

/// Compares in constant time, and does the same work for a client that does not exist.
fn is_secret_of(client: Option<&Client>, client_secret: &str, now: Timestamp) -> bool {
    let offered = secret_hash(client_secret);
    let nothing = "0".repeat(offered.len());
    let present = client.map_or(&nothing, |client| &client.secret_hash);
    let previous =
        client.and_then(|client| client.previous_secret.as_ref()).filter(|secret| secret.until > now);
    let previous = previous.map_or(&nothing, |secret| &secret.hash);
    let equal = |stored: &String| {
        aws_lc_rs::constant_time::verify_slices_are_equal(stored.as_bytes(), offered.as_bytes()).is_ok()
    };
    (equal(present) | equal(previous)) && client.is_some()
}

/// Who an access token stands for; none if it is unknown, has ended, or its client or user is gone.
pub async fn principal(
    app: &App,
    access_token: &str,
    source: Option<String>,
    now: Timestamp,
) -> Result<Option<Principal>, AppError> {
    let Some(token) = app.store().access_token(Sha256::of(access_token), now).await? else {
        return Ok(None);
    };
    let Some(client) = app.store().client(&token.client).await? else { return Ok(None) };
    // What was taken from the client since is taken from its tokens, too.
    let scopes = token.scopes.into_iter().filter(|scope| client.scopes.contains(scope)).collect();
    let Some(user) = token.user else {
        return Ok(Some(Principal {
            actor: Actor::Client(client.id),
            account: client.account,
            roles: client.roles,
            scopes,
            source,
        }));
    };
    let user = app.store().user(user).await?;
    let counts = |user: &User| user.status == UserStatus::Active && token.created_at >= user.sessions_from;
    Ok(user.filter(counts).map(|user| Principal { scopes, ..sessions::principal(&user, source.as_deref()) }))
}

#[cfg(test)]
mod tests {
    use seatpool_domain::access::PreviousSecret;
    use seatpool_proto::AccountId;
    use uuid::Uuid;

    use super::*;

    fn client(secret: &str) -> Client {
        Client {
            id: "c".into(),
            account: AccountId(Uuid::nil()),
            name: "n".into(),
            secret_hash: secret_hash(secret),
            roles: vec![],
            scopes: vec![OauthScope::Read, OauthScope::Orders],
            created_at: Timestamp::UNIX_EPOCH,
            previous_secret: None,
            deleted_at: None,
        }
    }

    #[test]
    fn only_the_clients_own_secret_is_its_secret() {
        let text = secret();
        assert_eq!(text.len(), 43, "256 bits in base64");
        let (client, now) = (client(&text), Timestamp::UNIX_EPOCH);
        assert!(is_secret_of(Some(&client), &text, now));
        assert!(!is_secret_of(Some(&client), &secret(), now));
        assert!(!is_secret_of(Some(&client), "", now));
        assert!(!is_secret_of(None, &text, now));
    }

    #[test]
    fn a_secret_that_was_replaced_is_taken_until_the_overlap_ends() {
        let (older, newer) = (secret(), secret());
        let until = Timestamp::from_second(100).unwrap();
        let previous_secret = Some(PreviousSecret { hash: secret_hash(&older), until });
        let client = Client { previous_secret, ..client(&newer) };
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, good) in [(0, true), (99, true), (100, false)] {
            assert_eq!(is_secret_of(Some(&client), &older, at(second)), good, "{second}");
            assert!(is_secret_of(Some(&client), &newer, at(second)));
        }
    }

    #[test]
    fn a_token_gets_the_scopes_that_are_asked_for_and_no_others() {
        let client = client("s");
        let ask = |text: Option<&str>| asked_scopes(&client, text).map_err(|error| error.to_string());
        assert_eq!(ask(None), Ok(vec![OauthScope::Read, OauthScope::Orders]));
        assert_eq!(ask(Some(" ")), Ok(vec![OauthScope::Read, OauthScope::Orders]));
        assert_eq!(ask(Some("orders")), Ok(vec![OauthScope::Orders]));
        assert_eq!(ask(Some("orders admin")), Err("the client was not given the scope \"admin\"".into()));
        assert_eq!(ask(Some("root")), Err("the client was not given the scope \"root\"".into()));
    }
}
