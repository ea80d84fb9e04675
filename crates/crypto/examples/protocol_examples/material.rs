//! Test keys and certificates, kept as PEM files. Everybody knows these keys: they are for examples only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use seatpool_crypto::P256Key;

/// The product instance ids that the agents' certificates name.
pub(crate) const FIRST_INSTANCE: &str = "019ab2c0-8a10-7000-8000-0000000000a1";
pub(crate) const SECOND_INSTANCE: &str = "019ab2c0-8a10-7000-8000-0000000000a2";
/// Name of the product in the examples.
pub(crate) const PRODUCT: &str = "Unified CCX";
const ACCOUNT: &str = "example.com";

pub(crate) struct Material {
    folder: PathBuf,
}

impl Material {
    pub(crate) fn load_or_make(folder: &Path) -> Self {
        std::fs::create_dir_all(folder.join("keys")).unwrap();
        std::fs::create_dir_all(folder.join("certificates")).unwrap();
        let material = Self { folder: folder.to_owned() };
        for key in ["root", "issuing", "signing", "agent-1", "agent-2", "agent-3"] {
            let path = material.path("keys", key);
            if !path.exists() {
                std::fs::write(path, KeyPair::generate().unwrap().serialize_pem()).unwrap();
            }
        }
        material.make_authorities();
        let digital = vec![KeyUsagePurpose::DigitalSignature];
        let client = vec![ExtendedKeyUsagePurpose::ClientAuth];
        for (key, instance, day) in [
            ("agent-1", FIRST_INSTANCE, (2026, 11, 22)),
            ("agent-2", FIRST_INSTANCE, (2027, 5, 21)),
            ("agent-3", SECOND_INSTANCE, (2027, 6, 21)),
        ] {
            let params = leaf(PRODUCT, Some(instance), day, digital.clone(), client.clone());
            material.issue(key, key, params);
        }
        material.make_faulty(&digital, &client);
        material
    }

    fn make_authorities(&self) {
        let mut root = params("Example Vendor Root", 1, (2026, 1, 1), 20 * 365);
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(2));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_key = self.pair("root");
        self.write("root", || root.self_signed(&root_key).unwrap().pem());
        let by_root = Issuer::new(root, root_key);
        self.write("issuing", || issuing_params().signed_by(&self.pair("issuing"), &by_root).unwrap().pem());
        let usage = ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36]);
        let mut signing = params("Example Manager", 3, (2026, 6, 1), 2 * 365);
        signing.is_ca = IsCa::ExplicitNoCa;
        signing.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        signing.extended_key_usages = vec![usage];
        signing.use_authority_key_identifier_extension = true;
        self.issue("signing", "signing", signing);
    }

    /// Certificates that break the ID-certificate profile in one way each.
    fn make_faulty(&self, digital: &[KeyUsagePurpose], client: &[ExtendedKeyUsagePurpose]) {
        let day = (2026, 11, 22);
        let make =
            |name: &str, product: &str, instance: Option<&str>, more: &dyn Fn(&mut CertificateParams)| {
                let mut params = leaf(product, instance, day, digital.to_vec(), client.to_vec());
                more(&mut params);
                self.issue(&format!("faulty-{name}"), "agent-1", params);
            };
        let id = Some(FIRST_INSTANCE);
        make("server-too", PRODUCT, id, &|p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth));
        make("any-usage", PRODUCT, id, &|p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::Any));
        make("no-usage", PRODUCT, id, &|p| p.extended_key_usages.clear());
        make("encipherment", PRODUCT, id, &|p| p.key_usages.push(KeyUsagePurpose::KeyEncipherment));
        make("authority", PRODUCT, id, &|p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
        make("no-instance", PRODUCT, None, &|_| {});
        make("foreign-instance", PRODUCT, Some("FCW2134L0RN"), &|_| {});
        make("long-name", &"x".repeat(65), id, &|_| {});
        make("no-name", PRODUCT, id, &|p| {
            p.distinguished_name.remove(DnType::CommonName);
        });
    }

    pub(crate) fn key(&self, name: &str) -> P256Key {
        P256Key::from_pkcs8(&der(&self.key_pem(name))).unwrap()
    }

    pub(crate) fn key_pem(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("keys", name)).unwrap()
    }

    pub(crate) fn certificate(&self, name: &str) -> Vec<u8> {
        der(&self.certificate_pem(name))
    }

    pub(crate) fn certificate_pem(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("certificates", name)).unwrap()
    }

    fn path(&self, kind: &str, name: &str) -> PathBuf {
        self.folder.join(kind).join(format!("{name}.pem"))
    }

    fn pair(&self, name: &str) -> KeyPair {
        KeyPair::from_pem(&self.key_pem(name)).unwrap()
    }

    fn write(&self, name: &str, make: impl FnOnce() -> String) {
        let path = self.path("certificates", name);
        if !path.exists() {
            std::fs::write(path, make().replace("\r\n", "\n")).unwrap();
        }
    }

    fn issue(&self, name: &str, key: &str, params: CertificateParams) {
        let issuer = Issuer::new(issuing_params(), self.pair("issuing"));
        self.write(name, || params.signed_by(&self.pair(key), &issuer).unwrap().pem());
    }
}

fn params(common_name: &str, serial: u8, from: (i32, u8, u8), days: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Example Vendor");
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    params.serial_number =
        Some(SerialNumber::from(vec![0x5e, 0xa7, 0x90, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, serial]));
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    // The last second of the last day, since both ends are inside the validity (RFC 5280, section 4.1.2.5).
    params.not_after = params.not_before + Duration::from_secs(days * 86_400 - 1);
    params
}

fn issuing_params() -> CertificateParams {
    let mut issuing = params("Example Vendor Issuing 1", 2, (2026, 1, 1), 5 * 365);
    issuing.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    issuing.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    issuing.use_authority_key_identifier_extension = true;
    issuing
}

fn leaf(
    product: &str,
    instance: Option<&str>,
    from: (i32, u8, u8),
    key_usages: Vec<KeyUsagePurpose>,
    extended_key_usages: Vec<ExtendedKeyUsagePurpose>,
) -> CertificateParams {
    let serial = u8::try_from(from.0 - 2000).unwrap() + 16 * from.1;
    let mut params = params(product, serial, from, 365);
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ACCOUNT);
    name.push(DnType::CommonName, product);
    if let Some(instance) = instance {
        let text = DnValue::PrintableString(instance.try_into().unwrap());
        name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), text);
    }
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = key_usages;
    params.extended_key_usages = extended_key_usages;
    params.use_authority_key_identifier_extension = true;
    params
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}
