//! The compatible API: the public shapes, odd ones included (rest-api.md). Field names are theirs.

mod accounts;
mod alerts;
mod conversions;
mod devices;
mod extract;
mod lenient;
mod licenses;
mod reservations;
mod shape;
mod tokens;
mod virtual_accounts;

use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::app::App;
pub(crate) use shape::Failure;

/// The routes, without their prefix.
pub(crate) fn routes() -> OpenApiRouter<App> {
    let mut router = OpenApiRouter::new()
        .routes(routes!(accounts::search_accounts))
        .routes(routes!(accounts::list_accounts))
        .routes(routes!(accounts::list_upstream_accounts))
        .routes(routes!(virtual_accounts::list_virtual_accounts, virtual_accounts::create_virtual_account))
        .routes(routes!(virtual_accounts::delete_virtual_account))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_tokens))
        .routes(routes!(licenses::list_licenses))
        .routes(routes!(licenses::list_subscriptions))
        .routes(routes!(licenses::transfer_licenses))
        .routes(routes!(reservations::reserve_licenses))
        .routes(routes!(reservations::update_licenses))
        .routes(routes!(reservations::confirm_licenses))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(conversions::convert_devices))
        .routes(routes!(devices::list_devices_of_virtual_account))
        .routes(routes!(devices::list_devices))
        .routes(routes!(devices::transfer_devices))
        .routes(routes!(devices::remove_devices))
        .routes(also_at(
            "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/devices/remove",
            "v1",
            routes!(devices::remove_devices),
        ));
    for (all, name) in [
        ("/v1/accounts/{domain}/customer/virtual-accounts", "customer"),
        ("/accounts/{domain}/customer/virtual-accounts", "unversioned"),
    ] {
        let one = format!("{all}/{{virtual_account}}/delete");
        router = router
            .routes(also_at(
                all,
                name,
                routes!(virtual_accounts::list_virtual_accounts, virtual_accounts::create_virtual_account),
            ))
            .routes(also_at(&one, name, routes!(virtual_accounts::delete_virtual_account)));
    }
    router
}

/// The same routes at another of their addresses, whose `name` tells the operations apart in the document.
fn also_at(
    address: &str,
    name: &str,
    (schemas, mut paths, methods): UtoipaMethodRouter<App>,
) -> UtoipaMethodRouter<App> {
    let documented = core::mem::take(&mut paths.paths);
    for (path, mut item) in documented {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            operation.operation_id = operation.operation_id.take().map(|id| format!("{id}_{name}"));
            operation.summary = operation.summary.take().map(|summary| format!("{summary} (as `{path}`)"));
        }
        paths.paths.insert(address.to_owned(), item);
    }
    (schemas, paths, methods)
}
