//! Reading what scripts send: numbers as text and text as numbers, one where a list is expected, null for what is
//! left out.

use serde::{Deserialize, Deserializer};

/// A value of JSON or of a query string.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a number")]
enum Given {
    Whole(i64),
    Real(f64),
    Flag(bool),
    Text(String),
}

impl Given {
    fn into_text(self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// A number, as a number or as text; none if absent, null or blank.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let given = match Option::<Given>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Given::Whole(number)) => return Ok(Some(number)),
        Some(given) => given.into_text(),
    };
    match given.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(serde::de::Error::custom(format!("{given:?} is not a whole number"))),
        },
    }
}

/// A text, also one that was sent as a number; none if absent or null.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Given>::deserialize(deserializer)?.map(Given::into_text))
}

/// Texts: a list, a single one, or nothing.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of texts")]
    enum Texts {
        Many(Vec<Given>),
        One(Given),
    }
    Ok(match Option::<Texts>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Texts::Many(texts)) => texts.into_iter().map(Given::into_text).collect(),
        Some(Texts::One(text)) => vec![text.into_text()],
    })
}

/// Rows; none if absent or null.
pub(crate) fn rows<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Form {
        #[serde(deserialize_with = "number")]
        limit: Option<i64>,
        #[serde(deserialize_with = "text")]
        name: Option<String>,
        #[serde(deserialize_with = "texts")]
        places: Vec<String>,
        #[serde(deserialize_with = "rows")]
        rows: Vec<u8>,
    }

    fn read(json: &str) -> Form {
        serde_json::from_str(json).unwrap_or_else(|why| panic!("{json}: {why}"))
    }

    #[test]
    fn what_is_left_out_null_or_blank_is_nothing() {
        for json in ["{}", r#"{"limit":null,"name":null,"places":null,"rows":null}"#, r#"{"limit":" "}"#] {
            assert_eq!(read(json), Form::default(), "{json}");
        }
    }

    #[test]
    fn numbers_come_as_text_and_text_as_numbers() {
        for json in [r#"{"limit":-1}"#, r#"{"limit":"-1"}"#, r#"{"limit":" -1 "}"#, r#"{"limit":-1.0}"#] {
            assert_eq!(read(json).limit, Some(-1), "{json}");
        }
        assert_eq!(read(r#"{"name":12345678}"#).name.as_deref(), Some("12345678"));
        assert_eq!(read(r#"{"places":"Default"}"#).places, ["Default"]);
        assert_eq!(read(r#"{"places":["Default",7]}"#).places, ["Default", "7"]);
        for json in [r#"{"limit":"many"}"#, r#"{"limit":1.5}"#, r#"{"limit":true}"#] {
            let refused = serde_json::from_str::<Form>(json).unwrap_err().to_string();
            assert!(refused.contains("is not a whole number"), "{refused}");
        }
        for (json, expected) in [
            (r#"{"name":{}}"#, "expected a text or a number"),
            (r#"{"places":{}}"#, "expected a list of texts"),
        ] {
            let refused = serde_json::from_str::<Form>(json).unwrap_err().to_string();
            assert!(refused.starts_with(expected), "{refused}");
        }
    }
}
