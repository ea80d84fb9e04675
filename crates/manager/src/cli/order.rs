//! `seatpool order`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::Method;
use seatpool_domain::command::{CoTermination, start_of};
use seatpool_proto::{LotKind, Quantity};
use serde_json::json;

use super::client::{Failed, Manager, day, or_dash, table};
use super::preview;
use crate::app::orders::{NewOrder, NewOrderLine, OrderView, OwnedLotView};

/// Orders (vendor operators).
#[derive(Subcommand, Debug)]
pub(super) enum OrderCommand {
    /// Deposit licences. The same order deposits once, however often it is placed
    Place(Box<Place>),
    /// Give a lot, or a subscription as a whole, a later end
    Renew(Renew),
    /// Take back an order, a subscription, a lot, or a part of a lot; never what is promised elsewhere
    Cancel(Cancel),
}

/// Deposit licences.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("length").required(true).args(["perpetual", "term_years", "ends", "with_subscription"]))]
pub(super) struct Place {
    /// The licence, by name or tag
    #[arg(long, value_name = "NAME|TAG")]
    license: String,
    /// How many
    #[arg(long, value_name = "N")]
    quantity: u64,
    /// The virtual account that they go to, by name or id
    #[arg(long, alias = "va", value_name = "NAME", default_value = "Default")]
    virtual_account: String,
    /// Owned for good
    #[arg(long)]
    perpetual: bool,
    /// For 1, 3 or 5 calendar years (UTC)
    #[arg(long = "years", alias = "term-years", value_name = "YEARS")]
    term_years: Option<u8>,
    /// They end when the lots that the subscription has do
    #[arg(long, requires = "subscription")]
    with_subscription: bool,
    /// All lots of the subscription get one end: the later of this order's and theirs
    #[arg(long, requires = "subscription", conflicts_with_all = ["perpetual", "with_subscription"])]
    align_subscription: bool,
    /// From when they count: a day or an instant, as in 2027-03-04 or 2027-03-04T12:00:00Z [default: now]
    #[arg(long, value_name = "WHEN", value_parser = when)]
    starts: Option<Timestamp>,
    /// From when they no longer count
    #[arg(long, value_name = "WHEN", value_parser = when)]
    ends: Option<Timestamp>,
    /// The order's name, by which a repetition is recognised
    #[arg(long, value_name = "ID")]
    order_id: String,
    /// The subscription that they belong to
    #[arg(long, value_name = "ID")]
    subscription: Option<String>,
    /// What they are [default: term if they end, perpetual if not]
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Only say what it would do to compliance
    #[arg(long)]
    preview: bool,
}

/// What a lot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    Perpetual,
    Term,
    Demo,
}

impl From<Kind> for LotKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Perpetual => Self::Perpetual,
            Kind::Term => Self::Term,
            Kind::Demo => Self::Demo,
        }
    }
}

/// Give a lot a later end.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("until").required(true).args(["term_years", "ends"]))]
#[command(group = ArgGroup::new("what").required(true).args(["lot", "subscription"]))]
pub(super) struct Renew {
    /// The lot's id, as `licenses show` shows it
    lot: Option<String>,
    /// All lots of this subscription: they get one end
    #[arg(long, value_name = "ID")]
    subscription: Option<String>,
    /// The order's name
    #[arg(long, value_name = "ID")]
    order_id: String,
    /// For 1, 3 or 5 calendar years (UTC) from the present end
    #[arg(long = "years", alias = "term-years", value_name = "YEARS")]
    term_years: Option<u8>,
    /// Until this day or instant
    #[arg(long, value_name = "WHEN", value_parser = when)]
    ends: Option<Timestamp>,
    /// Only say what it would do to compliance
    #[arg(long)]
    preview: bool,
}

/// Take back what was deposited.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["order", "lot", "subscription"]))]
pub(super) struct Cancel {
    /// The order's name: all that it deposited and that has not ended
    order: Option<String>,
    /// This lot alone
    #[arg(long, value_name = "ID")]
    lot: Option<String>,
    /// All lots of this subscription that have not ended
    #[arg(long, value_name = "ID")]
    subscription: Option<String>,
    /// How many of the lot [default: all]
    #[arg(long, value_name = "N", requires = "lot")]
    quantity: Option<u64>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Only say what it would do to compliance
    #[arg(long)]
    preview: bool,
}

/// A day (its first instant in UTC) or an instant.
pub(super) fn when(text: &str) -> Result<Timestamp, String> {
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10).and_then(start_of);
    day.or_else(|| text.parse().ok()).ok_or_else(|| {
        "it is neither a day, as in 2027-03-04, nor an instant, as in 2027-03-04T12:00:00Z".into()
    })
}

