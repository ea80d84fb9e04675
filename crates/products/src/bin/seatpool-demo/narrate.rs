//! Words on the screen.

use jiff::Timestamp;

/// A heading.
pub(crate) fn chapter(title: &str) {
    println!("\n\x1b[1m== {title}\x1b[0m");
}

/// A sentence.
pub(crate) fn say(sentence: &str) {
    println!("{sentence}");
}

/// Something that happened at a lapsed time.
pub(crate) fn at(now: Timestamp, sentence: &str) {
    println!("  {}  {sentence}", now.strftime("%b %d %H:%M"));
}

/// A command as it is run.
pub(crate) fn command(program: &str, args: &[&str]) {
    let quoted: Vec<_> = args
        .iter()
        .map(|arg| if arg.contains([' ', '"']) { format!("{arg:?}") } else { (*arg).to_owned() })
        .collect();
    println!("  \x1b[2m$ {program} {}\x1b[0m", quoted.join(" "));
}
