//! Tables as files: RFC 4180, UTF-8, all rows of the present filter, read and sent page by page.
//!
//! Spreadsheets run what begins like a formula. A field that does, and is no figure, gets an apostrophe before it.
//! Times are instants in UTC (RFC 3339), whatever the zone of the pages.

use core::cmp::Ordering;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use seatpool_store::Page;
use tokio::sync::mpsc;

/// Rows that are read at a time.
const ROWS_AT_ONCE: u32 = 500;
/// Pages that wait for a slow reader.
const PAGES_AHEAD: usize = 2;

/// One row of a file.
pub(crate) type Row = Vec<String>;

/// What a file has a row for.
pub(crate) trait Record {
    /// The heads of its columns.
    const HEAD: &'static [&'static str];

    /// Its cells, one for each head.
    fn cells(self) -> Row;
}

/// An instant as files hold it.
pub(crate) fn instant(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A field as it stands in a file.
fn field(text: &str) -> String {
    let is_figure = text.parse::<i64>().is_ok();
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_figure;
    let text = if risky { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A line of a file.
pub(crate) fn line(row: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let fields: Vec<_> = row.into_iter().map(|text| field(text.as_ref())).collect();
    format!("{}\r\n", fields.join(","))
}

/// Rows that are known already, as a file.
pub(crate) fn whole(name: &str, head: &[&str], rows: impl IntoIterator<Item = Row>) -> Response {
    let mut text = line(head);
    text.extend(rows.into_iter().map(line));
    file(name, Body::from(text))
}

/// Rows that `read` gives page by page, as a file. What is wrong with the first page is told as on any page;
/// what goes wrong later breaks the file off, so that nobody takes a part for the whole.
pub(crate) async fn streamed<F, R, E>(name: &str, head: &[&str], read: F) -> Result<Response, E>
where
    F: Fn(Page) -> R + Send + 'static,
    R: Future<Output = Result<Vec<Row>, E>> + Send,
    E: core::fmt::Debug + Send + 'static,
{
    parts(name, head, move |page| {
        let rows = read(page);
        async move { Ok(rows.await?.into_iter().map(|row| (None, row)).collect()) }
    })
    .await
}

/// Where a row stands in a list that only grows: by an instant, if the list is sorted by one, and by its number.
pub(crate) type Stand = (Timestamp, u64);

/// The same of a list that only grows, sorted by where its rows stand: what is added while the file is read moves
/// the others on, and none of them stands in the file twice.
pub(crate) async fn numbered<F, R, E>(name: &str, head: &[&str], read: F) -> Result<Response, E>
where
    F: Fn(Page) -> R + Send + 'static,
    R: Future<Output = Result<Vec<(Stand, Row)>, E>> + Send,
    E: core::fmt::Debug + Send + 'static,
{
    parts(name, head, move |page| {
        let rows = read(page);
        async move { Ok(rows.await?.into_iter().map(|(stand, row)| (Some(stand), row)).collect()) }
    })
    .await
}

async fn parts<F, R, E>(name: &str, head: &[&str], read: F) -> Result<Response, E>
where
    F: Fn(Page) -> R + Send + 'static,
    R: Future<Output = Result<Vec<(Option<Stand>, Row)>, E>> + Send,
    E: core::fmt::Debug + Send + 'static,
{
    let part = |offset| Page { limit: ROWS_AT_ONCE, offset };
    let mut rows = read(part(0)).await?;
    let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
    let mut text = line(head);
    tokio::spawn(async move {
        let mut offset = 0;
        let mut sent = Sent::default();
        loop {
            let last = rows.len() < ROWS_AT_ONCE as usize;
            text.extend(rows.into_iter().filter(|(stand, _)| sent.is_new(*stand)).map(|(_, row)| line(row)));
            if sender.send(Ok(Bytes::from(std::mem::take(&mut text)))).await.is_err() || last {
                return;
            }
            offset += u64::from(ROWS_AT_ONCE);
            rows = match read(part(offset)).await {
                Ok(rows) => rows,
                Err(problem) => {
                    tracing::warn!(?problem, "a file was broken off");
                    let _ = sender.send(Err(std::io::Error::other("the rest can't be read"))).await;
                    return;
                }
            };
        }
    });
    Ok(file(name, Body::new(Parts(receiver))))
}

/// How far a file of such rows is: the first and the last that is in it.
#[derive(Default)]
struct Sent {
    ends: Option<(Stand, Stand)>,
}

impl Sent {
    /// Whether a row goes on where the last one ended, up or down; rows that stand nowhere always do.
    fn is_new(&mut self, stand: Option<Stand>) -> bool {
        let Some(stand) = stand else { return true };
        let Some((first, last)) = self.ends else {
            self.ends = Some((stand, stand));
            return true;
        };
        let is_new = match first.cmp(&last) {
            Ordering::Equal => stand != last,
            Ordering::Greater => stand < last,
            Ordering::Less => stand > last,
        };
        if is_new {
            self.ends = Some((first, stand));
        }
        is_new
    }
}

fn file(name: &str, body: Body) -> Response {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{plain}.csv\""));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment")));
    response
}

/// A body whose parts arrive over a channel.
struct Parts(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_added_while_a_file_is_read_repeats_nothing() {
        // Newest first, by time, and the clock was set back twice; twenty more come with each page that is read.
        let at = |number: u64| Timestamp::from_second(i64::try_from(number % 700).unwrap()).unwrap();
        let stand = move |number| (at(number), number);
        let newest = std::sync::atomic::AtomicU64::new(1_200);
        let read = move |page: Page| {
            let newest = newest.fetch_add(20, std::sync::atomic::Ordering::Relaxed);
            let mut rows: Vec<u64> = (1..=newest).collect();
            rows.sort_by_key(|number| core::cmp::Reverse(stand(*number)));
            let rows = rows.into_iter().skip(usize::try_from(page.offset).unwrap());
            let rows: Vec<_> = rows
                .take(page.limit as usize)
                .map(|number| (stand(number), vec![number.to_string()]))
                .collect();
            async move { Ok::<_, std::io::Error>(rows) }
        };
        let file = numbered("log", &["number"], read).await.unwrap();
        let body = axum::body::to_bytes(file.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let numbers: Vec<u64> = text.lines().skip(1).map(|row| row.parse().unwrap()).collect();
        let mut expected: Vec<u64> = (1..=1_200).collect();
        expected.sort_by_key(|number| core::cmp::Reverse(stand(*number)));
        let of_then: Vec<u64> = numbers.iter().copied().filter(|number| *number <= 1_200).collect();
        assert_eq!(of_then, expected, "nothing that was there when it was asked for is lost or repeated");
        let once: std::collections::BTreeSet<u64> = numbers.iter().copied().collect();
        assert_eq!(once.len(), numbers.len());
    }

    #[test]
    fn fields_are_quoted_where_they_must_be_and_formulas_are_defused() {
        for (text, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("-18", "-18"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("\t=1", "'\t=1"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
        ] {
            assert_eq!(field(text), written);
        }
        assert_eq!(line(["a", "b,c", ""]), "a,\"b,c\",\r\n");
    }
}
