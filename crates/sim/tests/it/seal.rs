//! Keys and certificates of the properties: the page's published ones for the manager, fresh ones for the products.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use seatpool_agent::{KeyId, Keyring, NewKey};
use seatpool_crypto::{Anchors, P256Key, P256ReservationKey, P256Verifier, Purpose};
use seatpool_proto::code::{ReservationKey, UntrustedAuthorization};
use seatpool_proto::{RequestId, Signer as _, Verifier};
use uuid::Uuid;

/// The page's published reservation key and chain: making keys and certificates is not what is tested here.
const PAGE: &str = include_str!("../../../../docs/protocol.md");

fn block(kind: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!(" {kind}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

fn der(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

/// The manager's reservation key in its two uses, with its chain and root.
pub(crate) struct Seal {
    pub(crate) signer: P256Key,
    pub(crate) agreement: P256ReservationKey,
    pub(crate) chain: Vec<Vec<u8>>,
    anchors: Anchors,
    /// When the chain was found to be trusted: it is the same one each time.
    trusted: RefCell<BTreeSet<Timestamp>>,
}

thread_local! {
    static SEAL: Rc<Seal> = {
        let signer = P256Key::from_pkcs8(&der(block("code-key:reservation"))).unwrap();
        let first = UntrustedAuthorization::from_text(block("code:first")).unwrap();
        Rc::new(Seal {
            agreement: P256ReservationKey::of(&signer).unwrap(),
            signer,
            chain: first.certificates,
            anchors: Anchors::new([der(block("certificate:root"))]).unwrap(),
            trusted: RefCell::default(),
        })
    };
}

/// The products' keys.
pub(crate) struct Ring {
    pub(crate) seal: Rc<Seal>,
    keys: RefCell<BTreeMap<KeyId, Rc<P256Key>>>,
}

impl Ring {
    pub(crate) fn new() -> Self {
        Self { seal: SEAL.with(Rc::clone), keys: RefCell::default() }
    }

    pub(crate) fn new_key(&self) -> NewKey {
        let key = P256Key::generate().unwrap();
        let id = KeyId(RequestId(Uuid::from_u128(self.keys.borrow().len() as u128)));
        let public_key = key.public_key().to_vec();
        self.keys.borrow_mut().insert(id, Rc::new(key));
        NewKey { id, public_key }
    }
}

impl Keyring for Ring {
    fn verifier(&self) -> &dyn Verifier {
        &P256Verifier
    }

    fn trusts(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<(), String> {
        let mut trusted = self.seal.trusted.borrow_mut();
        if chain != self.seal.chain || !trusted.contains(&now) {
            let found = self.seal.anchors.verify(chain, Purpose::Reservation, now);
            found.map_err(|error| error.to_string())?;
            trusted.insert(now);
        }
        Ok(())
    }

    fn reservation_key(&self, id: KeyId) -> Result<Box<dyn ReservationKey>, String> {
        let key = self.keys.borrow().get(&id).cloned().ok_or("no such key")?;
        P256ReservationKey::of(&key)
            .map(|key| Box::new(key) as Box<dyn ReservationKey>)
            .map_err(|e| e.to_string())
    }
}
