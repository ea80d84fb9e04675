//! The people of a smart account, their sessions, and what the account demands of those who sign in.

use axum::Json;
use http::StatusCode;
use seatpool_store::{UserQuery, UserSort};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, InAccount, Last, Query};
use super::paging::{PageParams, Rows};
use super::sorting::sorted;
use crate::app::access::sessions::SessionView;
use crate::app::users::{
    self, Deed, LinkView, NewUser, SignInRulesChange, SignInRulesView, UserChange, UserView,
};
use crate::rest::problem::Problem;

/// Which users, in which order.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct UserParams {
    /// Part of the sign-in name or of the person's name.
    text: Option<String>,
    /// `login`, `name` or `created`; with a `-` before it, from the other end. `login` if absent.
    sort: Option<String>,
}

/// List the users of a smart account
#[utoipa::path(
    get, path = "/accounts/{account}/users", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        UserParams, PageParams,
    ),
    responses(
        (status = 200, description = "By sign-in name, unless asked for otherwise", body = Rows<UserView>),
        (status = 400, description = "The limit or the cursor can't be taken", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_users(
    InAccount { app, principal, account }: InAccount,
    Query(params): Query<UserParams>,
    Query(page): Query<PageParams>,
) -> Result<Json<Rows<UserView>>, Problem> {
    let place = page.place()?;
    let (sort, descending) = sorted(params.sort.as_deref(), &SORTS)?;
    let query = UserQuery { text: params.text.filter(|text| !text.is_empty()), sort, descending };
    Ok(Json(place.rows(users::list(&app, &principal, account, &query, place.page()).await?)))
}

/// What users can be sorted by.
const SORTS: [(&str, UserSort); 3] =
    [("login", UserSort::Login), ("name", UserSort::Name), ("created", UserSort::Created)];

/// Invite a person: the answer holds the one-time link that sets the password
#[utoipa::path(
    post, path = "/accounts/{account}/users", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
    ),
    request_body = NewUser,
    responses(
        (status = 201, description = "Invited", body = LinkView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The sign-in name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn invite_user(
    InAccount { app, principal, account }: InAccount,
    Body(new): Body<NewUser>,
) -> Result<(StatusCode, Json<LinkView>), Problem> {
    Ok((StatusCode::CREATED, Json(users::invite(&app, &principal, account, new).await?)))
}

/// Show a user
#[utoipa::path(
    get, path = "/accounts/{account}/users/{user}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_user(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(users::get(&app, &principal, account, &user).await?))
}

/// Change a user's name or roles; what is absent stays
#[utoipa::path(
    patch, path = "/accounts/{account}/users/{user}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    request_body = UserChange,
    responses(
        (status = 200, description = "Changed", body = UserView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account, user or virtual account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else changed it meanwhile, or nobody would be left to administer the account", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value can't be taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_user(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
    Body(change): Body<UserChange>,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(users::change(&app, &principal, account, &user, change).await?))
}

/// Delete a user; its sessions end
#[utoipa::path(
    delete, path = "/accounts/{account}/users/{user}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody would be left to administer the account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_user(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<StatusCode, Problem> {
    users::act(&app, &principal, account, &user, Deed::Delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a user sign in no more; its sessions end
#[utoipa::path(
    post, path = "/accounts/{account}/users/{user}/disable", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 204, description = "Disabled"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody would be left to administer the account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn disable_user(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<StatusCode, Problem> {
    users::act(&app, &principal, account, &user, Deed::Disable).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a disabled user sign in again
#[utoipa::path(
    post, path = "/accounts/{account}/users/{user}/enable", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 204, description = "Enabled"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn enable_user(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<StatusCode, Problem> {
    users::act(&app, &principal, account, &user, Deed::Enable).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a user's password away: the answer holds the one-time link that sets a new one
#[utoipa::path(
    post, path = "/accounts/{account}/users/{user}/reset-password", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 200, description = "Taken away", body = LinkView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody would be left to administer the account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reset_password(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<Json<LinkView>, Problem> {
    Ok(Json(users::reset_password(&app, &principal, account, &user).await?))
}

/// Take a user's second factor away; its sessions end
#[utoipa::path(
    post, path = "/accounts/{account}/users/{user}/reset-second-factor", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 204, description = "Taken away"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reset_second_factor(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<StatusCode, Problem> {
    users::act(&app, &principal, account, &user, Deed::ResetSecondFactor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List a user's sessions
#[utoipa::path(
    get, path = "/accounts/{account}/users/{user}/sessions", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 200, description = "Last used first", body = Vec<SessionView>),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_sessions(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<Json<Vec<SessionView>>, Problem> {
    Ok(Json(users::list_sessions(&app, &principal, account, &user).await?))
}

/// End a user's sessions
#[utoipa::path(
    delete, path = "/accounts/{account}/users/{user}/sessions", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("user" = String, Path, description = "The user's id or sign-in name"),
    ),
    responses(
        (status = 204, description = "Ended"),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account or user", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn end_sessions(
    InAccount { app, principal, account }: InAccount,
    Last(user): Last,
) -> Result<StatusCode, Problem> {
    users::act(&app, &principal, account, &user, Deed::EndSessions).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show what the account demands of those who sign in
#[utoipa::path(
    get, path = "/accounts/{account}/sign-in-rules", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
    ),
    responses(
        (status = 200, description = "The rules", body = SignInRulesView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_rules(
    InAccount { app, principal, account }: InAccount,
) -> Result<Json<SignInRulesView>, Problem> {
    Ok(Json(users::rules(&app, &principal, account).await?))
}

/// Change what the account demands of those who sign in
#[utoipa::path(
    put, path = "/accounts/{account}/sign-in-rules", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
    ),
    request_body = SignInRulesChange,
    responses(
        (status = 200, description = "Changed", body = SignInRulesView),
        (status = 401, description = "No valid access token", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an account administrator, or without the scope admin", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The rules are no longer those that were seen", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_rules(
    InAccount { app, principal, account }: InAccount,
    Body(change): Body<SignInRulesChange>,
) -> Result<Json<SignInRulesView>, Problem> {
    Ok(Json(users::change_rules(&app, &principal, account, change).await?))
}
