//! Roles in forms: a box for each role of the account, a choice for each virtual account.

use seatpool_proto::VirtualAccountId;

use super::form::Field;
use super::guard::Posted;
use crate::app::accounts::{RoleView, VirtualAccountView};

/// What is ticked and chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct RolesForm {
    pub(super) administrator: bool,
    pub(super) approver: bool,
    /// None where it may not be given.
    pub(super) operator: Option<bool>,
    pub(super) places: Vec<PlaceRole>,
    /// What is wrong with the whole.
    pub(super) field: Field,
}

/// The role in one virtual account.
#[derive(Clone, Debug)]
pub(super) struct PlaceRole {
    pub(super) id: VirtualAccountId,
    pub(super) name: String,
    /// Empty, `user` or `administrator`.
    pub(super) chosen: &'static str,
}

impl RolesForm {
    /// The form for these roles.
    pub(super) fn of(roles: &[RoleView], places: Vec<VirtualAccountView>, gives_operator: bool) -> Self {
        let chosen = |name: &str| {
            let is = |role: &RoleView| match role {
                RoleView::VirtualAccountAdministrator { virtual_account } if virtual_account == name => {
                    Some("administrator")
                }
                RoleView::VirtualAccountUser { virtual_account } if virtual_account == name => Some("user"),
                _ => None,
            };
            let all: Vec<_> = roles.iter().filter_map(is).collect();
            if all.contains(&"administrator") { "administrator" } else { all.first().copied().unwrap_or("") }
        };
        let holds_operator = roles.contains(&RoleView::VendorOperator);
        Self {
            administrator: roles.contains(&RoleView::AccountAdministrator),
            approver: roles.contains(&RoleView::Approver),
            operator: gives_operator.then_some(holds_operator),
            places: places
                .into_iter()
                .map(|place| PlaceRole { id: place.id, chosen: chosen(&place.name), name: place.name })
                .collect(),
            field: Field::default(),
        }
    }

    /// The form as it was sent.
    pub(super) fn read(form: &Posted, places: Vec<VirtualAccountView>, gives_operator: bool) -> Self {
        let ticked = |name: &str| form.text(name) == "yes";
        let chosen = |id: VirtualAccountId| match form.text(&format!("va-{id}")) {
            "administrator" => "administrator",
            "user" => "user",
            _ => "",
        };
        Self {
            administrator: ticked("administrator"),
            approver: ticked("approver"),
            operator: gives_operator.then(|| ticked("operator")),
            places: places
                .into_iter()
                .map(|place| PlaceRole { id: place.id, chosen: chosen(place.id), name: place.name })
                .collect(),
            field: Field::default(),
        }
    }

    /// The roles, as the use cases take them.
    pub(super) fn roles(&self) -> Vec<RoleView> {
        let whole = [
            (self.operator == Some(true), RoleView::VendorOperator),
            (self.administrator, RoleView::AccountAdministrator),
            (self.approver, RoleView::Approver),
        ];
        let whole = whole.into_iter().filter(|(given, _)| *given).map(|(_, role)| role);
        let in_place = |place: &PlaceRole| {
            let virtual_account = place.name.clone();
            match place.chosen {
                "administrator" => Some(RoleView::VirtualAccountAdministrator { virtual_account }),
                "user" => Some(RoleView::VirtualAccountUser { virtual_account }),
                _ => None,
            }
        };
        whole.chain(self.places.iter().filter_map(in_place)).collect()
    }
}

/// Roles in a sentence for people.
pub(super) fn words(roles: &[RoleView]) -> String {
    let word = |role: &RoleView| match role {
        RoleView::VendorOperator => "Vendor operator".to_owned(),
        RoleView::AccountAdministrator => "Account administrator".to_owned(),
        RoleView::Approver => "Approver".to_owned(),
        RoleView::VirtualAccountAdministrator { virtual_account } => {
            format!("Administrator of {virtual_account}")
        }
        RoleView::VirtualAccountUser { virtual_account } => format!("User of {virtual_account}"),
    };
    roles.iter().map(word).collect::<Vec<_>>().join(", ")
}
