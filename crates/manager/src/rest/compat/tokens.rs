//! Registration tokens.

use seatpool_domain::Refused;
use seatpool_domain::token::{EXPIRES_AFTER_DAYS_MAX, EXPIRES_AFTER_DAYS_MIN};
use seatpool_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, InVirtualAccount};
use super::lenient;
use super::shape::{Answer, Failure, Nothing, OfManagedAccount, Reply, instant};
use crate::app::AppError;
use crate::app::access::{Permission, check, unknown};
use crate::app::tokens::{self, NewToken, TokenFilter, TokenStatus, TokenView};

/// The virtual account's tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    tokens: Vec<TokenRow>,
}

/// A token that was created.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedToken {
    token_info: TokenRow,
}

/// A registration token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenRow {
    /// What an instance registers with.
    token: String,
    expiration_date: String,
    description: String,
    created_by: String,
    create_date: String,
    /// `Allowed` or `Not Allowed`.
    export_controlled: &'static str,
    /// How often it may be used; 0 for no limit.
    #[serde(rename = "numberofUses")]
    number_of_uses: u32,
    /// How often it was used.
    #[serde(rename = "usedCount")]
    used_count: u32,
    /// `ACTIVE`, `EXPIRED`, `EXHAUSTED` or `REVOKED`.
    #[serde(rename = "tokenStatus")]
    status: &'static str,
}

impl From<TokenView> for TokenRow {
    fn from(token: TokenView) -> Self {
        Self {
            token: token.token,
            expiration_date: instant(token.expires_at),
            description: token.description,
            created_by: token.created_by,
            create_date: instant(token.created_at),
            export_controlled: if token.export_controlled { "Allowed" } else { "Not Allowed" },
            number_of_uses: token.uses_max.unwrap_or(0),
            used_count: token.uses,
            status: match token.status {
                TokenStatus::Active => "ACTIVE",
                TokenStatus::Expired => "EXPIRED",
                TokenStatus::Exhausted => "EXHAUSTED",
                TokenStatus::Revoked => "REVOKED",
            },
        }
    }
}

/// A new token.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NewTokenBody {
    #[serde(deserialize_with = "lenient::text")]
    description: Option<String>,
    /// A number, or a number as text.
    #[serde(deserialize_with = "lenient::number")]
    #[schema(example = 30)]
    expires_after_days: Option<i64>,
    /// `Allowed` or `Not Allowed`.
    #[serde(deserialize_with = "lenient::text")]
    #[schema(example = "Not Allowed")]
    export_controlled: Option<String>,
    /// How often it may be used; 0 for no limit. Also read as `numberOfUses`.
    #[serde(rename = "numberofUses", alias = "numberOfUses", deserialize_with = "lenient::number")]
    number_of_uses: Option<i64>,
}

/// Tokens to revoke.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct TokensToRevoke {
    #[serde(deserialize_with = "lenient::texts")]
    tokens: Vec<String>,
}

/// List registration tokens
#[utoipa::path(
    get, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/tokens", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    responses(
        (status = 200, description = "Newest first", body = Answer<Tokens>),
        OfManagedAccount,
    )
)]
pub(crate) async fn list_tokens(InVirtualAccount { at, place }: InVirtualAccount) -> Reply<Tokens> {
    let newest = TokenFilter { descending: true, ..TokenFilter::default() };
    let found = tokens::list(&at.app, &at.principal, at.account, place.id, &newest, Page::ALL).await?;
    // The original lists what can be used; a revoked token is gone for its clients.
    let rows = found.items.into_iter().filter(|token| token.status != TokenStatus::Revoked);
    Ok(Answer::success(Tokens { tokens: rows.map(TokenRow::from).collect() }))
}

/// Create a registration token
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/tokens", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    request_body = NewTokenBody,
    responses(
        (status = 200, description = "Created, or refused with status ERROR", body = Answer<CreatedToken>),
        OfManagedAccount,
    )
)]
pub(crate) async fn create_token(
    here: InVirtualAccount,
    Body(body): Body<NewTokenBody>,
) -> Reply<CreatedToken> {
    here.check(Permission::ManageTokens(here.place.id))?;
    let InVirtualAccount { at, place } = here;
    let new = new_token(body)?;
    let token = tokens::create(&at.app, &at.principal, at.account, place.id, new).await?;
    Ok(Answer::success(CreatedToken { token_info: token.into() }))
}

