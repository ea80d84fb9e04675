//! How a program says why it ends: one line, the fact first.

/// `PROGRAM: what happened: why`, on one line. A cause whose words stand already in what it caused is not
/// said twice.
pub fn complaint(program: &str, error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let words = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            text = words;
        } else if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
    }
    format!("{program}: {text}")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_follow_on_one_line_and_none_is_said_twice() {
        let error = anyhow!("disk\n  full").context("the state can't be stored");
        assert_eq!(complaint("x", &error), "x: the state can't be stored: disk full");
        let error = anyhow!("no such file").context("a.pem: no such file; check its name");
        assert_eq!(complaint("x", &error), "x: a.pem: no such file; check its name");
    }
}
