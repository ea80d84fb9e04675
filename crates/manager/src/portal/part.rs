//! Small parts of pages that write their own markup: icons, chips, times, counts, the gauge.
//!
//! Each is [`HtmlSafe`]: what comes from outside is escaped here, so templates print them as they are.

use std::fmt;

use askama::filters::{Escaper as _, Html, HtmlSafe};
use jiff::{Timestamp, tz::TimeZone};

use super::zone;

/// A drawing of 24 × 24 units, in the colour of the text around it. Decoration: text stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Auto,
    Bad,
    Check,
    Chevron,
    Clock,
    Copy,
    Down,
    Download,
    Info,
    Moon,
    Plus,
    Search,
    Star,
    Sun,
    Up,
    Warn,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Auto => {
                r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17Z" fill="currentColor"/>"#
            }
            Self::Bad => {
                r#"<path d="M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3L8.3 3Z"/><path d="m9 9 6 6m0-6-6 6"/>"#
            }
            Self::Check => r#"<circle cx="12" cy="12" r="9"/><path d="m8 12.3 2.8 2.8L16.2 9.5"/>"#,
            Self::Chevron => r#"<path d="m6 9.5 6 6 6-6"/>"#,
            Self::Clock => r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.4 2"/>"#,
            Self::Copy => {
                r#"<rect x="8.5" y="8.5" width="12" height="12" rx="2"/><path d="M15.5 8.5v-3a2 2 0 0 0-2-2h-8a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h3"/>"#
            }
            Self::Down => r#"<path d="M12 5v14m6-6-6 6-6-6"/>"#,
            Self::Download => r#"<path d="M12 4v11m5-5-5 5-5-5M4.5 20h15"/>"#,
            Self::Info => r#"<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.6v.2"/>"#,
            Self::Moon => r#"<path d="M20 14.2A8.5 8.5 0 0 1 9.8 4 8.5 8.5 0 1 0 20 14.2Z"/>"#,
            Self::Plus => r#"<path d="M12 5v14M5 12h14"/>"#,
            Self::Search => r#"<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>"#,
            Self::Star => {
                r#"<path d="m12 3.5 2.6 5.6 6 .7-4.5 4.1 1.2 6-5.3-3-5.3 3 1.2-6L3.4 9.8l6-.7L12 3.5Z" fill="currentColor"/>"#
            }
            Self::Sun => {
                r#"<circle cx="12" cy="12" r="4"/><path d="M12 2.5v2m0 15v2m9.5-9.5h-2m-15 0h-2m16.2-6.7-1.4 1.4M6.7 17.3l-1.4 1.4m13.4 0-1.4-1.4M6.7 6.7 5.3 5.3"/>"#
            }
            Self::Up => r#"<path d="M12 19V5m-6 6 6-6 6 6"/>"#,
            Self::Warn => r#"<path d="M12 3.5 22 20.5H2L12 3.5Z"/><path d="M12 10v4.5m0 2.6v.2"/>"#,
        }
    }
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>"#, self.path())
    }
}
impl HtmlSafe for Icon {}

/// What a status means to the reader; each has its colour and its icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    Plain,
    Note,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// The class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Note => "note",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// The icon that goes with it.
    pub(crate) fn icon(self) -> Icon {
        match self {
            Self::Plain => Icon::Clock,
            Self::Note => Icon::Info,
            Self::Good => Icon::Check,
            Self::Warn => Icon::Warn,
            Self::Bad => Icon::Bad,
        }
    }
}

/// A status in a word or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

impl Chip {
    pub(crate) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<span class="chip {}">{}"#, self.tone.class(), self.tone.icon())?;
        Html.write_escaped_str(&mut *f, &self.text)?;
        f.write_str("</span>")
    }
}
impl HtmlSafe for Chip {}

/// A count with its thousands set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str("\u{202f}")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}
impl HtmlSafe for Count {}

/// How many are over (surplus) or under (shortage).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) spare: u64,
    pub(crate) short: u64,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.short, self.spare) {
            (0, 0) => f.write_str(r#"<span class="surplus">0</span>"#),
            (0, spare) => write!(f, r#"<span class="surplus">+{}</span>"#, Count(spare)),
            (short, _) => write!(f, r#"<span class="shortage">−{}</span>"#, Count(short)),
        }
    }
}
impl HtmlSafe for Balance {}

/// An instant in the reader's zone, exact to the second; the same in UTC on hover; and how far it is from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    at: Timestamp,
    now: Option<Timestamp>,
    day: bool,
}

impl When {
    /// Day and time.
    pub(crate) fn at(at: Timestamp) -> Self {
        Self { at, now: None, day: false }
    }

