//! Registration tokens of a virtual account. Only who manages the virtual account sees them: their text is
//! what lets a product instance in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::Token;
use seatpool_domain::command::{Action, Outcome};
use seatpool_domain::token::EXPIRES_AFTER_DAYS_DEFAULT;
use seatpool_proto::{AccountId, TokenId, VirtualAccountId};
use seatpool_store::{Page, Paged, TokenQuery, TokenSort};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, check, unknown};
use super::{App, AppError, clients};

/// Whether a token lets instances in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    /// It does.
    Active,
    /// It was used as often as it may be.
    Exhausted,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl TokenStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Exhausted, Self::Expired, Self::Revoked];

    /// Its word in queries and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// The status of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// Which tokens to list, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Part of what they are for, whatever the case; all if empty.
    pub text: String,
    /// Only those that stand so.
    pub status: Option<TokenStatus>,
    /// In which order.
    pub sort: TokenSort,
    /// Backwards.
    pub descending: bool,
}

/// A registration token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Public part, by which it is listed and revoked.
    #[schema(value_type = Uuid)]
    pub id: TokenId,
    /// What an instance registers with. A secret.
    pub token: String,
    /// What it is for.
    pub description: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it: a sign-in name, or a client's name.
    pub created_by: String,
    /// From when it is refused.
    pub expires_at: Timestamp,
    /// How often it was used.
    pub uses: u32,
    /// How often it may be used; no limit if absent.
    pub uses_max: Option<u32>,
    /// Whether it allows export-controlled functionality.
    pub export_controlled: bool,
    /// Whether it lets instances in.
    pub status: TokenStatus,
}

impl core::fmt::Debug for TokenView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TokenView")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What a new token is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Days until it expires, 1 to 365.
    #[serde(default = "expires_after_days_default")]
    pub expires_after_days: u16,
    /// How often it may be used; no limit if absent or 0.
    #[serde(default)]
    pub uses_max: Option<u32>,
    /// Whether it allows export-controlled functionality; if absent, whatever the account is permitted.
    #[serde(default)]
    pub export_controlled: Option<bool>,
}

fn expires_after_days_default() -> u16 {
    EXPIRES_AFTER_DAYS_DEFAULT
}

impl Default for NewToken {
    fn default() -> Self {
        Self {
            description: String::new(),
            expires_after_days: EXPIRES_AFTER_DAYS_DEFAULT,
            uses_max: None,
            export_controlled: None,
        }
    }
}

/// A page of the tokens of a virtual account.
pub async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    filter: &TokenFilter,
    page: Page,
) -> Result<Paged<TokenView>, AppError> {
    check(principal, account, Permission::ManageTokens(virtual_account))?;
    let TokenFilter { text, status, sort, descending } = filter;
    let text = Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    let standing = status.map(|status| (status.word(), app.now()));
    let query = TokenQuery { text, standing, sort: *sort, descending: *descending };
    let found = app.store().tokens(account, virtual_account, &query, page).await?;
    let names = clients::names(app, found.items.iter().map(|row| row.created_by.as_str())).await?;
    let items = found.items.into_iter().map(|row| view(app, account, row, &names)).collect();
    Ok(Paged { items, total: found.total })
}

/// The token with this id, if it is one of the virtual account's.
pub async fn get(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    id: TokenId,
) -> Result<TokenView, AppError> {
    check(principal, account, Permission::ManageTokens(virtual_account))?;
    let row = app.store().token(account, id).await?;
    let row = row.filter(|row| row.virtual_account == virtual_account).ok_or_else(|| unknown("token"))?;
    let names = clients::names(app, [row.created_by.as_str()]).await?;
    Ok(view(app, account, row, &names))
}

/// Creates a token.
pub async fn create(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    new: NewToken,
) -> Result<TokenView, AppError> {
    check(principal, account, Permission::ManageTokens(virtual_account))?;
    let export_controlled = match new.export_controlled {
        Some(wanted) => wanted,
        None => app.store().account(account).await?.is_some_and(|account| account.export_permitted),
    };
    let action = Action::CreateToken {
        virtual_account,
        description: new.description,
        expires_after_days: new.expires_after_days,
        uses_max: new.uses_max.filter(|uses| *uses > 0),
        export_controlled,
    };
    let Outcome::Token(id) = access::submit(app, principal, account, action).await? else {
        return Err(AppError::Internal);
    };
    let row = app.store().token(account, id).await?.ok_or(AppError::Internal)?;
    let names = clients::names(app, [row.created_by.as_str()]).await?;
    Ok(view(app, account, row, &names))
}

/// Revokes a token: from now on it lets nobody in. Instances that registered with it stay.
pub async fn revoke(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    id: TokenId,
) -> Result<(), AppError> {
    check(principal, account, Permission::ManageTokens(virtual_account))?;
    let row = app.store().token(account, id).await?;
    if row.is_none_or(|row| row.virtual_account != virtual_account) {
        return Err(unknown("token"));
    }
    access::submit(app, principal, account, Action::RevokeToken { token: id }).await.map(|_| ())
}

/// The id of a token that is given by its text (or by its id).
pub fn id_of(app: &App, account: AccountId, text: &str) -> Option<TokenId> {
    let made = app.ca().read_token(text).ok().filter(|(of, _)| *of == account).map(|(_, id)| id);
    made.or_else(|| text.trim().parse().ok())
}

fn view(app: &App, account: AccountId, row: Token, clients: &BTreeMap<String, String>) -> TokenView {
    let status = if row.revoked_at.is_some() {
        TokenStatus::Revoked
    } else if row.expires_at <= app.now() {
        TokenStatus::Expired
    } else if row.uses_max.is_some_and(|max| row.uses >= max) {
        TokenStatus::Exhausted
    } else {
        TokenStatus::Active
    };
    TokenView {
        id: row.id,
        token: app.ca().token_text(account, row.id),
        description: row.description,
        created_at: row.created_at,
        created_by: clients.get(&row.created_by).cloned().unwrap_or(row.created_by),
        expires_at: row.expires_at,
        uses: row.uses,
        uses_max: row.uses_max,
        export_controlled: row.export_controlled,
        status,
    }
}
