//! Words for a JSON body that is not of the expected shape: which field, what it is, what it should be.
//!
//! Values are not repeated, since they may be secrets.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Says what is wrong with `body`, which is no `T` for the reason `error`.
pub(super) fn explain<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> String {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) if body.is_empty() => return "the body is empty, and JSON is expected".into(),
        Err(error) => {
            return format!("the body is not JSON (line {}, column {})", error.line(), error.column());
        }
    };
    let Some(reason) = reason::<T>(&value) else { return plain(&error.to_string()) };
    let mut path = Vec::new();
    culprit::<T>(&value, &reason, &mut path);
    let named = path.iter().try_fold(&value, |value, name| value.get(name));
    let subject = if path.is_empty() { "the body".to_owned() } else { format!("`{}`", path.join(".")) };
    if let Some(expected) = reason.strip_prefix("invalid ").and_then(|_| reason.split_once(", expected "))
        && let Some(found) = named
    {
        return format!("{subject} is {}, and should be {}", kind(found), expectation(expected.1));
    }
    let words = plain(&reason);
    // Words about an unknown field name it themselves.
    if reason.starts_with("unknown field ") {
        path.pop();
    }
    if path.is_empty() { words } else { format!("`{}`: {words}", path.join(".")) }
}

/// Why `value` is no `T`.
fn reason<T: DeserializeOwned>(value: &Value) -> Option<String> {
    serde_json::from_value::<T>(value.clone()).err().map(|error| error.to_string())
}

/// Finds the field without which the reason would be another, level by level.
fn culprit<T: DeserializeOwned>(whole: &Value, reason: &str, path: &mut Vec<String>) {
    let at =
        |value: &Value, path: &[String]| path.iter().try_fold(value.clone(), |v, name| v.get(name).cloned());
    let Some(Value::Object(fields)) = at(whole, path) else { return };
    for name in fields.keys() {
        let mut without = whole.clone();
        let parent = path.iter().try_fold(&mut without, |value, name| value.get_mut(name));
        if let Some(Value::Object(fields)) = parent {
            fields.remove(name);
        }
        if self::reason::<T>(&without).as_deref() != Some(reason) {
            path.push(name.clone());
            return culprit::<T>(whole, reason, path);
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(number) if number.is_i64() && !number.is_u64() => "a negative number",
        Value::Number(_) => "another number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn expectation(expected: &str) -> String {
    match expected {
        "u64" | "u32" => "a whole number from 0 on".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "a boolean" => "true or false".into(),
        "a string" | "str" | "a borrowed string" => "a text".into(),
        "a map" => "an object".into(),
        other if other.starts_with("struct ") => "an object".into(),
        other => other.to_owned(),
    }
}

/// The decoder's other words, plainer.
fn plain(reason: &str) -> String {
    // Without the place in a text that was read as one line.
    let reason = reason.rsplit_once(" at line ").map_or(reason, |(words, _)| words);
    if let Some(rest) = reason.strip_prefix("unknown field ") {
        let (name, known) = rest.split_once(", expected ").unwrap_or((rest, "no field"));
        let known = known.strip_prefix("one of ").unwrap_or(known);
        return format!("there is no field {name} here: there can be {known}");
    }
    if let Some(name) = reason.strip_prefix("missing field ") {
        return format!("the field {name} is missing");
    }
    if let Some(rest) = reason.strip_prefix("unknown variant ") {
        let (name, known) = rest.split_once(", expected ").unwrap_or((rest, "another"));
        let known = known.strip_prefix("one of ").unwrap_or(known);
        return format!("{name} is not known here: it can be {known}");
    }
    reason.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use seatpool_proto::{Quantity, Tag};

    use super::super::request::{RegistrationRequest, TransportRequest};
    use super::*;

    fn words<T: DeserializeOwned>(body: &str) -> String {
        let Err(error) = serde_json::from_str::<T>(body) else { panic!("{body} is right") };
        explain::<T>(body.as_bytes(), &error)
    }

    #[test]
    fn the_field_is_named_in_plain_words() {
        let usage = words::<BTreeMap<Tag, Quantity>>;
        assert_eq!(
            usage(r#"{"CCX_SERVER": 1, "CCX_FLEX_PREMIUM": "x"}"#),
            "`CCX_FLEX_PREMIUM` is a text, and should be a whole number from 0 on"
        );
        assert_eq!(usage(r#"{"A": -1}"#), "`A` is a negative number, and should be a whole number from 0 on");
        assert_eq!(usage("[1]"), "the body is a list, and should be an object");
        assert_eq!(usage("{"), "the body is not JSON (line 1, column 1)");
        assert_eq!(usage(""), "the body is empty, and JSON is expected");
        let register = words::<RegistrationRequest>;
        assert_eq!(register(r#"{"token": 7012345}"#), "`token` is another number, and should be a text");
        assert_eq!(
            register(r#"{"toke": "a"}"#),
            "there is no field `toke` here: there can be `token` or `reregister`"
        );
        assert_eq!(register("{}"), "the field `token` is missing");
        let transport = words::<TransportRequest>;
        assert_eq!(
            transport(r#"{"proxy": {"server": "p", "port": 70000}}"#),
            "`proxy.port` is another number, and should be a whole number from 0 to 65535"
        );
        let nested = transport(r#"{"proxy": {"host": "p"}}"#);
        assert!(
            nested.starts_with("`proxy`: there is no field `host` here: there can be `server`"),
            "{nested}"
        );
        let mode = transport(r#"{"mode": "sideways"}"#);
        assert!(mode.starts_with("`mode`: `sideways` is not known here: it can be `direct`"), "{mode}");
        for text in [usage(r#"{"A": "x"}"#), mode] {
            assert!(!text.contains(" at line ") && !text.contains("u64"), "{text}");
        }
    }
}
