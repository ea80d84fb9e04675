//! The usage history: rows that go on within their hour, and hours that become days.

use jiff::Timestamp;
use seatpool_domain::history::{Span, UsageSpan, thin};
use seatpool_proto::Quantity;
use seatpool_store::Store;

use crate::facts::{add, create_account, place, tag};

fn row(starts_at: &str, span: Span, high: u64, last: u64, owned: u64) -> UsageSpan {
    let short = |used: u64| Quantity::of(used.saturating_sub(owned));
    UsageSpan {
        virtual_account: place(1),
        tag: tag("desk"),
        starts_at: starts_at.parse().unwrap(),
        span,
        in_use_high: Quantity::of(high),
        in_use: Quantity::of(last),
        short_high: short(high),
        short: short(last),
        owned: Quantity::of(owned),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) async fn an_hour_keeps_its_highest_and_takes_the_rest(store: Store) {
    let account = create_account(&store, 1).await;
    let other = create_account(&store, 2).await;
    let hour = "2026-07-01T10:00:00Z";
    for (account, row) in [
        (account, row("2026-07-01T08:00:00Z", Span::Hour, 9, 9, 10)),
        (account, row(hour, Span::Hour, 30, 20, 25)),
        (account, row(hour, Span::Hour, 22, 7, 40)),
        (account, UsageSpan { tag: tag("voice"), ..row(hour, Span::Hour, 5, 5, 5) }),
        (account, row("2026-07-01T12:00:00Z", Span::Hour, 1, 1, 40)),
        (other, row(hour, Span::Hour, 99, 99, 99)),
    ] {
        let key = (row.virtual_account, row.tag.clone(), row.starts_at);
        add(&store, account, |workset| drop(workset.history.insert(key, row))).await;
    }
    let (before, rows) = store
        .usage_history(
            account,
            place(1),
            &tag("desk"),
            at("2026-07-01T09:00:00Z"),
            at("2026-07-01T12:00:00Z"),
        )
        .await
        .unwrap();
    assert_eq!(before, Some(row("2026-07-01T08:00:00Z", Span::Hour, 9, 9, 10)));
    let mut both = row(hour, Span::Hour, 30, 20, 25);
    both.go_on(&row(hour, Span::Hour, 22, 7, 40));
    assert_eq!(rows, [both]);
    let (before, rows) =
        store.usage_history(account, place(2), &tag("desk"), Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert_eq!((before, rows), (None, Vec::new()));
}

pub(crate) async fn hours_become_days_in_parts(store: Store) {
    let account = create_account(&store, 1).await;
    let hours = [
        row("2026-07-01T08:00:00Z", Span::Hour, 9, 9, 10),
        row("2026-07-01T10:00:00Z", Span::Hour, 30, 20, 25),
        row("2026-07-02T10:00:00Z", Span::Hour, 3, 2, 25),
        row("2026-07-03T00:00:00Z", Span::Hour, 8, 8, 25),
    ];
    add(&store, account, |workset| {
        for row in &hours {
            workset.history.insert((row.virtual_account, row.tag.clone(), row.starts_at), row.clone());
        }
    })
    .await;
    let mut parts = 0;
    loop {
        let found = store.usage_hours(at("2026-07-03T00:00:00Z"), 2).await.unwrap();
        if found.is_empty() {
            break;
        }
        assert!(found.iter().all(|(of, _)| *of == account));
        let found: Vec<_> = found.into_iter().map(|(_, row)| row).collect();
        store.thin_usage(account, &found, &thin(&found)).await.unwrap();
        parts += 1;
    }
    assert_eq!(parts, 2);
    let (_, rows) =
        store.usage_history(account, place(1), &tag("desk"), Timestamp::MIN, Timestamp::MAX).await.unwrap();
    let mut expected = thin(&hours[..3]);
    expected.push(hours[3].clone());
    assert_eq!(rows, expected);
}
