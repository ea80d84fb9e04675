//! What an ID token must be (OpenID Connect Core 1.0, section 3.1.3.7). Pure: keys, time and expectations are
//! handed in.

use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Signatures that only the provider can have made; never `none`, never one by a shared secret.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How far the provider's clock may be off, in seconds.
const LEEWAY_SECONDS: i64 = 60;

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidToken {
    /// It names a key that is not among those known.
    #[error("is signed with a key that the provider does not publish")]
    UnknownKey,
    /// Anything else, in words.
    #[error("{0}")]
    Because(String),
}

/// What the token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// What an ID token says.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    /// Who it is at the provider, for good.
    pub(super) sub: String,
    aud: Value,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    azp: Option<String>,
    nonce: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
}

/// Checks a token's signature and every claim that binds it to this sign-in.
pub(super) fn verify(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, InvalidToken> {
    let because = |why: &str| InvalidToken::Because(why.to_owned());
    let header = decode_header(token).map_err(|_| because("is not a signed JSON web token"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(because("is signed in a way that proves nothing about who made it"));
    }
    let key = key_of(keys, header.kid.as_deref(), header.alg).ok_or(InvalidToken::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| because("is signed with a key that can't be used"))?;
    let mut validation = Validation::new(header.alg);
    // The claims are checked below, by the clock that is handed in.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims: Claims = match decode(token, &key, &validation) {
        Ok(decoded) => decoded.claims,
        Err(error) => {
            return Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::Json(_) => because("lacks a claim that it must have"),
                _ => because("has a wrong signature"),
            });
        }
    };
    check(&claims, expected)?;
    Ok(claims)
}

