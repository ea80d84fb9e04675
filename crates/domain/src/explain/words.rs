//! The sentences of an explanation.

use jiff::Timestamp;
use seatpool_proto::Quantity;

use super::{Event, Explanation, License, Mend, Move, Reason, Sentence, Status, User};
use crate::command::words::list;

/// An explanation in sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How it stands, in the words of the public API and the portal.
    pub status: &'static str,
    /// Why, the main reason first.
    pub why: Vec<Sentence>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// What happens next, in its order.
    pub next: Vec<ToldNext>,
    /// What to do, the best first; one for each mend.
    pub what_to_do: Vec<Sentence>,
}

/// One thing that is going to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldNext {
    /// What.
    pub what: Sentence,
    /// When.
    pub at: Option<Timestamp>,
    /// Whether it is to be prevented.
    pub harms: bool,
}

impl Status {
    /// In the words of the public API and the portal.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotInUse => "Not In Use",
            Self::InCompliance => "In Compliance",
            Self::Borrowing => "In Compliance, Borrowing",
            Self::OutOfCompliance => "Out Of Compliance",
            Self::Registering => "Registering",
            Self::Waiting => "Waiting",
            Self::NoLicensesInUse => "No Licenses In Use",
            Self::Authorized => "Authorized",
            Self::AuthorizationExpired => "Authorization Expired",
            Self::RegistrationExpired => "Registration Expired",
            Self::Reserved => "Reserved, In Compliance",
            Self::Deregistered => "Deregistered",
            Self::Removed => "Removed",
            Self::Replaced => "Replaced",
        }
    }
}

impl Explanation {
    /// Makes the sentences.
    pub fn told(&self) -> Told {
        let next = self.next.iter().map(|coming| ToldNext {
            what: Sentence::new(event(&coming.what)),
            at: coming.at,
            harms: harms(&coming.what),
        });
        Told {
            status: self.status.words(),
            why: self.why.iter().map(|reason| why(reason, self.status)).collect(),
            since: self.since,
            next: next.collect(),
            what_to_do: self.what_to_do.iter().map(what_to_do).collect(),
        }
    }
}

/// `1 is`, `2 are`.
fn are(quantity: Quantity) -> String {
    format!("{quantity} {}", if quantity.count() == 1 { "is" } else { "are" })
}

fn most(users: &[User]) -> String {
    let user = |user: &User| match user.quantity.count() {
        0 => user.instance.name.clone(),
        count => format!("{} ({count})", user.instance.name),
    };
    list(&users.iter().map(user).collect::<Vec<_>>())
}

fn quantities(uses: &[(License, Quantity)]) -> String {
    list(&uses.iter().map(|(license, quantity)| format!("{quantity} of {license}")).collect::<Vec<_>>())
}

