//! How quick the portal's pages are on a large customer's data: a real manager, signed in to over HTTPS.
//!
//! Which pages there are is found as a person would find them, by following links; of each kind of page a few are
//! asked for in turns, many times over one connection. Search is asked for as one types it. What is measured is the
//! whole exchange as the browser sees it, without the network between.

mod browser;
mod crawl;
mod manager;

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use crate::bench::{Table, beside_this_program, median, time_async};
use crate::fill::{DOMAIN, LOGIN, PASSWORD};
use browser::Browser;
use manager::Manager;

/// Longest that a page may take at the 95th percentile.
const MILLISECONDS_MAX: f64 = 50.0;
/// Largest page, in bytes.
const BYTES_MAX: f64 = 100.0 * 1000.0;
/// Limit of what is resident, in bytes.
const RESIDENT_MAX: f64 = 300.0 * 1e6;
/// What is searched for: names, serial numbers and what there is not, each typed letter by letter.
const SEARCHED: [&str; 8] =
    ["contact-centre-000", "FTX0A1", "site42", "router", "1999", "zzqx nothing", "Premium", "product-07"];

/// Lists that no link leads to, below the path of the account: what people choose in filters, alone and together.
const LISTS: &[&str] = &[
    "/activity?user=alice",
    "/activity?user=system",
    "/activity?since=2026-06-01",
    "/activity?until=2026-06-01",
    "/activity?since=2020-01-01&until=2030-01-01&page=900",
    "/activity?kind=instance_registered&user=alice",
    "/activity?kind=instance_registered&since=2026-01-01&sort=time&order=up",
    "/activity?kind=licenses_ordered&user=alice&since=2025-01-01&q=deposited",
    "/activity?instance=contact-centre-000017",
    "/activity?instance=nobody-is-called-so",
];

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Data directory that `fill` made
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// How often each kind of page is asked for
    #[arg(long, default_value_t = 60)]
    rounds: usize,
    /// Directory of the built programs [default: this program's own]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// The manager can't be started or signed in to, or a page is not answered.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let bin_dir = match &options.bin_dir {
        Some(dir) => dir.clone(),
        None => beside_this_program()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(options, &bin_dir))
}

/// What came of asking for one kind of page.
#[derive(Default)]
struct Asked {
    spans: Vec<Duration>,
    bytes: usize,
}

impl Asked {
    fn add(&mut self, span: Duration, bytes: usize) {
        self.spans.push(span);
        self.bytes = self.bytes.max(bytes);
    }

    /// Milliseconds at a share of all, as 0.95.
    fn at(&self, share: f64) -> f64 {
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few hundred measurements"
        )]
        let index = ((spans.len() as f64 * share).ceil() as usize).saturating_sub(1);
        spans.get(index).map_or(0.0, |span| span.as_secs_f64() * 1000.0)
    }
}

async fn measure(options: &Options, bin_dir: &std::path::Path) -> anyhow::Result<()> {
    let manager = Manager::start(bin_dir, &options.data_dir).await?;
    let mut browser = Browser::new(&manager.url, &options.data_dir)?;
    let (sign_in, ()) = {
        let (span, done) = time_async(browser.sign_in(LOGIN, PASSWORD)).await;
        (span, done?)
    };
    let mut found = crawl::follow(&mut browser, &format!("/portal/{DOMAIN}")).await?;
    for list in LISTS {
        found.add(&format!("/portal/{DOMAIN}{list}"));
    }
    let empty_path = format!("/portal/{DOMAIN}/nothing-is-here");
    let mut empty = Asked::default();
    for _ in 0..options.rounds * 4 {
        let (span, page) = time_async(browser.get(&empty_path)).await;
        empty.add(span, page?.1.len());
    }
    let empty_span = median(empty.spans.clone()).as_secs_f64() * 1000.0;

    let mut kinds: BTreeMap<String, Asked> = BTreeMap::new();
    for round in 0..options.rounds {
        for (kind, paths) in &found.kinds {
            let path = &paths[round % paths.len()];
            let (span, page) = time_async(browser.get(path)).await;
            let (status, text) = page?;
            ensure!(status < 500, "{path} was answered {status}");
            kinds.entry(kind.clone()).or_default().add(span, text.len());
        }
    }
    for (kind, search) in &found.searches {
        let asked = kinds.entry(format!("{kind}, as one types")).or_default();
        for words in SEARCHED {
            for end in 1..=words.len() {
                let path = search.path(&words[..end]);
                let (span, page) = time_async(browser.get(&path)).await;
                let (status, text) = page?;
                ensure!(status < 500, "{path} was answered {status}");
                asked.add(span, text.len());
            }
        }
    }
    let mut table = Table::default();
    table.limit("an empty page, median", format!("{empty_span:.2} ms"));
    table.limit("sign-in (a password's hash is meant to take its time)", format!("{sign_in:.0?}"));
    for (kind, asked) in &kinds {
        let (p50, p95) = (asked.at(0.5), asked.at(0.95));
        let limit = format!("{MILLISECONDS_MAX} ms; {:.1} empty pages", p95 / empty_span);
        table.line(kind, format!("p50 {p50:.1} ms, p95 {p95:.1} ms"), limit, p95 / MILLISECONDS_MAX);
        #[expect(clippy::cast_precision_loss, reason = "pages are small")]
        let bytes = asked.bytes as f64;
        if bytes > BYTES_MAX / 2.0 {
            table.line(
                &format!("{kind}: size"),
                format!("{bytes} bytes"),
                "100 KB".to_owned(),
                bytes / BYTES_MAX,
            );
        }
    }
    let resident = manager.resident()?;
    table.line(
        "resident memory of the manager, after all of it",
        format!("{:.0} MB", resident / 1e6),
        "300 MB".to_owned(),
        resident / RESIDENT_MAX,
    );
    table.print();
    manager.stop().await
}
