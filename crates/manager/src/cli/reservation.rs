//! `seatpool reservation`: licences of products that are never in contact, by codes that people carry.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use seatpool_proto::code::picture;
use serde_json::{Value, json};

use super::client::{Failed, Manager, Session, moment, or_dash, table};
use crate::app::reservations::{CodeView, ReservationView};
use crate::rest::own::WithCode;

/// Longest file that is taken for a code, in bytes.
const CODE_BYTES_MAX: u64 = 1024 * 1024;

/// Reservations.
#[derive(Subcommand, Debug)]
pub(super) enum ReservationCommand {
    /// List the reservations that have not ended
    List {
        /// Of this virtual account only
        #[arg(long, visible_alias = "va", value_name = "NAME")]
        virtual_account: Option<String>,
    },
    /// Show a reservation
    Show {
        /// Its product instance: id or serial number
        device: String,
    },
    /// Reserve licences for the request code that a product printed
    Reserve {
        #[command(flatten)]
        request: Code,
        /// Whose licences
        #[arg(long, visible_alias = "va", value_name = "NAME", default_value = "Default")]
        virtual_account: String,
        /// A licence and how many; once for each. None for a universal reservation
        #[arg(long = "license", value_name = "NAME=QUANTITY", value_parser = wanted)]
        licenses: Vec<Wanted>,
        #[command(flatten)]
        output: Output,
    },
    /// Print the authorization code that the product is to install
    Code {
        /// Its product instance: id or serial number
        device: String,
        #[command(flatten)]
        output: Output,
    },
    /// Change what a reservation holds; the change waits for its confirmation code
    Update {
        /// Its product instance: id or serial number
        device: String,
        /// All that it is to hold: a licence and how many; once for each
        #[arg(long = "license", value_name = "NAME=QUANTITY", value_parser = wanted, required = true)]
        licenses: Vec<Wanted>,
        #[command(flatten)]
        output: Output,
    },
    /// Enter the confirmation code that the product showed when it installed a change
    Confirm {
        /// Its product instance: id or serial number
        device: String,
        #[command(flatten)]
        code: Code,
    },
    /// Enter a return code: its licences are free again
    Return {
        /// Its product instance: id or serial number
        device: String,
        #[command(flatten)]
        code: Code,
    },
    /// Release the licences of a failed product without its return code, or take a step towards that
    Rehost {
        /// Its product instance: id or serial number
        device: String,
        /// `release` at once (vendor operators); `ask`, and a second person `approve`s or `refuse`s
        #[arg(long, default_value = "ask")]
        step: Step,
        /// What happened to the product; an approval needs none
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// A code that was carried here.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Code {
    /// The code
    code: Option<String>,
    /// A file that holds it; - for standard input
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
}

/// Where an authorization code goes.
#[derive(Args, Clone, Debug)]
pub(super) struct Output {
    /// Write the authorization code into this file, which must not be there yet, instead of printing it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Draw the authorization code as QR pictures, too: in numbered parts, which the product takes in any order
    #[arg(long)]
    qr: bool,
}

/// A step towards the release of a failed product's licences.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(super) enum Step {
    /// At once.
    Release,
    /// Ask a second person.
    Ask,
    /// Approve.
    Approve,
    /// Refuse.
    Refuse,
}

/// So many of a licence.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    license: String,
    quantity: u64,
}

/// Reads `NAME=QUANTITY`; a name may hold the sign, too.
fn wanted(text: &str) -> Result<Wanted, String> {
    let read = |(license, quantity): (&str, &str)| {
        let quantity = quantity.trim().parse().ok()?;
        Some(Wanted { license: license.trim().to_owned(), quantity })
    };
    text.rsplit_once('=').and_then(read).ok_or_else(|| "write NAME=QUANTITY, as in CCX_PREMIUM=10".to_owned())
}

fn lines(licenses: &[Wanted]) -> Vec<Value> {
    licenses.iter().map(|line| json!({ "license": line.license, "quantity": line.quantity })).collect()
}

