//! What alerts are computed from, as far as a principal may read it.

use std::collections::BTreeMap;

use seatpool_domain::Lot;
use seatpool_domain::alert::{self, Alert, Dismissal, Likeness};
use seatpool_domain::explain::{Place, later_by_days};
use seatpool_proto::{AccountId, VirtualAccountId};

use super::watched::{Scope, Watched};
use crate::app::access::{Permission, Principal, allows};
use crate::app::{App, AppError};

/// What alerts are computed from, but for what needs instances.
pub(super) struct Facts {
    account: AccountId,
    places: Vec<Place>,
    /// About what is short, declared, reserved, doubled or noticed, and tokens; raised and dismissed.
    pub(super) loaded: Vec<Alert>,
    /// About what is too much to be loaded.
    pub(super) watched: Vec<Watched>,
    dismissals: Vec<Dismissal>,
}

impl Facts {
    pub(super) fn dismissal(&self, alert: &Alert) -> Option<&Dismissal> {
        self.dismissals.iter().find(|dismissal| dismissal.hides(alert))
    }

    pub(super) fn scope<'a>(&'a self, app: &'a App) -> Scope<'a> {
        Scope { app, account: self.account, places: &self.places, dismissals: &self.dismissals }
    }
}

/// Reads what the alerts of these virtual accounts are computed from.
pub(super) async fn facts(
    app: &App,
    principal: &Principal,
    account: AccountId,
    places: Vec<Place>,
) -> Result<Facts, AppError> {
    let watching = async {
        let ids: Vec<_> = places.iter().map(|place| place.id).collect();
        let dismissals = app.store().dismissals(account, &ids).await?;
        let scope = Scope { app, account, places: &places, dismissals: &dismissals };
        let watched = scope.watched(app.now()).await?;
        Ok((watched, dismissals))
    };
    // The larger half of the time is the database's, which serves both at once.
    let (loaded, (watched, dismissals)) =
        tokio::try_join!(loaded(app, principal, account, &places), watching)?;
    Ok(Facts { account, places, loaded, watched, dismissals })
}

/// The alerts of what is never much.
async fn loaded(
    app: &App,
    principal: &Principal,
    account: AccountId,
    places: &[Place],
) -> Result<Vec<Alert>, AppError> {
    let (store, catalogue, now) = (app.store(), app.catalogue(), app.now());
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    let place_of = |id: VirtualAccountId| places.iter().find(|place| place.id == id);
    let mut loaded = Vec::new();

    for total in store.short_totals(account, &ids).await? {
        loaded
            .extend(place_of(total.virtual_account).and_then(|place| alert::short(&total, place, catalogue)));
    }
    for (at, lots) in by_place(store.lots_declared(account).await?) {
        loaded.extend(
            place_of(at).into_iter().flat_map(|place| alert::declarations(&lots, place, catalogue, now)),
        );
    }
    for row in store.reservations(account, &ids).await? {
        let place = place_of(row.virtual_account).into_iter();
        loaded.extend(place.flat_map(|place| alert::reservation(&row, place, now)));
    }
    for row in store.reservations_returned(account, later_by_days(now, -alert::NOTICED_FOR_DAYS)).await? {
        let place = place_of(row.virtual_account).into_iter();
        loaded.extend(place.flat_map(|place| alert::returned(&row, place, catalogue, now)));
    }
    for row in store.export_waiting(account).await? {
        let place = place_of(row.virtual_account).into_iter();
        loaded.extend(place.flat_map(|place| alert::restricted(&row, place, catalogue)));
    }
    for found in store.lots_alike(account, &ids, now).await? {
        if let Some(place) = place_of(found.virtual_account) {
            let likeness = Likeness {
                tag: found.tag,
                subscription_id: found.subscription_id,
                latest: found.lot.to_string(),
            };
            loaded.push(alert::alike(&likeness, place, catalogue));
        }
    }
    // Only who may see tokens learns of them.
    let managed: Vec<_> = ids
        .iter()
        .copied()
        .filter(|id| allows(principal, account, Permission::ManageVirtualAccount(*id)))
        .collect();
    if !managed.is_empty() {
        for token in store.tokens_expiring(account, &managed, alert::token_range(now)).await? {
            loaded.extend(place_of(token.virtual_account).and_then(|place| alert::token(&token, place, now)));
        }
    }
    let events = store.noticed(account, later_by_days(now, -alert::NOTICED_FOR_DAYS)).await?;
    let about: Vec<_> = events.iter().map(|event| event.instance).collect();
    let rows = if about.is_empty() { Vec::new() } else { store.instances_by_id(account, &about).await? };
    for event in &events {
        let row = rows.iter().find(|row| row.id == event.instance);
        let place = row.and_then(|row| place_of(row.virtual_account));
        if let (Some(row), Some(place)) = (row, place) {
            loaded.extend(alert::noticed(event.kind, event.at, event.number, row, place));
        }
    }
    Ok(loaded)
}

/// Lots by where they are.
fn by_place(lots: Vec<Lot>) -> BTreeMap<VirtualAccountId, Vec<Lot>> {
    let mut places: BTreeMap<VirtualAccountId, Vec<Lot>> = BTreeMap::new();
    for lot in lots {
        places.entry(lot.virtual_account).or_default().push(lot);
    }
    places
}
