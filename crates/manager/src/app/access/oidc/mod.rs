//! Single sign-on by OpenID Connect: authorization code with PKCE (S256), state and nonce.
//!
//! What a sign-in under way must remember (state, nonce, verifier, where to go back to) travels in a sealed cookie
//! of the browser that began it, so nobody can finish a sign-in in another's browser. The provider's word is taken
//! for password and second factor together. Who somebody is is bound to issuer and subject at the first sign-in; a
//! person who has a password here is never taken over by name.

mod provider;
mod token;

use jiff::SignedDuration;
use seatpool_domain::access::{Role, User, UserStatus};
use seatpool_domain::command::{AccessChange, Outcome, Refused};
use seatpool_domain::{Account, VirtualAccount};
use seatpool_proto::Sha256;
use seatpool_store::Stage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::provider::Provider;
use self::token::{Claims, Expected, InvalidToken};
use super::clients::secret;
use super::sessions::{self, Browser, SignedIn};
use super::{Principal, change};
use crate::app::{App, AppError};
use crate::config::{GivenRole, Oidc};
use crate::percent::encode;

/// How long a sign-in at the provider may take, in real minutes.
const UNDER_WAY_MINUTES: i64 = 10;
/// What the cookie is sealed for.
const PURPOSE: &str = "single sign-on under way";
/// Where the provider sends the browser back to.
pub const CALLBACK: &str = "/sign-in/oidc/callback";

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// There is no provider.
    #[error("this manager has no single sign-on: [oidc] is not in its configuration")]
    NotConfigured,
    /// A setting can't be used.
    #[error("the manager's single sign-on is not set up rightly: {0}")]
    Setting(String),
    /// The browser did not begin this sign-in, or too long ago.
    #[error(
        "this browser did not begin the sign-in, or it took longer than {UNDER_WAY_MINUTES} minutes: begin again"
    )]
    NotBegun,
    /// The provider said no.
    #[error("the provider refused: {0}")]
    Provider(String),
    /// The provider can't be reached.
    #[error("the provider can't be reached: {0}")]
    Unreachable(String),
    /// The provider's answer can't be used.
    #[error("the provider's answer can't be used: {0}")]
    Answer(String),
    /// The ID token is not good.
    #[error("the provider's ID token {0}")]
    Token(String),
    /// The person is not known here, or may not sign in in this way.
    #[error("{0}")]
    Person(String),
    /// The manager could not answer.
    #[error(transparent)]
    App(#[from] AppError),
}

impl OidcError {
    fn refusal(code: &str, description: &str) -> Self {
        let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        Self::Provider(match description {
            "" => short(code),
            description => format!("{} ({})", short(description), short(code)),
        })
    }
}

/// What is remembered of a sign-in under way.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    state: String,
    nonce: String,
    verifier: String,
    back: String,
    /// Unix seconds of the machine's clock.
    until: i64,
}

/// A sign-in that was begun.
pub struct Begun {
    /// Where to send the browser.
    pub location: String,
    /// What the browser must bring back as a cookie.
    pub cookie: String,
}

/// What the provider sent the browser back with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Returned {
    code: String,
    state: String,
    iss: Option<String>,
    error: String,
    error_description: String,
}

