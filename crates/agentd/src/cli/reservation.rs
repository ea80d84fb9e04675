//! `license smart reservation …`.

use std::fmt::Write as _;
use std::io::Read as _;

use anyhow::{Context as _, bail};
use http::Method;
use seatpool_agent::status::ReservationStatus;
use seatpool_proto::code::{ConfirmationCode, RequestCode, ReturnCode, picture};
use serde_json::json;

use super::run::{Outcome, done};
use super::sftp;
use super::words::{Form, Kind, Reservation, ReturnWhat};
use crate::client::Client;

/// The longest text that can be an authorization code, in bytes.
pub(super) const CODE_BYTES_MAX: u64 = 64 * 1024;

pub(super) async fn run(client: &Client, step: Reservation) -> Outcome {
    match step {
        Reservation::Enable => {
            client.change(Method::PUT, "licensing/reservation/mode", Some(&true)).await?;
            done("License reservation is enabled.")
        }
        Reservation::Disable => {
            client.change(Method::PUT, "licensing/reservation/mode", Some(&false)).await?;
            done("License reservation is disabled.")
        }
        Reservation::Request { kind, form } => {
            let path = match kind {
                Kind::Specific => "licensing/reservation/request",
                Kind::Universal => "licensing/reservation/request/universal",
            };
            let (_, code) = client.ask::<String>(Method::POST, path).await?;
            let code: RequestCode = code.unwrap_or_default().parse()?;
            let text = code.to_string();
            let mut said = format!("Enter this request code in the Smart Software Manager portal:\n{text}\n");
            said.push_str(&forms(form, &text, || code.to_spoken())?);
            done(said)
        }
        Reservation::Cancel => {
            client.change(Method::DELETE, "licensing/reservation/cancel", None::<&()>).await?;
            done("The reservation request was canceled.")
        }
        Reservation::ForgetCanceled => {
            client.change(Method::DELETE, "licensing/reservation/canceled", None::<&()>).await?;
            done("The canceled requests were forgotten.")
        }
        Reservation::Install { code, form } => {
            let said = install(client, &text_of(code)?, form).await?;
            done(format!("Reservation install successful\n{said}"))
        }
        Reservation::InstallFile { source, sftp, form } => {
            let text = if source.starts_with("sftp:") {
                sftp::fetch(&source, &sftp).await?
            } else {
                let path = std::path::Path::new(&source);
                let file =
                    std::fs::File::open(path).with_context(|| format!("the file {source} can't be read"))?;
                read_text(file).with_context(|| format!("the file {source} can't be read"))?
            };
            let said = install(client, &text, form).await?;
            done(format!("Reservation install file successful\n{said}"))
        }
        Reservation::Return { what: Some(ReturnWhat::Authorization { code }), form }
        | Reservation::ReturnAuthorization { code, form } => {
            let text = whole(&text_of(code)?)?;
            let code =
                client.post::<String>(Method::POST, "licensing/reservation/discard", &json!(text)).await?;
            returned(code, form)
        }
        Reservation::Return { what: None, form } => {
            let (_, code) = client.ask::<String>(Method::DELETE, "licensing/reservation/release").await?;
            returned(code, form)
        }
    }
}

/// What a factory reset left to be carried.
pub(super) fn outstanding(reservation: &ReservationStatus) -> String {
    let mut said = String::new();
    if let Some(code) = &reservation.last_return_code {
        said.push_str(
            "\nIf this was not done, enter the last return code in the Smart Software Manager portal:\n",
        );
        said.push_str(code);
    }
    if !reservation.canceled.is_empty() {
        said.push_str(
            "\nIf the manager has made an authorization code for a request that was canceled, give it back: run \
            `license smart reservation enable` and `license smart reservation return-authorization`.",
        );
    }
    said
}

/// An authorization code as it stands, or put together from the numbered parts of its pictures.
fn whole(text: &str) -> anyhow::Result<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let parts = !lines.is_empty() && lines.iter().all(|line| picture::is_part(line));
    Ok(if parts { picture::joined(lines)? } else { text.to_owned() })
}

async fn install(client: &Client, text: &str, form: Form) -> anyhow::Result<String> {
    let text = whole(text)?;
    let confirmation =
        client.post::<String>(Method::POST, "licensing/reservation/complete", &json!(text)).await?;
    let Some(code) = confirmation else { return Ok(String::new()) };
    let code: ConfirmationCode = code.parse()?;
    // The manager asks for it after a change; of a first code it needs none.
    let said = format!(
        "Last Confirmation code {code}\nAfter a change, enter this confirmation code in the Smart Software Manager portal:\n{code}\n"
    );
    Ok(said + &forms(form, &code.to_string(), || code.to_spoken())?)
}

fn returned(code: Option<String>, form: Form) -> Outcome {
    let code: ReturnCode = code.unwrap_or_default().parse()?;
    let text = code.to_string();
    let said = format!("Enter this return code in the Smart Software Manager portal:\n{text}\n");
    done(said + &forms(form, &text, || code.to_spoken())?)
}

/// The other forms of a code that were asked for.
fn forms(form: Form, text: &str, spoken: impl Fn() -> String) -> anyhow::Result<String> {
    let mut said = String::new();
    if form.spoken {
        said.push_str("\nTo be read aloud, group by group:\n");
        for (group, number) in spoken().split(' ').zip(1..) {
            let spelt: Vec<String> = group.chars().map(|c| spell(c).to_owned()).collect();
            writeln!(said, "{number:>4}  {group}  {}", spelt.join(" "))?;
        }
    }
    if form.qr {
        for part in picture::parts_of(text, picture::TERMINAL_BYTES_MAX) {
            said.push('\n');
            said.push_str(&picture::blocks(&part)?);
            said.push('\n');
        }
    }
    Ok(said)
}

/// A character in the spelling alphabet of ITU and ICAO.
fn spell(character: char) -> &'static str {
    const DIGITS: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const LETTERS: [&str; 26] = [
        "Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo",
        "Lima", "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform",
        "Victor", "Whiskey", "X-ray", "Yankee", "Zulu",
    ];
    let at = |first: u8| usize::from((character as u32 as u8).wrapping_sub(first));
    match character {
        '0'..='9' => DIGITS[at(b'0')],
        'A'..='Z' => LETTERS[at(b'A')],
        _ => "?",
    }
}

/// The code as it was entered; a shell that split it at its spaces is forgiven.
fn text_of(code: Vec<String>) -> anyhow::Result<String> {
    if code == ["-"] {
        return read_text(std::io::stdin()).context("standard input can't be read");
    }
    Ok(code.join(" "))
}

pub(super) fn read_text(from: impl std::io::Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    from.take(CODE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > CODE_BYTES_MAX {
        bail!("it has more than {CODE_BYTES_MAX} bytes, and no authorization code is that long");
    }
    String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("it is not text: is it the authorization code's file?"))
}