fn why(reason: &Reason, status: Status) -> Sentence {
    match reason {
        Reason::Unused { owned } if owned.is_zero() => Sentence::new("None are owned, and none are in use."),
        Reason::Unused { owned } => Sentence::new(format!("{} owned, and none are in use.", are(*owned))),
        Reason::Covered { in_use, owned } => {
            Sentence::new(format!("{} in use, and {} owned.", are(*in_use), are(*owned)))
        }
        Reason::Present { owned } => Sentence::new(format!("It must be owned, and {} owned.", are(*owned))),
        Reason::Missing { instances: 1 } => {
            Sentence::new("One product instance needs it, and none is owned.")
        }
        Reason::Missing { instances } => {
            Sentence::new(format!("{instances} product instances need it, and none is owned."))
        }
        Reason::Short { in_use, owned, borrowed, short } => {
            let lent = if borrowed.is_zero() {
                String::new()
            } else {
                format!(", {borrowed} come from higher licenses")
            };
            Sentence::new(format!(
                "{} in use, {} owned{lent}: {} short.",
                are(*in_use),
                are(*owned),
                are(*short)
            ))
        }
        Reason::Borrowed { from, quantity } => {
            Sentence::new(format!("{quantity} of {from}, which nobody else needs here, stand in for it."))
        }
        Reason::Lent { to, quantity } => {
            Sentence::new(format!("{} lent to {to}, of which too few are owned here.", are(*quantity)))
        }
        Reason::Locked { held, actual, instances } => {
            let who = if *instances == 1 {
                "one product instance reports".to_owned()
            } else {
                format!("{instances} product instances report")
            };
            Sentence::new(format!(
                "{} in use at present, but the pool is held to {held}, the most that was in use since it went short: {who} locked usage.",
                are(*actual)
            ))
        }
        Reason::Declared { quantity } => Sentence::new(format!(
            "{quantity} of what is owned {} declared by the customer; the vendor has not confirmed it yet.",
            if quantity.count() == 1 { "is" } else { "are" }
        )),
        Reason::Reserved { quantity } => {
            Sentence::new(format!("Reservations hold {quantity} more, which can't be used otherwise."))
        }
        Reason::MostUsed { by, instances } if by.len() as u64 >= *instances => {
            Sentence::new(format!("Used by {}.", most(by)))
        }
        Reason::MostUsed { by, instances } => {
            Sentence::new(format!("Of {instances} product instances these use most: {}.", most(by)))
        }
        Reason::UsesShort { license, uses, short, place, most: users } => {
            let uses = if uses.is_zero() { "needs".to_owned() } else { format!("uses {uses} of") };
            let others =
                if users.is_empty() { String::new() } else { format!(" Most is used by {}.", most(users)) };
            Sentence::new(format!("It {uses} {license}, of which {} short in {place}.{others}", are(*short)))
        }
        Reason::UsesCovered { uses, last_contact } => Sentence::new(format!(
            "It uses {}, and all are covered; its last contact was on ",
            quantities(uses)
        ))
        .at(*last_contact)
        .text("."),
        Reason::NothingInUse { last_contact } => {
            Sentence::new("It reported that no license is in use; its last contact was on ")
                .at(*last_contact)
                .text(".")
        }
        Reason::NoReportYet { registered } => {
            Sentence::new("It registered on ").at(*registered).text(" and has not reported what it uses yet.")
        }
        Reason::NotIssuedYet => Sentence::new("Its ID certificate is being issued."),
        Reason::Silent { last_contact, due } => Sentence::new("It has not been in contact since ")
            .at(*last_contact)
            .text("; its authorization was to be renewed on ")
            .at(*due)
            .text("."),
        Reason::AuthorizationEnded { at, last_contact } => Sentence::new("Its authorization ended on ")
            .at(*at)
            .text(", since its last contact was on ")
            .at(*last_contact)
            .text(". Its usage no longer counts here."),
        Reason::RenewalOverdue { due } => {
            Sentence::new("Its ID certificate was to be renewed on ").at(*due).text(" and has not been.")
        }
        Reason::CertificateEnded { at } => {
            Sentence::new("Its ID certificate ended on ").at(*at).text(" without having been renewed.")
        }
        Reason::Cloned { at } => Sentence::new("Two copies of it report under one identity, last seen on ")
            .at(*at)
            .text(": the later one is refused."),
        Reason::Rewound { at } => Sentence::new("It went on from an older state on ")
            .at(*at)
            .text(", as after a restored backup or snapshot."),
        Reason::ExportWaits { feature, license, at, ended } => Sentence::new(if *ended {
            format!("The license that authorized its export-restricted feature {feature} ended on ")
        } else {
            format!("It asked for the export-restricted feature {feature} on ")
        })
        .at(*at)
        .text(format!(", and {license} has none to spare.")),
        Reason::Reserves { holds, at } if holds.is_empty() => {
            Sentence::new("Nothing counts any more of what the authorization code of ")
                .at(*at)
                .text(" reserved.")
        }
        Reason::Reserves { holds, at } => {
            Sentence::new(format!("It holds {} by the authorization code of ", quantities(holds)))
                .at(*at)
                .text(", and is never in contact.")
        }
        Reason::ReservesAll { at } => {
            Sentence::new("It holds all licenses, without counting, by the authorization code of ")
                .at(*at)
                .text(", and is never in contact.")
        }
        Reason::ChangeUnconfirmed { at } => Sentence::new("Its reservation was changed on ").at(*at).text(
            ", and the confirmation code has not been entered: of each license the larger number is held.",
        ),
        Reason::RehostAsked { at, by, for_reason } => {
            Sentence::new(format!("{by} asked on ")).at(*at).text(format!(
                " to release its licenses without its return code ({for_reason}); a second person is to decide."
            ))
        }
        Reason::ReservedEnded { license, quantity, at } => {
            Sentence::new(format!("{quantity} of {license} that it holds ended on ")).at(*at).text(".")
        }
        Reason::Ended { at, by } => {
            let how = match status {
                Status::Deregistered => "It deregistered on ",
                Status::Replaced => "A later registration of the same device took its place on ",
                _ => "It was removed on ",
            };
            let by = by.as_ref().map(|name| format!(", by {name}")).unwrap_or_default();
            Sentence::new(how).at(*at).text(format!("{by}."))
        }
    }
}

