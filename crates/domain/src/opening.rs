//! Opening a smart account.

use jiff::Timestamp;
use seatpool_proto::{AccountId, VirtualAccountId};
use uuid::Uuid;

use crate::access::{Role, SignInRules, User};
use crate::account::{Account, DEFAULT_VIRTUAL_ACCOUNT, VirtualAccount};
use crate::command::{Actor, By, Refused, words};
use crate::event::EventKind;
use crate::workset::Workset;

/// Longest domain of an account, in characters (RFC 1035, section 2.3.4).
const DOMAIN_CHARS_MAX: usize = 253;
/// Longest part of it between two dots, in characters (RFC 1035, section 2.3.4).
const LABEL_CHARS_MAX: usize = 63;

/// What a new smart account is to be.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its id.
    pub id: AccountId,
    /// The id of its virtual account [`DEFAULT_VIRTUAL_ACCOUNT`].
    pub default_virtual_account: VirtualAccountId,
    /// Its domain, in any case.
    pub domain: String,
    /// Its name for people.
    pub name: String,
    /// Whether export-controlled functionality may be permitted at all.
    pub export_permitted: bool,
    /// Whether products may reserve all licences without counting.
    pub universal_permitted: bool,
    /// The person who will administer it, if one is named already.
    pub administrator: Option<FirstAdministrator>,
    /// Who opens it.
    pub actor: Actor,
    /// The network address it came from, if any.
    pub source: Option<String>,
}

/// The person who administers a new smart account.
#[derive(Clone)]
pub struct FirstAdministrator {
    /// The user's id.
    pub id: Uuid,
    /// Its sign-in name, in any case.
    pub login: String,
    /// What its password is recognized by (PHC string format).
    pub password_hash: String,
    /// Whether it must set another at the first sign-in.
    pub must_change_password: bool,
    /// Whether it is the vendor's operator, too: the first person of a manager.
    pub is_operator: bool,
}

impl core::fmt::Debug for FirstAdministrator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FirstAdministrator").field("login", &self.login).finish_non_exhaustive()
    }
}

impl FirstAdministrator {
    fn into_user(self, account: AccountId, now: Timestamp) -> Result<User, Refused> {
        let login = words::login(&self.login)?;
        let operator = self.is_operator.then_some(Role::VendorOperator);
        let roles = operator.into_iter().chain([Role::AccountAdministrator]).collect();
        let user = User::new(self.id, account, login, self.password_hash, roles, now);
        Ok(User { must_change_password: self.must_change_password, ..user })
    }
}

impl Opening {
    /// The name of an account that is given none: its domain, as far as a name may go.
    pub fn name_of(domain: &str) -> String {
        domain.trim().to_lowercase().chars().take(words::NAME_CHARS_MAX).collect()
    }

    /// The facts of the new account: itself, its first virtual account, its administrator and its first event.
    ///
    /// # Errors
    /// Refuses a domain, a name or a sign-in name that can't be one.
    pub fn into_workset(self, now: Timestamp) -> Result<Workset, Refused> {
        let mut workset = Workset::new(Account {
            id: self.id,
            domain: valid_domain(&self.domain)?,
            name: words::name("name", &self.name)?,
            export_permitted: self.export_permitted,
            universal_permitted: self.universal_permitted,
            created_at: now,
            next_event: 1,
            event_head: None,
            sign_in_rules: SignInRules::default(),
        });
        workset.virtual_accounts.insert(
            self.default_virtual_account,
            VirtualAccount {
                id: self.default_virtual_account,
                name: DEFAULT_VIRTUAL_ACCOUNT.to_owned(),
                description: "Created with the smart account".to_owned(),
                is_default: true,
                created_at: now,
            },
        );
        let administrator = self.administrator.map(|person| person.into_user(self.id, now)).transpose()?;
        let people = match &administrator {
            None => String::new(),
            Some(user) if user.roles.contains(&Role::VendorOperator) => {
                format!(" and its administrator {}, who is vendor operator, too", user.login)
            }
            Some(user) => format!(" and its administrator {}", user.login),
        };
        let message = format!(
            "The smart account {} ({}) was created with the virtual account {DEFAULT_VIRTUAL_ACCOUNT}{people}.",
            workset.account.name, workset.account.domain
        );
        if let Some(user) = administrator {
            workset.users.insert(user.id, user);
        }
        let by = By { actor: self.actor, source: self.source };
        let mut event = by.event(EventKind::AccountCreated, now, message);
        event.virtual_account = Some(self.default_virtual_account);
        workset.record(event);
        Ok(workset)
    }
}

/// A domain as in `example.com`, or the one word that an on-prem account goes by.
fn valid_domain(text: &str) -> Result<String, Refused> {
    let domain = text.trim().to_lowercase();
    let labels_are_sound = domain.split('.').all(|label| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    });
    if domain.len() > DOMAIN_CHARS_MAX {
        Err(words::invalid("domain", format!("is longer than {DOMAIN_CHARS_MAX} characters")))
    } else if labels_are_sound {
        Ok(domain)
    } else {
        Err(words::invalid(
            "domain",
            format!(
                "is not written as in example.com: letters, digits and - . _, no part empty or longer than \
                 {LABEL_CHARS_MAX} characters"
            ),
        ))
    }
}
