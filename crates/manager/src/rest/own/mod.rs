//! Seatpool's own API under `/api/seatpool/v1`: regular shapes, proper status codes, problem+json.

mod accounts;
mod alerts;
mod clients;
mod declarations;
mod events;
mod explanations;
mod extract;
mod instances;
mod licenses;
mod lots;
mod once;
mod orders;
mod paging;
mod preferences;
mod refusals;
mod reports;
mod reservations;
mod sorting;
mod tokens;
mod users;
mod virtual_accounts;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub(super) use once::once;
pub(crate) use paging::Rows;
pub(crate) use reservations::WithCode;

/// The routes, without their prefix.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(accounts::list_accounts, accounts::create_account))
        .routes(routes!(accounts::show_account, accounts::change_account))
        .routes(routes!(accounts::preview_account_change))
        .routes(routes!(clients::list_clients, clients::create_client))
        .routes(routes!(clients::show_client, clients::delete_client))
        .routes(routes!(clients::rotate_secret))
        .routes(routes!(users::list_users, users::invite_user))
        .routes(routes!(users::show_user, users::change_user, users::delete_user))
        .routes(routes!(users::disable_user))
        .routes(routes!(users::enable_user))
        .routes(routes!(users::reset_password))
        .routes(routes!(users::reset_second_factor))
        .routes(routes!(users::list_sessions, users::end_sessions))
        .routes(routes!(users::show_rules, users::change_rules))
        .routes(routes!(virtual_accounts::list_virtual_accounts, virtual_accounts::create_virtual_account))
        .routes(routes!(
            virtual_accounts::show_virtual_account,
            virtual_accounts::change_virtual_account,
            virtual_accounts::delete_virtual_account
        ))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(orders::place_order))
        .routes(routes!(orders::preview_order))
        .routes(routes!(orders::list_lots))
        .routes(routes!(lots::renew_lot))
        .routes(routes!(lots::preview_lot_renewal))
        .routes(routes!(lots::renew_subscription))
        .routes(routes!(lots::preview_subscription_renewal))
        .routes(routes!(lots::cancel_lot))
        .routes(routes!(lots::preview_lot_cancellation))
        .routes(routes!(lots::cancel_order))
        .routes(routes!(lots::preview_order_cancellation))
        .routes(routes!(lots::cancel_subscription))
        .routes(routes!(lots::preview_subscription_cancellation))
        .routes(routes!(declarations::declare_licenses))
        .routes(routes!(declarations::preview_declaration))
        .routes(routes!(declarations::list_declarations))
        .routes(routes!(declarations::confirm_lot))
        .routes(routes!(declarations::reject_lot))
        .routes(routes!(declarations::preview_rejection))
        .routes(routes!(reports::list_catalogue))
        .routes(routes!(reports::report_usage))
        .routes(routes!(reports::report_usage_as_csv))
        .routes(routes!(reports::stock::report_licenses))
        .routes(routes!(reports::stock::report_licenses_as_csv))
        .routes(routes!(reports::stock::report_instances))
        .routes(routes!(reports::stock::report_instances_as_csv))
        .routes(routes!(reports::stock::report_subscriptions))
        .routes(routes!(reports::stock::report_subscriptions_as_csv))
        .routes(routes!(licenses::list_licenses))
        .routes(routes!(licenses::show_license))
        .routes(routes!(licenses::list_transactions))
        .routes(routes!(licenses::transfer_licenses))
        .routes(routes!(licenses::preview_license_transfer))
        .routes(routes!(instances::list_instances))
        .routes(routes!(instances::preview_instances))
        .routes(routes!(instances::show_instance, instances::remove_instance))
        .routes(routes!(instances::transfer_instance))
        .routes(routes!(preferences::show_preferences, preferences::change_preferences))
        .routes(routes!(preferences::list_time_zones))
        .routes(routes!(events::list_events))
        .routes(routes!(events::verify_events))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(alerts::dismiss_alert))
        .routes(routes!(alerts::restore_alert))
        .routes(routes!(reservations::reserve_licenses))
        .routes(routes!(reservations::list_reservations))
        .routes(routes!(reservations::show_reservation))
        .routes(routes!(reservations::show_authorization_code))
        .routes(routes!(reservations::update_reservation))
        .routes(routes!(reservations::confirm_reservation))
        .routes(routes!(reservations::return_reservation))
        .routes(routes!(reservations::rehost_licenses))
        .routes(routes!(explanations::explain_license))
        .routes(routes!(explanations::mend_license))
        .routes(routes!(explanations::explain_instance))
}
