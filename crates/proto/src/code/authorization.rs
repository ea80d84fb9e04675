//! The authorization code: what the manager grants, as XML that a person carries to the product.
//!
//! Elements and their order are those of the reference document (002, "Specific License Reservation"). What
//! was read from a text is [`UntrustedAuthorization`] until its signature holds.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::broken;
use super::date::CodeDate;
use super::paste;
use super::request::ReservationKind;
use super::xml::{self, Element, InvalidXml};
use crate::certificate::{InvalidCertificate, ReservationCertificate};
use crate::digest::Sha256;
use crate::envelope::{Algorithm, Signer, SigningFailed, Verifier};
use crate::id::ProductInstanceId;
use crate::limits;
use crate::name::Tag;
use crate::quantity::Quantity;
use crate::udi::Udi;

/// The version letter of the reference document.
const VERSION: &str = "C";
/// The flag of a specific reservation, as in the reference document.
const SPECIFIC: &str = "A";
/// The flag of a universal reservation.
const UNIVERSAL: &str = "U";
/// The most entitlements of a code.
pub const ENTITLEMENTS_MAX: usize = 256;
/// The largest sequence number that a return code has room for: 2^48 - 1 milliseconds, in the year 10889.
pub const CODE_SEQUENCE_MAX: u64 = (1 << 48) - 1;

/// What a code grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Specific or universal.
    pub kind: ReservationKind,
    /// The product instance that the manager made for the request (`piid`).
    pub product_instance_id: ProductInstanceId,
    /// When the code was made, in milliseconds since 1970 (`timestamp`): its sequence number. A product takes
    /// none that is not greater than the last.
    pub sequence: u64,
    /// What is reserved. Several with the same tag add up.
    pub entitlements: Vec<Entitlement>,
}

/// So many of one licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// The licence.
    pub tag: Tag,
    /// How many.
    pub count: Quantity,
    /// From this day on; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<CodeDate>,
    /// Until this day begins; absent: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<CodeDate>,
    /// `PERPETUAL`, `TERM` or another word of the manager's.
    pub license_type: String,
    /// The licence's name for people.
    pub display_name: String,
    /// What it is, for people.
    pub tag_description: String,
    /// The subscription that it comes from; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subscription_id: String,
}

/// An authorization code whose signature holds.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// What it grants.
    pub grant: Grant,
    /// The device.
    pub udi: Udi,
    /// SHA-256 of the request code that it answers.
    pub request: Sha256,
    /// DER certificates, the reservation certificate first, the vendor root left out.
    pub certificates: Vec<Vec<u8>>,
    element: String,
    signature: Vec<u8>,
}

/// An authorization code as it was read. Nothing in it is trusted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntrustedAuthorization {
    /// The device that it names.
    pub udi: Udi,
    /// The request that it says it answers, if it came in the wrapper.
    pub request: Option<Sha256>,
    /// Its chain, if it came in the wrapper.
    pub certificates: Vec<Vec<u8>>,
    signature: Vec<u8>,
    /// What it may say, the likeliest first.
    readings: Vec<(Grant, String)>,
    /// Whether its lines were broken so often that it may say something else.
    is_broken: bool,
}

/// Why a text is not an authorization code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthorizationCode {
    /// Nothing was given.
    #[error("there is no authorization code: copy it from the manager, or install it from its file")]
    Empty,
    /// It is something else, as named.
    #[error("this is {0}, not an authorization code: copy the text that begins with <, from the manager")]
    Other(&'static str),
    /// Its end is missing.
    #[error(
        "the authorization code is cut off: copy all of it, or use its file with `license smart reservation \
        install-file`"
    )]
    Cut,
    /// Something follows its end, as when it was copied twice.
    #[error("something follows the end of the authorization code, as when it is there twice: enter it once")]
    Doubled,
    /// It is not XML, or holds what no code may hold.
    #[error("the authorization code can't be read: {0}; copy it again from the manager")]
    Xml(InvalidXml),
    /// An element is missing, is there twice, or holds something else.
    #[error("the authorization code's element {0} is missing or wrong: copy the code again from the manager")]
    Element(&'static str),
    /// Of another version.
    #[error(
        "the authorization code is of version {0:?}, which this product does not know: update the product"
    )]
    Version(String),
    /// More than a limit allows.
    #[error("the authorization code has more {0} than a code can have")]
    Limit(&'static str),
}