impl Code {
    fn read(self) -> Result<String, Failed> {
        let file = match (self.code, self.code_file) {
            (Some(code), _) => return Ok(code),
            (None, Some(file)) => file,
            (None, None) => return Err(Failed::refused("the code is missing")),
        };
        let mut text = String::new();
        let read = if file == Path::new("-") {
            std::io::stdin().take(CODE_BYTES_MAX).read_to_string(&mut text)
        } else {
            std::fs::File::open(&file).and_then(|open| open.take(CODE_BYTES_MAX).read_to_string(&mut text))
        };
        read.map_err(|why| Failed::refused(format!("{} can't be read: {why}", file.display())))?;
        Ok(text)
    }
}

impl Output {
    /// Opens the file before anything is asked for, so that no code is lost to one that can't be written.
    fn open(&self) -> Result<Option<(PathBuf, std::fs::File)>, Failed> {
        let Some(path) = self.output.clone() else { return Ok(None) };
        let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
        match made {
            Ok(file) => Ok(Some((path, file))),
            Err(why) => Err(Failed::refused(format!("{} can't be written: {why}", path.display()))),
        }
    }

    /// The pictures of a code, if they are asked for.
    fn pictures(&self, code: &str) -> Result<String, Failed> {
        let mut drawn = String::new();
        let parts = if self.qr { picture::parts_of(code, picture::TERMINAL_BYTES_MAX) } else { Vec::new() };
        for part in parts {
            let blocks = picture::blocks(&part);
            let blocks = blocks.map_err(|why| Failed::refused(format!("the code can't be drawn: {why}")))?;
            drawn.push('\n');
            drawn.push_str(&blocks);
            drawn.push('\n');
        }
        Ok(drawn)
    }
}

impl ReservationCommand {
    pub(super) async fn run(self, manager: &Manager) -> Result<(), Failed> {
        let session = manager.connect().await?;
        let account = session.account();
        match self {
            Self::List { virtual_account } => {
                let query = [("virtual_account", virtual_account)];
                session
                    .read(&["accounts", account, "reservations"], &query, |found: &Vec<_>| list(found))
                    .await
            }
            Self::Show { device } => {
                let id = id_of(&session, &device).await?;
                session.read(&["accounts", account, "reservations", &id], &[], show).await
            }
            Self::Reserve { request, virtual_account, licenses, output } => {
                let body = json!({ "request_code": request.read()?, "licenses": lines(&licenses) });
                let path = ["accounts", account, "virtual-accounts", &virtual_account, "reservations"];
                with_code(&session, Method::POST, &path, Some(&body), output).await
            }
            Self::Code { device, output } => {
                let id = id_of(&session, &device).await?;
                let path = ["accounts", account, "reservations", &id, "authorization-code"];
                with_code(&session, Method::GET, &path, None, output).await
            }
            Self::Update { device, licenses, output } => {
                let id = id_of(&session, &device).await?;
                let path = ["accounts", account, "reservations", &id, "update"];
                let body = json!({ "licenses": lines(&licenses) });
                with_code(&session, Method::POST, &path, Some(&body), output).await
            }
            Self::Confirm { device, code } => {
                let body = json!({ "code": code.read()? });
                step(&session, &device, "confirm", &body).await
            }
            Self::Return { device, code } => {
                let body = json!({ "code": code.read()? });
                step(&session, &device, "return", &body).await
            }
            Self::Rehost { device, step: word, reason } => {
                let word = match word {
                    Step::Release => "release",
                    Step::Ask => "ask",
                    Step::Approve => "approve",
                    Step::Refuse => "refuse",
                };
                step(&session, &device, "rehost", &json!({ "step": word, "reason": reason })).await
            }
        }
    }
}

async fn step(session: &Session, device: &str, what: &str, body: &Value) -> Result<(), Failed> {
    let id = id_of(session, device).await?;
    session.ask(Method::POST, &["accounts", session.account(), "reservations", &id, what], body, show).await
}

