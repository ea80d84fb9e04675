//! An account whose people, and programs, somebody manages; what the pages about them have in common.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::page::account_href;
use super::problem::Problem;
use super::roles::RolesForm;
use super::section::Section;
use super::visit::SignedIn;
use crate::app::App;
use crate::app::access::{self, Permission, Principal};
use crate::app::accounts::{self, AccountView, RoleView};

/// Path of the users of an account.
pub(super) fn users_href(domain: &str) -> String {
    format!("{}/account/users", account_href(domain))
}

/// An account whose people and programs the person who is signed in manages.
pub(super) struct Managed {
    pub(super) signed_in: SignedIn,
    pub(super) account: AccountView,
    path: BTreeMap<String, String>,
}

impl FromRequestParts<App> for Managed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, app).await;
        let path = path.map_err(|_| Problem::not_found().into_response())?.0;
        let domain = path.get("domain").map_or("", String::as_str);
        let found = accounts::get(app, signed_in.principal(), domain).await;
        let account = found.map_err(|error| Problem::from(error).into_response())?;
        access::check(signed_in.principal(), account.id, Permission::ManageUsers)
            .map_err(|error| Problem::from(error).into_response())?;
        Ok(Self { signed_in, account, path })
    }
}

impl Managed {
    pub(super) fn principal(&self) -> &Principal {
        self.signed_in.principal()
    }

    /// A segment of the path.
    pub(super) fn segment(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// Path of the account's pages of this kind.
    pub(super) fn href(&self, rest: &str) -> String {
        format!("{}/account/{rest}", account_href(&self.account.domain))
    }

    pub(super) fn frame(&self, notice: Option<Banner>) -> Frame {
        let frame = self.signed_in.visit.frame_in(Section::Account, self.principal(), &self.account);
        Frame { notice, ..frame }
    }

    /// Whether they manage the account itself: who may manage its people alone, such as a vendor operator, does
    /// not see its programs.
    fn manages_account(&self) -> bool {
        access::allows(self.principal(), self.account.id, Permission::ManageAccount)
    }

    /// Refuses who does not manage the account itself.
    pub(super) fn must_manage_account(&self) -> Result<(), Problem> {
        Ok(access::check(self.principal(), self.account.id, Permission::ManageAccount)?)
    }

    /// The tabs: path, words, whether it is the present one.
    pub(super) fn tabs(&self, current: &str) -> Vec<(String, &'static str, bool)> {
        let tab = |segment: &str, words| (self.href(segment), words, segment == current);
        let clients = self.manages_account().then(|| tab("clients", "Clients"));
        [tab("users", "Users")].into_iter().chain(clients).collect()
    }

    pub(super) async fn roles(&self, app: &App, roles: &[RoleView]) -> Result<RolesForm, Problem> {
        let places = accounts::virtual_accounts(app, self.principal(), self.account.id).await?;
        Ok(RolesForm::of(roles, places, self.principal().is_operator()))
    }

    pub(super) async fn typed_roles(&self, app: &App, form: &Posted) -> Result<RolesForm, Problem> {
        let places = accounts::virtual_accounts(app, self.principal(), self.account.id).await?;
        Ok(RolesForm::read(form, places, self.principal().is_operator()))
    }

    pub(super) async fn no_roles(&self, app: &App) -> Result<RolesForm, Problem> {
        self.roles(app, &[]).await
    }
}