/// Why a code's signature was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationRefused {
    /// No chain came with it, and none is known.
    #[error(
        "the authorization code came without its certificates, and this product knows none: copy it with its \
        smartLicense wrapper, or use its file"
    )]
    NoCertificate,
    /// The first certificate is not one for reservations.
    #[error(
        "the authorization code's certificate is not one for reservations ({0}), as when a character was altered on its \
        way: copy the code again"
    )]
    Certificate(#[from] InvalidCertificate),
    /// Altered, or signed by another.
    #[error(
        "the authorization code's signature does not fit: it was altered on its way, or another manager signed \
        it; copy it again from the manager that got the request code"
    )]
    Signature,
    /// Neither the signature fits, nor is it known where spaces stood.
    #[error(
        "the authorization code's signature does not fit. Its lines were broken within words, so that it can't be seen where \
        spaces stood: use the file that the manager offers with `license smart reservation install-file`, or copy the code in \
        one line. If that is refused, too, the code was altered, or another manager signed it"
    )]
    Broken,
}

impl AuthorizationCode {
    /// Signs a grant for the device and the request (the SHA-256 of its code). `certificates` lead from the
    /// signer's key to the vendor root, which is left out.
    pub fn issue(
        grant: Grant,
        udi: Udi,
        request: Sha256,
        signer: &dyn Signer,
        certificates: Vec<Vec<u8>>,
    ) -> Result<Self, SigningFailed> {
        let element = grant.to_element().to_text();
        let signature = signer.sign(&signed_bytes(&element, &udi, request))?;
        Ok(Self { grant, udi, request, certificates, element, signature })
    }

    /// SHA-256 of the canonical `authorizationCode` element: names the code.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.element)
    }

    /// The code in its `smartLicense` wrapper, with chain and request.
    pub fn to_text(&self) -> String {
        let chain =
            self.certificates.iter().map(|der| Element::leaf("certificate", STANDARD.encode(der))).collect();
        let request = Element::leaf("request", self.request.to_string()).to_text();
        let certificates = Element::of("certificates", chain).to_text();
        let spaces = xml::read(&self.element).ok().and_then(|element| broken::spaces_of(&element));
        let spaces = spaces.map(|spaces| Element::leaf("spaces", spaces).to_text()).unwrap_or_default();
        format!("<smartLicense>{}{request}{spaces}{certificates}</smartLicense>", self.to_bare_text())
    }

    /// The code alone, as in the reference document. A product takes it if it knows the chain.
    pub fn to_bare_text(&self) -> String {
        let root = root_of(self.grant.kind);
        let signature = Element::leaf("signature", STANDARD.encode(&self.signature)).to_text();
        let udi = Element::leaf("udi", udi_text(&self.udi)).to_text();
        format!("<{root}>{}{signature}{udi}</{root}>", self.element)
    }
}

/// Does not show the signature.
impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grant, udi, request, certificates, element: _, signature: _ } = self;
        f.debug_struct("AuthorizationCode")
            .field("grant", grant)
            .field("udi", udi)
            .field("request", request)
            .field("certificates", &certificates.len())
            .finish_non_exhaustive()
    }
}

impl UntrustedAuthorization {
    /// Reads a code with or without its wrapper, however it was wrapped, quoted or escaped on its way.
    pub fn from_text(text: &str) -> Result<Self, InvalidAuthorizationCode> {
        use InvalidAuthorizationCode as Wrong;
        if text.len() > 2 * xml::BYTES_MAX {
            return Err(Wrong::Xml(InvalidXml::TooLarge(text.len())));
        }
        let mut plain = broken::unquoted(paste::bare(text));
        plain = paste::bare(&plain).to_owned();
        if paste::is_escaped(&plain) {
            plain = paste::unescaped(&plain);
            plain = paste::bare(&plain).to_owned();
        }
        if plain.is_empty() {
            return Err(Wrong::Empty);
        }
        if !plain.starts_with('<') {
            return Err(Wrong::Other(other(&plain)));
        }
        read(&broken::unbroken(&plain))
    }

    /// What it says, if its signature holds.
    pub fn grant(&self) -> &Grant {
        // `from_text` gives at least one reading.
        &self.readings[0].0
    }

    /// Checks the signature for the request that the product made, under the key of `certificates` (the own
    /// chain, or one that is known already). Whether the chain leads to a trusted root is checked apart.
    pub fn verify(
        &self,
        request: Sha256,
        certificates: &[Vec<u8>],
        verifier: &dyn Verifier,
    ) -> Result<AuthorizationCode, AuthorizationRefused> {
        let leaf = certificates.first().ok_or(AuthorizationRefused::NoCertificate)?;
        let leaf = ReservationCertificate::from_der(leaf)?;
        let holds = |(_, element): &&(Grant, String)| {
            let bytes = signed_bytes(element, &self.udi, request);
            verifier.verify(&Algorithm::EcdsaP256Sha256, &leaf.public_key, &bytes, &self.signature).is_ok()
        };
        let refused =
            if self.is_broken { AuthorizationRefused::Broken } else { AuthorizationRefused::Signature };
        let (grant, element) = self.readings.iter().find(holds).ok_or(refused)?;
        Ok(AuthorizationCode {
            grant: grant.clone(),
            udi: self.udi.clone(),
            request,
            certificates: certificates.to_vec(),
            element: element.clone(),
            signature: self.signature.clone(),
        })
    }
}

