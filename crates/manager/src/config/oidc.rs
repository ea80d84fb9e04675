//! Single sign-on: the keys under `[oidc]`.

use std::path::PathBuf;

use super::valid::Check;

/// A single sign-on provider (OpenID Connect), and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oidc {
    /// As the provider calls itself, to the last character.
    pub issuer: String,
    /// This manager's name at the provider.
    pub client_id: String,
    /// The file with the secret that goes with it; none for a public client.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for; `openid` is always among them.
    pub scopes: Vec<String>,
    /// PEM certificates that the provider's TLS certificate must chain to; the system's own if absent.
    pub ca_file: Option<PathBuf>,
    /// The claim of ID tokens that holds the sign-in name.
    pub login_claim: String,
    /// The domain of the smart account that people belong to.
    pub account: Option<String>,
    /// The claim that names that domain, where it differs from person to person.
    pub account_claim: Option<String>,
    /// Whether whoever is not known is made a user at the first sign-in.
    pub create_users: bool,
    /// With which roles.
    pub roles: Vec<GivenRole>,
    /// What the button on the sign-in page says.
    pub name: String,
}

/// A role that is given at the first sign-in. The vendor's own is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenRole {
    /// `account_administrator`
    AccountAdministrator,
    /// `approver`
    Approver,
    /// `virtual_account_administrator:NAME`
    VirtualAccountAdministrator(String),
    /// `virtual_account_user:NAME`
    VirtualAccountUser(String),
}

impl GivenRole {
    fn read(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "account_administrator" => Some(Self::AccountAdministrator),
            None if text == "approver" => Some(Self::Approver),
            Some(("virtual_account_administrator", name)) => {
                Some(Self::VirtualAccountAdministrator(name.trim().to_owned()))
            }
            Some(("virtual_account_user", name)) => Some(Self::VirtualAccountUser(name.trim().to_owned())),
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::AccountAdministrator => "account_administrator".to_owned(),
            Self::Approver => "approver".to_owned(),
            Self::VirtualAccountAdministrator(name) => format!("virtual_account_administrator:{name}"),
            Self::VirtualAccountUser(name) => format!("virtual_account_user:{name}"),
        }
    }
}

impl Oidc {
    /// Its keys with their values as TOML.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let list = |items: Vec<String>| {
            toml::Value::Array(items.into_iter().map(toml::Value::String).collect()).to_string()
        };
        let path = |path: &PathBuf| text(&path.display().to_string());
        let lines = [
            ("oidc.issuer", Some(text(&self.issuer))),
            ("oidc.client_id", Some(text(&self.client_id))),
            ("oidc.client_secret_file", self.client_secret_file.as_ref().map(path)),
            ("oidc.scopes", Some(list(self.scopes.clone()))),
            ("oidc.ca_file", self.ca_file.as_ref().map(path)),
            ("oidc.login_claim", Some(text(&self.login_claim))),
            ("oidc.account", self.account.as_deref().map(text)),
            ("oidc.account_claim", self.account_claim.as_deref().map(text)),
            ("oidc.create_users", Some(self.create_users.to_string())),
            ("oidc.roles", Some(list(self.roles.iter().map(GivenRole::text).collect()))),
            ("oidc.name", Some(text(&self.name))),
        ];
        lines.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// The keys under `[oidc]`, if any is given.
pub(super) fn check(check: &mut Check<'_>) -> Option<Oidc> {
    let texts = check.texts;
    let one = |key: &str| texts.one(key).map(str::to_owned);
    let all = |key: &str| texts.all(key).map(<[String]>::to_vec);
    let Some(issuer) = one("oidc.issuer") else {
        let others = ["oidc.client_id", "oidc.client_secret_file", "oidc.account", "oidc.account_claim"];
        if let Some(key) = others.into_iter().find(|key| texts.one(key).is_some()) {
            check.problem("oidc.issuer", format!("is not set, but {key} is: say which provider"));
        }
        return None;
    };
    if !issuer.starts_with("https://") {
        check.problem(
            "oidc.issuer",
            format!("{issuer:?} is not an address over TLS, as in https://id.example.com"),
        );
    }
    let client_id = one("oidc.client_id").unwrap_or_default();
    if client_id.is_empty() {
        check.problem(
            "oidc.client_id",
            "is not set: register this manager at the provider, and give its client id",
        );
    }
    let client_secret_file =
        texts.one("oidc.client_secret_file").map(|path| check.file("oidc.client_secret_file", path));
    let ca_file = texts.one("oidc.ca_file").map(|path| check.file("oidc.ca_file", path));
    let (account, account_claim) =
        (one("oidc.account").map(|domain| domain.to_lowercase()), one("oidc.account_claim"));
    if account.is_none() && account_claim.is_none() {
        check.problem(
            "oidc.account",
            "is not set: name the domain of the smart account that people belong to, or the claim that names it (oidc.account_claim)",
        );
    }
    let create_users = match texts.one("oidc.create_users") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            check.problem("oidc.create_users", format!("{other:?} is neither true nor false"));
            false
        }
    };
    let mut roles = Vec::new();
    for text in all("oidc.roles").unwrap_or_default() {
        match GivenRole::read(&text) {
            Some(role) => roles.push(role),
            None => check.problem(
                "oidc.roles",
                format!("{text:?} is none of account_administrator, approver, virtual_account_administrator:NAME, virtual_account_user:NAME"),
            ),
        }
    }
    if create_users && roles.is_empty() {
        check.problem("oidc.roles", "is not set, but oidc.create_users is: say what new users may do");
    }
    let mut scopes = all("oidc.scopes").unwrap_or_else(|| vec!["email".into(), "profile".into()]);
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".into());
    }
    Some(Oidc {
        issuer,
        client_id,
        client_secret_file,
        scopes,
        ca_file,
        login_claim: one("oidc.login_claim").unwrap_or_else(|| "email".into()),
        account,
        account_claim,
        create_users,
        roles,
        name: one("oidc.name").unwrap_or_else(|| "Single sign-on".into()),
    })
}