fn then(short: Quantity) -> String {
    if short.is_zero() {
        "none will be short then".into()
    } else {
        format!("{short} will be short then, if usage stays")
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::LotsEnd { license, quantity, short } => {
            format!("{quantity} of {license} end; {}.", then(*short))
        }
        Event::LotsStart { license, quantity, short } => {
            format!("{quantity} of {license} start to count; {}.", then(*short))
        }
        Event::Told => {
            "Each product instance that uses it is told so with its next report; what it then restricts, and when, is \
             its profile's matter."
                .into()
        }
        Event::Unlocked => "Locked usage ends with the first report after the pool is covered.".into(),
        Event::Enforced => {
            "If it lasts until then, the product restricts itself, 90 days after; that is the default, its profile \
             decides."
                .into()
        }
        Event::EnforcedAtTheEarliest => {
            "If it lasts, the product restricts itself, at the earliest then: 90 days after it goes out of compliance \
             itself. Where it has tolerance, that is with the fifth report in a row that is short. This is the \
             default; its profile decides."
                .into()
        }
        Event::FirstReport => "It reports what it uses within its report interval.".into(),
        Event::RenewsAuthorization => {
            "It renews its authorization, if no report has done so before.".into()
        }
        Event::AuthorizationEnds => {
            "Without contact until then its authorization ends, and its usage no longer counts.".into()
        }
        Event::RenewsCertificate => "It renews its ID certificate by itself.".into(),
        Event::CertificateEnds => {
            "Without renewal until then its ID certificate ends, and it has to register again.".into()
        }
        Event::ReservedEnd { license, quantity } => {
            format!("{quantity} of {license} that it holds end; the product counts them no longer.")
        }
        Event::ReservedUntilReturned => {
            "It holds them until its return code is entered here, or its licenses are rehosted.".into()
        }
        Event::RefusedIfHeard => {
            "If it contacts this manager again, it is refused and told why.".into()
        }
    }
}

fn harms(event: &Event) -> bool {
    match event {
        Event::LotsEnd { short, .. } => !short.is_zero(),
        Event::Told
        | Event::Enforced
        | Event::EnforcedAtTheEarliest
        | Event::AuthorizationEnds
        | Event::CertificateEnds
        | Event::ReservedEnd { .. } => true,
        _ => false,
    }
}

fn what_to_do(mend: &Mend) -> Sentence {
    match mend {
        Mend::Move(step) => moving("Move", step),
        Mend::Ask(step) => moving("Ask an account administrator to move", step),
        Mend::Order { license, quantity, place } => {
            Sentence::new(format!("Order {quantity} of {license} for {place}."))
        }
        Mend::Obtain { license, quantity, place } => Sentence::new(format!(
            "Have {quantity} more of {license} moved to {place} from another virtual account, or ordered."
        )),
        Mend::Renew { license, quantity, ends_at, .. } => {
            Sentence::new(format!("Renew the {quantity} of {license} whose term ends on "))
                .at(*ends_at)
                .text(".")
        }
        Mend::MendPool { license, place } => {
            Sentence::new(format!("See what mends the shortage of {license} in {place}."))
        }
        Mend::CheckContact => Sentence::new(
            "Look at the product's own license status: it names the reason why its last contact failed.",
        ),
        Mend::RemoveInstance => {
            Sentence::new("If it is gone for good, remove it: its licenses are free at once.")
        }
        Mend::RegisterAgain { place } => {
            Sentence::new(format!("Register it again, with a token of {place}."))
        }
        Mend::FreeRestricted { license, place } => Sentence::new(format!(
            "Order {license} for {place}, move one there, or return it on another product instance."
        )),
        Mend::EnterConfirmation => Sentence::new(
            "Install the authorization code on the product, and enter the confirmation code that it shows.",
        ),
        Mend::DecideRehost => Sentence::new("Approve the release of its licenses, or refuse it."),
        Mend::UpdateReservation => Sentence::new(
            "Update the reservation with licenses that count, and carry the new code to the product.",
        ),
        Mend::SeparateCopies => {
            Sentence::new("Give the copy a serial number and UUID of its own, and register it.")
        }
    }
}

fn moving(verb: &str, step: &Move) -> Sentence {
    let Move { from, to, license, quantity, figures, .. } = step;
    let instead =
        if step.license == step.mends { String::new() } else { format!(", in place of {}", step.mends) };
    let sentence = Sentence::new(format!(
        "{verb} {quantity} of {license} from {from}, which has {} spare, to {to}{instead}.",
        figures.source_spare
    ));
    match step.source_short_at {
        None => sentence,
        Some(at) => sentence.text(format!(" {from} will lack them itself from ")).at(at).text("."),
    }
}