impl Grant {
    fn to_element(&self) -> Element {
        let flag = match self.kind {
            ReservationKind::Specific => SPECIFIC,
            ReservationKind::Universal => UNIVERSAL,
        };
        Element::of(
            "authorizationCode",
            vec![
                Element::leaf("flag", flag),
                Element::leaf("version", VERSION),
                Element::leaf("piid", self.product_instance_id.to_string()),
                Element::leaf("timestamp", self.sequence.to_string()),
                Element::of("entitlements", self.entitlements.iter().map(Entitlement::to_element).collect()),
            ],
        )
    }

    fn from_element(element: &Element) -> Result<Self, InvalidAuthorizationCode> {
        use InvalidAuthorizationCode as Wrong;
        let version = text(element, "version")?;
        if version != VERSION {
            return Err(Wrong::Version(limits::cut(version.to_owned(), 16)));
        }
        let kind = match text(element, "flag")? {
            SPECIFIC => ReservationKind::Specific,
            UNIVERSAL => ReservationKind::Universal,
            _ => return Err(Wrong::Element("flag")),
        };
        // The reference document's screens show `pid`, its text `piid`.
        let instance =
            text(element, "piid").or_else(|_| text(element, "pid")).map_err(|_| Wrong::Element("piid"))?;
        let sequence = number(text(element, "timestamp")?).filter(|&ms| ms <= CODE_SEQUENCE_MAX);
        let entitlements = element.child("entitlements").ok_or(Wrong::Element("entitlements"))?;
        if entitlements.children.len() > ENTITLEMENTS_MAX {
            return Err(Wrong::Limit("entitlements"));
        }
        Ok(Self {
            kind,
            product_instance_id: instance.parse().map_err(|_| Wrong::Element("piid"))?,
            sequence: sequence.ok_or(Wrong::Element("timestamp"))?,
            entitlements: entitlements
                .children
                .iter()
                .map(Entitlement::from_element)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Entitlement {
    fn to_element(&self) -> Element {
        let date = |date: Option<CodeDate>| date.map(|date| date.to_string()).unwrap_or_default();
        Element::of(
            "entitlement",
            vec![
                Element::leaf("tag", self.tag.as_str()),
                Element::leaf("count", self.count.to_string()),
                Element::leaf("startDate", date(self.start)),
                Element::leaf("endDate", date(self.end)),
                Element::leaf("licenseType", tidy(&self.license_type)),
                Element::leaf("displayName", tidy(&self.display_name)),
                Element::leaf("tagDescription", tidy(&self.tag_description)),
                Element::leaf("subscriptionID", tidy(&self.subscription_id)),
            ],
        )
    }

    fn from_element(element: &Element) -> Result<Self, InvalidAuthorizationCode> {
        use InvalidAuthorizationCode as Wrong;
        if element.name != "entitlement" {
            return Err(Wrong::Element("entitlement"));
        }
        let date = |name| match element.child(name).map(|child| child.text.as_str()) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Wrong::Element(name)),
        };
        let words = |name| {
            let words = element.child(name).map(|child| child.text.as_str()).unwrap_or_default();
            if words.len() > limits::TEXT_BYTES_MAX {
                Err(Wrong::Limit("text"))
            } else {
                Ok(words.to_owned())
            }
        };
        let count = number(text(element, "count")?).and_then(|count| Quantity::new(count).ok());
        Ok(Self {
            tag: text(element, "tag")?.parse().map_err(|_| Wrong::Element("tag"))?,
            count: count.ok_or(Wrong::Element("count"))?,
            start: date("startDate")?,
            end: date("endDate")?,
            license_type: words("licenseType")?,
            display_name: words("displayName")?,
            tag_description: words("tagDescription")?,
            subscription_id: words("subscriptionID")?,
        })
    }

    /// Whether it counts at `now`.
    pub fn counts_at(&self, now: jiff::Timestamp) -> bool {
        self.start.is_none_or(|start| start.begins_at() <= now)
            && self.end.is_none_or(|end| now < end.begins_at())
    }
}

/// The bytes that are signed: the canonical element, the UDI's text, the request's digest.
fn signed_bytes(element: &str, udi: &Udi, request: Sha256) -> Vec<u8> {
    [element.as_bytes(), udi_text(udi).as_bytes(), &request.0].concat()
}

/// A UDI as the codes write it: `P:<pid>,S:<sn>`, and `,U:<uuid>` if it has one.
pub(super) fn udi_text(udi: &Udi) -> String {
    let uuid = udi.uuid.as_ref().map(|uuid| format!(",U:{uuid}")).unwrap_or_default();
    format!("P:{},S:{}{uuid}", udi.pid, udi.sn)
}

fn root_of(kind: ReservationKind) -> &'static str {
    match kind {
        ReservationKind::Specific => "specificPLR",
        ReservationKind::Universal => "universalPLR",
    }
}

/// One reading of a text whose lines were joined.
fn read(joined: &str) -> Result<UntrustedAuthorization, InvalidAuthorizationCode> {
    use InvalidAuthorizationCode as Wrong;
    let mut root = xml::read(joined).map_err(|wrong| match wrong {
        InvalidXml::Unfinished => Wrong::Cut,
        InvalidXml::Trailing => Wrong::Doubled,
        other => Wrong::Xml(other),
    })?;
    broken::without_marks(&mut root, "authorizationCode");
    let wrapper = (root.name == "smartLicense").then_some(&root);
    let code = match wrapper {
        Some(wrapper) => wrapper
            .child("specificPLR")
            .or_else(|| wrapper.child("universalPLR"))
            .ok_or(Wrong::Element("specificPLR"))?,
        None => &root,
    };
    let element = code.child("authorizationCode").ok_or(Wrong::Element("authorizationCode"))?;
    let spaces = wrapper.and_then(|wrapper| wrapper.child("spaces")).map(|spaces| spaces.text.as_str());
    let (all, is_whole) = broken::readings(element, spaces);
    let mut readings = Vec::with_capacity(all.len());
    let mut wrong = Wrong::Element("authorizationCode");
    for reading in all.iter().rev() {
        match Grant::from_element(reading) {
            Ok(grant) if code.name == root_of(grant.kind) => readings.push((grant, reading.to_text())),
            Ok(_) => wrong = Wrong::Element("flag"),
            Err(error) => wrong = error,
        }
    }
    if readings.is_empty() {
        return Err(wrong);
    }
    readings.reverse();
    let signature = base64(text(code, "signature")?).ok_or(Wrong::Element("signature"))?;
    if signature.len() > limits::SIGNATURE_BYTES_MAX {
        return Err(Wrong::Limit("signature"));
    }
    let udi = read_udi(text(code, "udi")?).ok_or(Wrong::Element("udi"))?;
    let request = match wrapper.and_then(|wrapper| wrapper.child("request")) {
        Some(request) => Some(request.text.parse().map_err(|_| Wrong::Element("request"))?),
        None => None,
    };
    let chain = wrapper.and_then(|wrapper| wrapper.child("certificates"));
    let chain = chain.map(|chain| chain.children.as_slice()).unwrap_or_default();
    if chain.len() > limits::CHAIN_CERTIFICATES_MAX {
        return Err(Wrong::Limit("certificates"));
    }
    let certificates = chain.iter().map(|der| base64(&der.text)).collect::<Option<Vec<_>>>();
    let certificates = certificates
        .filter(|chain| chain.iter().all(|der| der.len() <= limits::CERTIFICATE_BYTES_MAX))
        .ok_or(Wrong::Element("certificate"))?;
    Ok(UntrustedAuthorization { udi, request, certificates, signature, readings, is_broken: !is_whole })
}

fn text<'a>(element: &'a Element, name: &'static str) -> Result<&'a str, InvalidAuthorizationCode> {
    match element.child(name) {
        Some(child) if child.children.is_empty() && !child.text.is_empty() => Ok(&child.text),
        _ => Err(InvalidAuthorizationCode::Element(name)),
    }
}

/// A count of decimal digits.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Base64, with whatever white space came into it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).ok()
}

/// Reads [`udi_text`]; `-` for `:` as well, as the reference document's screens have it.
fn read_udi(text: &str) -> Option<Udi> {
    let field =
        |part: &str, letter: char| part.strip_prefix(letter)?.strip_prefix([':', '-']).map(str::to_owned);
    let mut parts = text.split(',');
    let pid = field(parts.next()?, 'P')?;
    let sn = field(parts.next()?, 'S')?;
    let uuid = match parts.next() {
        Some(part) => Some(field(part, 'U')?),
        None => None,
    };
    if parts.next().is_some() { None } else { Udi::new(pid, sn, uuid).ok() }
}

/// Text as it is read back: no line breaks, no white space around it.
fn tidy(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    limits::cut(text.trim().to_owned(), limits::TEXT_BYTES_MAX)
}

/// What a text is that does not begin as XML.
fn other(text: &str) -> &'static str {
    if text.starts_with(super::request::PREFIX) {
        "a request code"
    } else if super::return_code::looks_like(text) {
        "a return code"
    } else {
        "another text"
    }
}