/// The key of this name; without a name, the only one that fits.
fn key_of<'k>(keys: &'k JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Option<&'k Jwk> {
    let fits = |key: &&Jwk| {
        let for_signatures =
            key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let alg = key.common.key_algorithm.and_then(|alg| alg.to_string().parse::<Algorithm>().ok());
        for_signatures && alg.is_none_or(|alg| alg == algorithm)
    };
    match kid {
        Some(kid) => keys.keys.iter().filter(fits).find(|key| key.common.key_id.as_deref() == Some(kid)),
        None => {
            let family =
                |key: &&Jwk| DecodingKey::from_jwk(key).is_ok_and(|key| key.family() == algorithm.family());
            let mut all = keys.keys.iter().filter(fits).filter(family);
            let first = all.next();
            first.filter(|_| all.next().is_none())
        }
    }
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), InvalidToken> {
    let because = |why: String| Err(InvalidToken::Because(why));
    if claims.iss != expected.issuer {
        return because(format!("comes from {:?}, not from {:?}", claims.iss, expected.issuer));
    }
    let audiences: Vec<&str> = match &claims.aud {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audiences.contains(&expected.client_id) {
        return because(format!("is for {audiences:?}, not for {:?}", expected.client_id));
    }
    match &claims.azp {
        Some(party) if party != expected.client_id => {
            return because(format!("was given to {party:?}, not to {:?}", expected.client_id));
        }
        None if audiences.len() > 1 => {
            return because("is for several, and does not say for whom first".into());
        }
        _ => {}
    }
    let now = expected.now.as_second();
    if claims.exp <= now - LEEWAY_SECONDS {
        return because("has expired: compare the clocks of the provider and of the manager".into());
    }
    if claims.iat > now + LEEWAY_SECONDS || claims.nbf.is_some_and(|from| from > now + LEEWAY_SECONDS) {
        return because("is from the future: compare the clocks of the provider and of the manager".into());
    }
    let nonce = claims.nonce.as_deref().unwrap_or_default().as_bytes();
    if aws_lc_rs::constant_time::verify_slices_are_equal(nonce, expected.nonce.as_bytes()).is_err() {
        return because("belongs to another sign-in".into());
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return because("does not say whom it is about".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example";

    /// A key of the provider: to sign with, and as it publishes it.
    fn key(kid: &str) -> (EncodingKey, Jwk) {
        let made = EcdsaKeyPair::generate_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &aws_lc_rs::rand::SystemRandom::new(),
        );
        let key = EncodingKey::from_ec_der(made.unwrap().as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(kid.into());
        (key, jwk)
    }

    fn signed(key: &EncodingKey, kid: &str, claims: &Value) -> String {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, key).unwrap()
    }

    fn claims() -> Value {
        json!({ "iss": ISSUER, "sub": "42", "aud": "seatpool", "exp": 1000, "iat": 900, "nonce": "n", "email": "a@x" })
    }

    fn expected() -> Expected<'static> {
        let now = Timestamp::from_second(950).unwrap();
        Expected { issuer: ISSUER, client_id: "seatpool", nonce: "n", now }
    }

    #[test]
    fn a_token_is_taken_only_if_every_claim_is_for_this_sign_in() {
        let (key, jwk) = key("k1");
        let keys = JwkSet { keys: vec![jwk] };
        let said = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            match verify(&signed(&key, "k1", &claims), &keys, &expected()) {
                Ok(claims) => format!("{} {}", claims.sub, claims.more["email"]),
                Err(why) => why.to_string(),
            }
        };
        let good = "42 \"a@x\"";
        assert_eq!(said("sub", json!("42")), good);
        assert_eq!(said("aud", json!(["seatpool"])), good);
        assert_eq!(said("azp", json!("seatpool")), good);
        assert_eq!(said("exp", json!(891)), good, "within the leeway");
        for (name, value, told) in [
            ("iss", json!("https://evil.example"), "comes from"),
            ("iss", json!("https://id.example/"), "comes from"),
            ("aud", json!("other"), "is for"),
            ("aud", json!(7), "is for"),
            ("aud", json!(["seatpool", "other"]), "for whom first"),
            ("azp", json!("other"), "was given to"),
            ("exp", json!(890), "has expired"),
            ("exp", json!("soon"), "lacks a claim"),
            ("iat", json!(1011), "from the future"),
            ("nbf", json!(1011), "from the future"),
            ("nonce", json!("m"), "another sign-in"),
            ("nonce", Value::Null, "another sign-in"),
            ("sub", json!(""), "whom it is about"),
        ] {
            let said = said(name, value.clone());
            assert!(said.contains(told), "{name} {value}: {said}");
        }
    }

    #[test]
    fn only_a_signature_by_a_published_key_counts() {
        let ((key_1, jwk_1), (key_2, jwk_2)) = (key("k1"), key("k2"));
        let keys = JwkSet { keys: vec![jwk_1.clone()] };
        let check = |token: &str| verify(token, &keys, &expected()).map(|claims| claims.sub);
        assert_eq!(
            check(&signed(&key_2, "k2", &claims())),
            Err(InvalidToken::UnknownKey),
            "rotated: ask again"
        );
        let forged = check(&signed(&key_2, "k1", &claims())).unwrap_err().to_string();
        assert!(forged.contains("wrong signature"), "{forged}");
        let both = JwkSet { keys: vec![jwk_1.clone(), jwk_2] };
        assert!(verify(&signed(&key_2, "k2", &claims()), &both, &expected()).is_ok());
        let unnamed = encode(&Header::new(Algorithm::ES256), &claims(), &key_1).unwrap();
        assert!(verify(&unnamed, &keys, &expected()).is_ok(), "the only key there is");
        assert_eq!(verify(&unnamed, &both, &expected()).unwrap_err(), InvalidToken::UnknownKey);

        // With the public key as a shared secret, and with no signature at all.
        let public = serde_json::to_vec(&jwk_1).unwrap();
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
        let shared = encode(&header, &claims(), &EncodingKey::from_secret(&public)).unwrap();
        let text = |part: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(part)
        };
        let none = format!("{}.{}.", text(r#"{"alg":"none","kid":"k1"}"#), text(&claims().to_string()));
        for token in [shared.as_str(), &none, "", "a.b.c"] {
            assert!(matches!(check(token), Err(InvalidToken::Because(_))), "{token}");
        }
        let mut encrypting = jwk_1;
        encrypting.common.public_key_use = Some(PublicKeyUse::Encryption);
        let keys = JwkSet { keys: vec![encrypting] };
        assert!(verify(&signed(&key_1, "k1", &claims()), &keys, &expected()).is_err());
    }
}