/// Begins a sign-in that leads back to `back`.
pub async fn begin(app: &App, back: &str) -> Result<Begun, OidcError> {
    let provider = provider_of(app)?;
    let metadata = provider.metadata().await?;
    let minutes = SignedDuration::from_mins(UNDER_WAY_MINUTES).as_secs();
    let under_way = UnderWay {
        state: secret(),
        nonce: secret(),
        verifier: secret(),
        back: back.to_owned(),
        until: app.clock().real().as_second() + minutes,
    };
    let config = provider.config();
    let scopes = config.scopes.join(" ");
    let redirect_uri = redirect_uri(app);
    let challenge = challenge(&under_way.verifier);
    let query: Vec<_> = [
        ("response_type", "code"),
        ("client_id", &config.client_id),
        ("redirect_uri", &redirect_uri),
        ("scope", &scopes),
        ("state", &under_way.state),
        ("nonce", &under_way.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]
    .iter()
    .map(|(name, value)| format!("{name}={}", encode(value)))
    .collect();
    let endpoint = &metadata.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    let text = serde_json::to_vec(&under_way).map_err(|_| AppError::Internal)?;
    let cookie = app.ca().seal(PURPOSE, &text).map_err(AppError::from)?;
    Ok(Begun { location: format!("{endpoint}{joint}{}", query.join("&")), cookie })
}

/// Finishes a sign-in: a session, and where the person wanted to go.
pub async fn finish(
    app: &App,
    cookie: Option<&str>,
    returned: Returned,
    browser: &Browser,
) -> Result<(SignedIn, String), OidcError> {
    let provider = provider_of(app)?;
    let opened = cookie.and_then(|cookie| app.ca().unseal(PURPOSE, cookie)).ok_or(OidcError::NotBegun)?;
    let under_way: UnderWay = serde_json::from_slice(&opened).map_err(|_| OidcError::NotBegun)?;
    let real = app.clock().real();
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(
        under_way.state.as_bytes(),
        returned.state.as_bytes(),
    );
    if same.is_err() || under_way.until <= real.as_second() {
        return Err(OidcError::NotBegun);
    }
    let config = provider.config();
    // RFC 9207: an answer by another provider is not this one's.
    if returned.iss.as_ref().is_some_and(|issuer| *issuer != config.issuer) {
        return Err(OidcError::Answer("it comes from another provider".into()));
    }
    if !returned.error.is_empty() {
        return Err(OidcError::refusal(&returned.error, &returned.error_description));
    }
    let id_token = provider.exchange(&returned.code, &under_way.verifier, &redirect_uri(app)).await?;
    let expected =
        Expected { issuer: &config.issuer, client_id: &config.client_id, nonce: &under_way.nonce, now: real };
    let claims = match token::verify(&id_token, &provider.keys(false).await?, &expected) {
        // The provider may have changed its keys since they were read.
        Err(InvalidToken::UnknownKey) => token::verify(&id_token, &provider.keys(true).await?, &expected),
        other => other,
    };
    let claims = claims.map_err(|why| OidcError::Token(why.to_string()))?;
    let user = person(app, config, &claims, browser).await?;
    let signed_in = sessions::start(app, &user, Stage::SignedIn, browser).await?;
    Ok((signed_in, under_way.back))
}

/// The user whom the token is about: known by subject, bound at the first sign-in, or made then.
async fn person(app: &App, config: &Oidc, claims: &Claims, browser: &Browser) -> Result<User, OidcError> {
    let no = |why: String| Err(OidcError::Person(why));
    let subject = format!("{} {}", config.issuer, claims.sub);
    if let Some(user) = app.store().user_by_subject(&subject).await.map_err(AppError::from)? {
        return active(user);
    }
    let login = login_of(config, &claims.more)?;
    let account = account_of(app, config, &claims.more).await?;
    let principal = Principal {
        actor: seatpool_domain::Actor::User(login.clone()),
        account: account.id,
        roles: Vec::new(),
        scopes: Vec::new(),
        source: browser.address.clone(),
    };
    let known = app.store().user_by_login(&login).await.map_err(AppError::from)?;
    let made = match known {
        Some(user) if user.account != account.id || user.subject.is_some() => {
            return no(format!("the user {login} is somebody else here: an administrator can tell"));
        }
        Some(user) if user.password_hash.is_some() => {
            return no(format!(
                "the user {login} signs in with a password here: sign in with it, or have an administrator reset it; the single sign-on takes its place then"
            ));
        }
        Some(user) => {
            let user = active(user)?;
            let link = AccessChange::LinkUser { user: user.id, subject };
            change(app, &principal, account.id, link).await?;
            user.id
        }
        None if config.create_users => {
            let places = app.store().virtual_accounts(account.id).await.map_err(AppError::from)?;
            let roles = config.roles.iter().map(|role| role_of(role, &places)).collect::<Result<_, _>>()?;
            let name = claims.more.get("name").and_then(Value::as_str).unwrap_or_default();
            let name = name.chars().filter(|c| !c.is_control()).take(100).collect();
            let provision = AccessChange::ProvisionUser { login, name, roles, subject };
            match change(app, &principal, account.id, provision).await {
                Ok(Outcome::User(id)) => id,
                Ok(_) => return Err(AppError::Internal.into()),
                Err(AppError::Refused(refused @ Refused::Invalid { .. })) => {
                    return no(format!("the sign-in name can't be used here: {refused}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        None => {
            return no(format!(
                "the name {login} is not known here: an administrator of your account can invite you"
            ));
        }
    };
    let user = app.store().user(made).await.map_err(AppError::from)?;
    user.ok_or_else(|| AppError::Internal.into())
}

fn active(user: User) -> Result<User, OidcError> {
    match user.status {
        UserStatus::Active => Ok(user),
        UserStatus::Disabled => Err(OidcError::Person(format!(
            "the user {} may not sign in at present: an administrator of the account can tell why",
            user.login
        ))),
    }
}

/// The sign-in name that the token gives. An address counts only if the provider has verified it.
fn login_of(config: &Oidc, claims: &Map<String, Value>) -> Result<String, OidcError> {
    let name = &config.login_claim;
    let login = claims.get(name).and_then(Value::as_str).map(|login| login.trim().to_lowercase());
    let login = login.filter(|login| !login.is_empty()).ok_or_else(|| {
        OidcError::Token(format!(
            "has no claim {name:?}: have the provider give it in ID tokens, or set oidc.login_claim and oidc.scopes"
        ))
    })?;
    if name == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(OidcError::Person(format!("the provider has not verified the address {login}")));
    }
    Ok(login)
}

async fn account_of(app: &App, config: &Oidc, claims: &Map<String, Value>) -> Result<Account, OidcError> {
    let domain = match &config.account_claim {
        None => config.account.clone().unwrap_or_default(),
        Some(claim) => {
            let told = claims.get(claim).and_then(Value::as_str).map(str::to_lowercase);
            told.or_else(|| config.account.clone()).ok_or_else(|| {
                OidcError::Token(format!("has no claim {claim:?}, which names the smart account"))
            })?
        }
    };
    let account = app.store().account_by_domain(&domain).await.map_err(AppError::from)?;
    account.ok_or_else(|| OidcError::Person(format!("there is no smart account {domain} on this manager")))
}

fn role_of(role: &GivenRole, places: &[VirtualAccount]) -> Result<Role, OidcError> {
    let place = |name: &str| {
        let found = places.iter().find(|place| place.name.to_lowercase() == name.to_lowercase());
        let missing = || OidcError::Setting(format!("oidc.roles: there is no virtual account {name:?}"));
        found.map(|place| place.id).ok_or_else(missing)
    };
    Ok(match role {
        GivenRole::Approver => Role::Approver,
        GivenRole::AccountAdministrator => Role::AccountAdministrator,
        GivenRole::VirtualAccountAdministrator(name) => Role::VirtualAccountAdministrator(place(name)?),
        GivenRole::VirtualAccountUser(name) => Role::VirtualAccountUser(place(name)?),
    })
}

fn provider_of(app: &App) -> Result<&Provider, OidcError> {
    app.gate().oidc.as_ref().ok_or(OidcError::NotConfigured)
}

fn redirect_uri(app: &App) -> String {
    format!("{}{CALLBACK}", app.config().public_url)
}

/// RFC 7636, section 4.2.
fn challenge(verifier: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::of(verifier).0)
}

#[cfg(test)]
mod tests {
    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(super::challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