fn new_token(body: NewTokenBody) -> Result<NewToken, Failure> {
    let default = NewToken::default();
    let expires_after_days = match body.expires_after_days {
        None => default.expires_after_days,
        Some(days) => u16::try_from(days)
            .ok()
            .filter(|days| (EXPIRES_AFTER_DAYS_MIN..=EXPIRES_AFTER_DAYS_MAX).contains(days))
            .ok_or_else(|| Failure::refused(format!("expiresAfterDays is 1 to 365, not {days}")))?,
    };
    let uses_max = match body.number_of_uses {
        None => None,
        Some(uses) => Some(
            u32::try_from(uses)
                .map_err(|_| Failure::refused(format!("numberofUses is 0 (no limit) or more, not {uses}")))?,
        ),
    };
    let export_controlled = match body.export_controlled.as_deref().map(str::trim) {
        None | Some("") => None,
        Some(word) if is_one_of(word, &["Allowed", "true"]) => Some(true),
        Some(word) if is_one_of(word, &["Not Allowed", "NotAllowed", "false"]) => Some(false),
        Some(word) => {
            let message = format!("exportControlled is \"Allowed\" or \"Not Allowed\", not {word:?}");
            return Err(Failure::refused(message));
        }
    };
    let description = body.description.unwrap_or_default();
    Ok(NewToken { description, expires_after_days, uses_max, export_controlled })
}

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Revoke registration tokens
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/tokens/revoke", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    request_body = TokensToRevoke,
    responses(
        (status = 200, description = "Revoked, or refused with status ERROR", body = Answer<Nothing>),
        OfManagedAccount,
    )
)]
pub(crate) async fn revoke_tokens(
    InVirtualAccount { at, place }: InVirtualAccount,
    Body(body): Body<TokensToRevoke>,
) -> Reply<Nothing> {
    check(&at.principal, at.account, Permission::ManageTokens(place.id))?;
    // All or none: an unknown one among them is found before any is revoked.
    let mut ids = Vec::with_capacity(body.tokens.len());
    for (position, text) in body.tokens.iter().enumerate() {
        let found = match tokens::id_of(&at.app, at.account, text) {
            Some(id) => tokens::get(&at.app, &at.principal, at.account, place.id, id).await,
            None => Err(unknown("token")),
        };
        let position = position + 1;
        ids.push(match found {
            Ok(token) => token.id,
            Err(AppError::Refused(Refused::Unknown { .. })) => {
                return Err(Failure::refused(format!(
                    "token {position} of the request is not one of this virtual account; none was revoked"
                )));
            }
            Err(error) => return Err(error.into()),
        });
    }
    if ids.is_empty() {
        return Err(Failure::refused("tokens is empty: name at least one token to revoke"));
    }
    for id in &ids {
        tokens::revoke(&at.app, &at.principal, at.account, place.id, *id).await?;
    }
    Ok(Answer::saying(Nothing {}, format!("tokens revoked: {}", ids.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<NewToken, String> {
        let body: NewTokenBody = serde_json::from_str(json).map_err(|e| e.to_string())?;
        new_token(body).map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn days_and_uses_are_read_as_number_or_text() {
        for json in [
            r#"{"expiresAfterDays":365,"numberofUses":5}"#,
            r#"{"expiresAfterDays":"365","numberofUses":"5"}"#,
            r#"{"expiresAfterDays":"365","numberOfUses":5}"#,
        ] {
            let token = read(json).unwrap();
            assert_eq!((token.expires_after_days, token.uses_max), (365, Some(5)), "{json}");
        }
        assert_eq!(read("{}").unwrap(), NewToken::default());
        assert!(read(r#"{"expiresAfterDays":"soon"}"#).unwrap_err().contains("soon"));
        assert!(read(r#"{"expiresAfterDays":-1}"#).unwrap_err().contains("1 to 365"));
    }

    #[test]
    fn export_control_is_told_in_words() {
        assert_eq!(read(r#"{"exportControlled":"Allowed"}"#).unwrap().export_controlled, Some(true));
        for json in [r#"{"exportControlled":"Not Allowed"}"#, r#"{"exportControlled":false}"#] {
            assert_eq!(read(json).unwrap().export_controlled, Some(false), "{json}");
        }
        assert!(read(r#"{"exportControlled":"maybe"}"#).unwrap_err().contains("maybe"));
    }
}