    /// Day and time, with the distance from now.
    pub(crate) fn since(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now: Some(now), day: false }
    }

    /// The day, with the distance from now; the time of day is in the title.
    pub(crate) fn day(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now: Some(now), day: true }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.at.to_zoned(TimeZone::UTC);
        let iso = utc.strftime("%Y-%m-%dT%H:%M:%SZ");
        let exact = utc.strftime("%Y-%m-%d %H:%M:%S UTC");
        let local = self.at.to_zoned(zone::shown());
        let shown = local.strftime(if self.day { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M:%S %Z" });
        write!(f, r#"<time datetime="{iso}" title="{exact}">{shown}</time>"#)?;
        match self.now {
            Some(now) => write!(f, r#"<span class="ago">{}</span>"#, distance(self.at, now)),
            None => Ok(()),
        }
    }
}
impl HtmlSafe for When {}

/// How far `at` is from `now`, in words, in the largest unit of which there are two or more; hours and days to the nearest.
pub(crate) fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let (ahead, span) = (seconds < 0, seconds.unsigned_abs());
    let words = match span {
        0..60 => return if ahead { "in under a minute" } else { "under a minute ago" }.into(),
        60..7200 => format!("{} min", span / 60),
        7200..172_800 => format!("{} h", (span + 1800) / 3600),
        _ => format!("{} days", (span + 43_200) / 86_400),
    };
    if ahead { format!("in {words}") } else { format!("{words} ago") }
}

/// How a pool's use stands in what it owns. The figures stand beside it as text, so it is decoration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gauge {
    pub(crate) owned: u64,
    pub(crate) in_use: u64,
    pub(crate) reserved: u64,
    pub(crate) tall: bool,
}

impl Gauge {
    /// Widths of used, reserved and short, and where the end of what is owned stands, of 1000.
    fn widths(self) -> (u64, u64, u64, u64) {
        let reserved = self.reserved.min(self.owned);
        let covered = self.in_use.min(self.owned - reserved);
        let over = self.in_use - covered;
        let all = u128::from((self.owned + over).max(1));
        let part = |n: u64| u64::try_from(u128::from(n) * 1000 / all).unwrap_or(1000);
        (part(covered), part(reserved), part(over), part(self.owned))
    }
}

impl fmt::Display for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, reserved, over, owned) = self.widths();
        let class = if self.tall { "gauge tall" } else { "gauge" };
        write!(
            f,
            r#"<svg class="{class}" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="rest" width="1000" height="10"/><rect class="use" width="{used}" height="10"/>"#
        )?;
        if reserved > 0 {
            write!(f, r#"<rect class="reserved" x="{used}" width="{reserved}" height="10"/>"#)?;
        }
        if over > 0 {
            write!(
                f,
                r#"<rect class="over" x="{owned}" width="{}" height="10"/><rect class="mark" x="{}" width="6" height="10"/>"#,
                1000 - owned,
                owned.saturating_sub(3)
            )?;
        }
        f.write_str("</svg>")
    }
}
impl HtmlSafe for Gauge {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_escapes_what_it_says() {
        let chip = Chip::new(Tone::Bad, "<b>&\"").to_string();
        assert!(!chip.contains("<b>") && chip.contains("&#60;b&#62;&#38;&#34;"), "{chip}");
    }

    #[test]
    fn counts_are_set_in_threes() {
        let check = |n, text: &str| assert_eq!(Count(n).to_string().replace('\u{202f}', " "), text);
        check(0, "0");
        check(999, "999");
        check(1000, "1 000");
        check(1_234_567, "1 234 567");
    }

    #[test]
    fn a_distance_is_told_in_the_largest_unit_of_which_there_are_two() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let check = |seconds: i64, text: &str| {
            assert_eq!(distance(now + jiff::SignedDuration::from_secs(seconds), now), text);
        };
        check(0, "under a minute ago");
        check(30, "in under a minute");
        check(-90, "1 min ago");
        check(-7199, "119 min ago");
        check(-7200, "2 h ago");
        check(86_400 * 30, "in 30 days");
        check(86_400 * 30 - 1, "in 30 days");
    }

    #[test]
    fn the_gauge_fills_up_to_what_is_owned_and_then_runs_over() {
        let check = |owned, in_use, reserved, widths| {
            assert_eq!(Gauge { owned, in_use, reserved, tall: false }.widths(), widths);
        };
        check(100, 40, 0, (400, 0, 0, 1000));
        check(100, 40, 20, (400, 200, 0, 1000));
        check(100, 130, 0, (769, 0, 230, 769));
        check(0, 0, 0, (0, 0, 0, 0));
        check(0, 5, 0, (0, 0, 1000, 0));
    }
}
