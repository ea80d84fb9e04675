//! The sections of the portal, as its primary navigation names them.

use super::page::account_href;
use crate::app::access::{Permission, Principal, allows};
use crate::app::accounts::AccountView;

/// What a page belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Section {
    Alerts,
    /// Virtual accounts with their licences and product instances.
    #[default]
    Inventory,
    Reports,
    /// A person's own: zone, appearance, security.
    Preferences,
    Activity,
    /// Users, clients and settings of the smart account.
    Account,
}

/// The sections that have pages, in the order of the navigation. A section without a line here is not linked.
const LINKED: &[Section] = &[
    Section::Alerts,
    Section::Inventory,
    Section::Reports,
    Section::Preferences,
    Section::Activity,
    Section::Account,
];

/// One link of the primary navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SectionLink {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
}

impl Section {
    /// As administrators know it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Alerts => "Alerts",
            Self::Inventory => "Inventory",
            Self::Reports => "Reports",
            Self::Preferences => "Preferences",
            Self::Activity => "Activity",
            Self::Account => "Account",
        }
    }

    /// Class of the page's body, for what a section's pages look like.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Alerts => "alerts-section",
            Self::Inventory => "inventory",
            Self::Reports => "reports",
            Self::Preferences => "preferences",
            Self::Activity => "activity",
            Self::Account => "account",
        }
    }

    /// What a role has to allow for the section to be of use.
    fn needs(self) -> Permission {
        match self {
            Self::Alerts | Self::Inventory | Self::Reports | Self::Preferences => Permission::SeeAccount,
            Self::Activity => Permission::ReadAccount,
            Self::Account => Permission::ManageUsers,
        }
    }

    /// Path of its first page; none where it takes an account and there is none.
    fn href(self, domain: Option<&str>) -> Option<String> {
        let inside = |rest: &str| domain.map(|domain| format!("{}{rest}", account_href(domain)));
        match self {
            Self::Alerts => inside("/alerts"),
            Self::Inventory => inside("").or_else(|| Some("/portal".into())),
            Self::Reports => inside("/reports"),
            Self::Preferences => Some("/preferences".into()),
            Self::Activity => inside("/activity"),
            Self::Account => inside("/account"),
        }
    }
}

/// The primary navigation of somebody, in an account or before one is chosen.
pub(crate) fn links(
    current: Section,
    principal: &Principal,
    account: Option<&AccountView>,
) -> Vec<SectionLink> {
    let is_open =
        |section: &&Section| account.is_none_or(|account| allows(principal, account.id, section.needs()));
    LINKED
        .iter()
        .filter(is_open)
        .filter_map(|section| {
            let href = section.href(account.map(|account| account.domain.as_str()))?;
            Some(SectionLink { name: section.name(), href, current: *section == current })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use seatpool_domain::Actor;
    use seatpool_domain::access::Role;
    use seatpool_proto::AccountId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_section_is_linked_where_the_role_can_use_it() {
        let account = AccountView {
            id: AccountId(Uuid::nil()),
            domain: "example.com".into(),
            name: "Example".into(),
            export_permitted: false,
            universal_permitted: false,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let names = |role, account: Option<&AccountView>| -> Vec<&str> {
            let principal = Principal {
                actor: Actor::User("a".into()),
                account: AccountId(Uuid::nil()),
                roles: vec![role],
                scopes: seatpool_domain::access::OauthScope::ALL.into(),
                source: None,
            };
            links(Section::Inventory, &principal, account).into_iter().map(|link| link.name).collect()
        };
        let all: Vec<_> = LINKED.iter().map(|section| section.name()).collect();
        assert_eq!(names(Role::AccountAdministrator, Some(&account)), all);
        let place = seatpool_proto::VirtualAccountId(Uuid::nil());
        let reader = names(Role::VirtualAccountUser(place), Some(&account));
        assert!(
            reader.contains(&"Inventory") && !reader.contains(&"Activity") && !reader.contains(&"Account")
        );
        let nowhere = names(Role::VendorOperator, None);
        assert!(nowhere.iter().all(|name| ["Inventory", "Preferences"].contains(name)), "{nowhere:?}");
    }
}
