//! The compatible API: the public shapes, odd ones included (rest-api.md). Field names are theirs.

mod accounts;
mod alerts;
mod devices;
mod licenses;
mod shape;
mod tokens;
mod virtual_accounts;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub(crate) use shape::Failure;

/// The routes, without their prefix.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(accounts::search_accounts))
        .routes(routes!(accounts::list_accounts))
        .routes(routes!(virtual_accounts::list_virtual_accounts, virtual_accounts::create_virtual_account))
        .routes(routes!(
            virtual_accounts::list_virtual_accounts_customer,
            virtual_accounts::create_virtual_account_customer
        ))
        .routes(routes!(
            virtual_accounts::list_virtual_accounts_unversioned,
            virtual_accounts::create_virtual_account_unversioned
        ))
        .routes(routes!(virtual_accounts::delete_virtual_account))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_tokens))
        .routes(routes!(licenses::list_licenses))
        .routes(routes!(licenses::list_subscriptions))
        .routes(routes!(licenses::transfer_licenses))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(devices::list_devices_of_virtual_account))
        .routes(routes!(devices::list_devices))
        .routes(routes!(devices::transfer_devices))
        .routes(routes!(devices::remove_devices))
        .routes(routes!(devices::remove_devices_v1))
}
