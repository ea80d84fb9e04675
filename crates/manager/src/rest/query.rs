//! Reading a query string, with an error that names the parameter at fault.

use axum::extract::Query;
use http::Uri;
use serde::de::DeserializeOwned;

/// The parameters, or what is wrong with them, as a sentence.
pub(crate) fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, String> {
    Query::try_from_uri(uri)
        .map(|query| query.0)
        .map_err(|why| sentence(uri.query().unwrap_or_default(), &why.body_text()))
}

/// What to say of a query string that could not be read for this reason, which begins with the parameter's name.
fn sentence(query: &str, why: &str) -> String {
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let at_fault = pairs().find(|(name, _)| why.contains(&format!("{name}: ")));
    let repeated = pairs().find(|(name, _)| why.contains(&format!("duplicate field `{name}`")));
    match (at_fault, repeated) {
        (_, Some((name, _))) => format!("the query parameter {name} is given more than once"),
        (Some((name, value)), None) => {
            format!("the query parameter {name} can't be {value:?}; /openapi.json says what it may be")
        }
        (None, None) => {
            "the query string can't be read: it is name=value pairs, joined by &, as /openapi.json says"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Params {
        limit: Option<u32>,
    }

    fn refused(query: &str) -> String {
        read::<Params>(&format!("/x?{query}").parse().unwrap()).unwrap_err()
    }

    #[test]
    fn the_parameter_at_fault_is_named_in_our_words() {
        assert_eq!(read::<Params>(&"/x?limit=5".parse().unwrap()).unwrap().limit, Some(5));
        let expected = "the query parameter limit can't be \"abc\"; /openapi.json says what it may be";
        assert_eq!(refused("text=a&limit=abc"), expected);
        assert_eq!(refused("limit=1&limit=2"), "the query parameter limit is given more than once");
    }
}