/// Asks for a code, and prints it alone on the first line, or writes it into the file.
async fn with_code(
    session: &Session,
    method: Method,
    path: &[&str],
    body: Option<&Value>,
    output: Output,
) -> Result<(), Failed> {
    let file = output.open()?;
    let asked: Result<WithCode, Failed> = match body {
        Some(body) => session.call(method, path, body).await,
        None => session.find(path, &[]).await,
    };
    let made = match (asked, file) {
        (Ok(made), None) => {
            let drawn = output.pictures(&made.authorization_code)?;
            return session.print(&made, |made| {
                format!("{}\n{}{drawn}", made.authorization_code, show(&made.reservation))
            });
        }
        (Ok(made), Some((path, mut file))) => {
            std::io::Write::write_all(&mut file, made.authorization_code.as_bytes()).map_err(|why| {
                Failed::refused(format!(
                    "{} can't be written: {why}; `seatpool reservation code {}` prints the code",
                    path.display(),
                    made.reservation.instance
                ))
            })?;
            made
        }
        (Err(why), file) => {
            // Nothing was made: the file is as if it had never been.
            if let Some((path, file)) = file {
                drop(file);
                drop(std::fs::remove_file(path));
            }
            return Err(why);
        }
    };
    let drawn = output.pictures(&made.authorization_code)?;
    session.print(&made.reservation, |reservation| show(reservation) + &drawn)
}

/// The product instance of the one open reservation with this id or serial number.
async fn id_of(session: &Session, device: &str) -> Result<String, Failed> {
    if device.parse::<uuid::Uuid>().is_ok() {
        return Ok(device.to_owned());
    }
    let found: Vec<ReservationView> =
        session.find(&["accounts", session.account(), "reservations"], &[]).await?;
    let mut matching = found.iter().filter(|row| row.udi.sn == device);
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one.instance.to_string()),
        (None, _) => Err(Failed::refused(format!(
            "no open reservation is of a product with the serial number {device:?}: `seatpool reservation list` lists them; one that \
             ended, as by a return code that was entered before, is shown by its id"
        ))),
        (Some(_), Some(_)) => Err(Failed::refused(format!(
            "several reservations are of products with the serial number {device:?}: name one by its id, as `seatpool \
             reservation list` prints it"
        ))),
    }
}

fn held(code: &CodeView) -> String {
    let texts: Vec<String> =
        code.licenses.iter().map(|held| format!("{} of {}", held.quantity, held.name)).collect();
    if texts.is_empty() { "all licenses, without counting".to_owned() } else { texts.join(", ") }
}

fn list(found: &[ReservationView]) -> String {
    let rows = found.iter().map(|row| {
        let waits = match (&row.in_transit, &row.rehost) {
            (Some(_), _) => Some("confirmation code".to_owned()),
            (None, Some(_)) => Some("approval of rehosting".to_owned()),
            (None, None) => None,
        };
        vec![
            row.udi.sn.clone(),
            row.udi.pid.clone(),
            row.virtual_account.name.clone(),
            held(&row.issued),
            or_dash(waits),
            row.instance.to_string(),
        ]
    });
    table(&["SERIAL NUMBER", "PID", "VIRTUAL ACCOUNT", "RESERVED", "WAITS FOR", "ID"], rows)
}

fn show(row: &ReservationView) -> String {
    let mut lines = vec![
        format!("Device:           PID {}, SN {}", row.udi.pid, row.udi.sn),
        format!("Id:               {}", row.instance),
        format!("Virtual account:  {}", row.virtual_account.name),
        format!("Reserved:         {}", held(&row.issued)),
        format!("Since:            {}", moment(row.issued.made_at)),
    ];
    if let Some(change) = &row.in_transit {
        let since = moment(change.made_at);
        lines.push(format!("In transit:       {} since {since}; enter its confirmation code", held(change)));
    }
    if let Some(asked) = &row.rehost {
        let at = moment(asked.at);
        lines.push(format!(
            "Rehosting:        asked for by {} on {at} ({}); a second person decides",
            asked.by, asked.reason
        ));
    }
    if let (Some(at), Some(how)) = (row.ended_at, row.ended) {
        let how = match how {
            seatpool_domain::reservation::ReservationEnded::Returned => "returned",
            seatpool_domain::reservation::ReservationEnded::Rehosted => "rehosted",
        };
        lines.push(format!("Ended:            {} ({how})", moment(at)));
    }
    lines.join("\n")
}
