//! What a contact centre is told to do, one line each, and shift plans made of such lines.

use core::str::FromStr;

use jiff::SignedDuration;

use crate::centre::Kind;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `sign-in 30 standard`: that many operators come.
    SignIn(u64, Kind),
    /// `sign-out 30 [standard]`: that many leave.
    SignOut(u64, Option<Kind>),
    /// `add-users 5`: users are synchronized from the directory.
    AddUsers(u64),
    /// `status`: what is going on.
    Status,
    /// `quit`: all leave, and the program ends.
    Quit,
}

/// The line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no command; say sign-in N standard|premium, sign-out N [standard|premium], add-users N, status or quit"
)]
pub struct NoCommand(String);

impl FromStr for Command {
    type Err = NoCommand;

    fn from_str(line: &str) -> Result<Self, NoCommand> {
        let no = || NoCommand(line.trim().chars().take(80).collect());
        let count = |text: &str| text.parse::<u64>().ok().filter(|count| *count <= 100_000).ok_or_else(no);
        let kind = |text: &str| match text {
            "standard" => Ok(Kind::Standard),
            "premium" => Ok(Kind::Premium),
            _ => Err(no()),
        };
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["sign-in", many, seat] => Ok(Self::SignIn(count(many)?, kind(seat)?)),
            ["sign-out", many] => Ok(Self::SignOut(count(many)?, None)),
            ["sign-out", many, seat] => Ok(Self::SignOut(count(many)?, Some(kind(seat)?))),
            ["add-users", many] => Ok(Self::AddUsers(count(many)?)),
            ["status"] => Ok(Self::Status),
            ["quit"] => Ok(Self::Quit),
            _ => Err(no()),
        }
    }
}

/// A shift plan: what happens when, after the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(pub Vec<(SignedDuration, Command)>);

/// A line of a plan that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the shift plan: {problem}")]
pub struct NoPlan {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl FromStr for Plan {
    type Err = NoPlan;

    /// Lines of `HH:MM[:SS] COMMAND`, counted from the start; `#` begins a comment.
    fn from_str(text: &str) -> Result<Self, NoPlan> {
        let mut steps: Vec<(SignedDuration, Command)> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or_default().trim();
            if content.is_empty() {
                continue;
            }
            let no = |problem: String| NoPlan { line: at + 1, problem };
            let (time, command) = content.split_once(char::is_whitespace).ok_or_else(|| {
                no("a line is a time and a command, as in 00:15 sign-in 30 standard".into())
            })?;
            let time =
                span(time).ok_or_else(|| no(format!("{time:?} is no time; write HH:MM or HH:MM:SS")))?;
            if steps.last().is_some_and(|(last, _)| time < *last) {
                return Err(no("it comes before the line above it".into()));
            }
            steps.push((time, command.parse().map_err(|error: NoCommand| no(error.to_string()))?));
        }
        Ok(Self(steps))
    }
}

fn span(text: &str) -> Option<SignedDuration> {
    let parts: Vec<i64> =
        text.split(':').map(|part| part.parse::<u32>().ok().map(i64::from)).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours, minutes] if *minutes < 60 => Some(SignedDuration::from_mins(hours * 60 + minutes)),
        [hours, minutes, seconds] if *minutes < 60 && *seconds < 60 => {
            Some(SignedDuration::from_secs((hours * 60 + minutes) * 60 + seconds))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_words_about_what_is_wrong() {
        let check = |line: &str, expect: Option<Command>| assert_eq!(line.parse().ok(), expect, "{line}");
        check("sign-in 30 standard", Some(Command::SignIn(30, Kind::Standard)));
        check("  sign-out 5 ", Some(Command::SignOut(5, None)));
        check("sign-out 5 premium", Some(Command::SignOut(5, Some(Kind::Premium))));
        check("add-users 2", Some(Command::AddUsers(2)));
        check("sign-in standard 30", None);
        check("sign-in -3 standard", None);
        check("", None);
    }

    #[test]
    fn a_plan_is_read_in_order() {
        let plan: Plan = "# early\n00:00 sign-in 100 standard\n\n26:30:05 quit # late".parse().unwrap();
        let seconds = SignedDuration::from_secs(26 * 3600 + 30 * 60 + 5);
        assert_eq!(
            plan.0,
            [(SignedDuration::ZERO, Command::SignIn(100, Kind::Standard)), (seconds, Command::Quit)]
        );
        let check = |text: &str, part: &str| {
            let error = text.parse::<Plan>().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check("01:00 quit\n00:59 quit", "line 2 of the shift plan: it comes before");
        check("1h quit", "is no time");
        check("00:61 quit", "is no time");
        check("00:01 dance", "is no command");
        check("00:01", "a time and a command");
    }
}