impl OrderCommand {
    pub(super) async fn run(self, to: &Manager) -> Result<(), Failed> {
        match self {
            Self::Place(place) => place.run(to).await,
            Self::Renew(renew) => renew.run(to).await,
            Self::Cancel(cancel) => cancel.run(to).await,
        }
    }
}

impl Place {
    async fn run(self, to: &Manager) -> Result<(), Failed> {
        let quantity = Quantity::new(self.quantity).map_err(|why| Failed::refused(why.to_string()))?;
        let co_termination = match (self.with_subscription, self.align_subscription) {
            (true, _) => CoTermination::WithSubscription,
            (_, true) => CoTermination::AllToLater,
            _ => CoTermination::Own,
        };
        let order = NewOrder {
            order_id: self.order_id,
            lines: vec![NewOrderLine {
                license: self.license,
                quantity,
                kind: self.kind.map(LotKind::from),
                term_years: self.term_years,
                starts_at: self.starts,
                ends_at: self.ends,
                subscription_id: self.subscription,
                co_termination,
            }],
        };
        let session = to.connect().await?;
        let path = ["accounts", session.account(), "virtual-accounts", &self.virtual_account, "orders"];
        if self.preview {
            return preview::consequences(&session, &path, &order).await;
        }
        let show = |order: &OrderView| {
            let head = format!("order {:?} is deposited in {:?}", order.order_id, order.virtual_account.name);
            format!("{head}\n{}", lots(&order.lots))
        };
        session.ask(Method::POST, &path, &order, show).await
    }
}

impl Renew {
    async fn run(self, to: &Manager) -> Result<(), Failed> {
        let body = json!({ "order_id": self.order_id, "term_years": self.term_years, "ends_at": self.ends });
        let session = to.connect().await?;
        match (&self.lot, &self.subscription) {
            (Some(lot), _) => {
                let path = ["accounts", session.account(), "lots", lot, "renew"];
                if self.preview {
                    return preview::consequences(&session, &path, &body).await;
                }
                let show = |lot: &OwnedLotView| lots(core::slice::from_ref(lot));
                session.ask(Method::POST, &path, &body, show).await
            }
            (None, subscription) => {
                let subscription = subscription.as_deref().unwrap_or_default();
                let path = ["accounts", session.account(), "subscriptions", subscription, "renew"];
                if self.preview {
                    return preview::consequences(&session, &path, &body).await;
                }
                session.ask(Method::POST, &path, &body, |found: &Vec<OwnedLotView>| lots(found)).await
            }
        }
    }
}

impl Cancel {
    async fn run(self, to: &Manager) -> Result<(), Failed> {
        let body = json!({ "quantity": self.quantity, "reason": self.reason });
        let session = to.connect().await?;
        let account = session.account();
        let order = self.order.unwrap_or_default();
        let (kind, id, what) = match (&self.lot, &self.subscription) {
            (Some(lot), _) => ("lots", lot, format!("the lot {lot}")),
            (None, Some(name)) => ("subscriptions", name, format!("the subscription {name:?}")),
            (None, None) => ("orders", &order, format!("the order {order:?}")),
        };
        let path = ["accounts", account, kind, id, "cancel"];
        if self.preview {
            return preview::consequences(&session, &path, &body).await;
        }
        let show = |left: &Vec<OwnedLotView>| {
            if left.is_empty() {
                format!("{what} is cancelled; nothing is left of it")
            } else {
                format!("{what} is cancelled; what is left:\n{}", lots(left))
            }
        };
        session.ask(Method::POST, &path, &body, show).await
    }
}

pub(super) fn lots(lots: &[OwnedLotView]) -> String {
    let rows = lots.iter().map(|lot| {
        vec![
            lot.lot.id.to_string(),
            lot.name.clone(),
            lot.lot.quantity.to_string(),
            lot.lot.kind.as_str().to_owned(),
            day(lot.lot.starts_at),
            or_dash(lot.lot.ends_at.map(day)),
            or_dash(lot.lot.subscription_id.clone()),
        ]
    });
    table(&["LOT", "LICENSE", "#QUANTITY", "TYPE", "STARTS", "ENDS", "SUBSCRIPTION"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants_are_read_and_others_explained() {
        assert_eq!(when("2027-03-04").unwrap().to_string(), "2027-03-04T00:00:00Z");
        assert_eq!(when("2027-03-04T12:00:00+01:00").unwrap().to_string(), "2027-03-04T11:00:00Z");
        for text in ["tomorrow", "2027-13-01", "2027-03-04T12:00"] {
            assert!(when(text).unwrap_err().contains("as in"), "{text}");
        }
    }
}
