//! `seatpool user`.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::client::{Failed, Manager, moment, or_dash, table};
use crate::app::access::sessions::SessionView;
use crate::app::accounts::RoleView;
use crate::app::users::{
    LinkView, NewUser, SignInRulesChange, SignInRulesView, UserChange, UserState, UserView,
};

/// How roles are given on the command line.
const ROLES: &str = "\
account_administrator, approver, vendor_operator, virtual_account_administrator:NAME or virtual_account_user:NAME; \
may be given several times";

/// People who sign in.
#[derive(Subcommand, Debug)]
pub(super) enum UserCommand {
    /// List the users of the smart account
    List {
        /// Part of the sign-in name or of the person's name
        #[arg(long)]
        text: Option<String>,
    },
    /// Show a user
    Show {
        /// Sign-in name or id
        user: String,
    },
    /// Invite a person; prints the one-time link that sets the password
    Invite {
        /// Sign-in name, unique on the manager
        login: String,
        /// The person's name
        #[arg(long, default_value = "")]
        name: String,
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role, help = ROLES)]
        roles: Vec<RoleView>,
    },
    /// Change a user's name or roles; what is not given stays
    Change {
        /// Sign-in name or id
        user: String,
        /// The person's name
        #[arg(long)]
        name: Option<String>,
        #[arg(long = "role", value_name = "ROLE", value_parser = role, help = ROLES)]
        roles: Vec<RoleView>,
    },
    /// Let a user sign in no more; the sessions end
    Disable {
        /// Sign-in name or id
        user: String,
    },
    /// Let a disabled user sign in again
    Enable {
        /// Sign-in name or id
        user: String,
    },
    /// Delete a user; the sessions end
    Delete {
        /// Sign-in name or id
        user: String,
    },
    /// Take a user's password away; prints the one-time link that sets a new one
    ResetPassword {
        /// Sign-in name or id
        user: String,
    },
    /// Take a user's second factor away; the sessions end
    ResetSecondFactor {
        /// Sign-in name or id
        user: String,
    },
    /// List a user's sessions
    Sessions {
        /// Sign-in name or id
        user: String,
    },
    /// End a user's sessions
    EndSessions {
        /// Sign-in name or id
        user: String,
    },
    /// Show or change what the smart account demands of those who sign in
    Rules {
        /// Whether everybody needs a second factor
        #[arg(long, value_name = "true|false")]
        second_factor_required: Option<bool>,
        /// Whether OAuth2 clients may use people's passwords
        #[arg(long, value_name = "true|false")]
        password_grant: Option<bool>,
    },
}

/// A role as it is typed.
pub(super) fn role(text: &str) -> Result<RoleView, String> {
    let in_place = |name: &str| {
        let name = name.trim().to_owned();
        if name.is_empty() { Err("name the virtual account after the colon".to_owned()) } else { Ok(name) }
    };
    Ok(match text.split_once(':') {
        None if text == "account_administrator" => RoleView::AccountAdministrator,
        None if text == "approver" => RoleView::Approver,
        None if text == "vendor_operator" => RoleView::VendorOperator,
        Some(("virtual_account_administrator", name)) => {
            RoleView::VirtualAccountAdministrator { virtual_account: in_place(name)? }
        }
        Some(("virtual_account_user", name)) => {
            RoleView::VirtualAccountUser { virtual_account: in_place(name)? }
        }
        _ => return Err(format!("is not a role: give {ROLES}")),
    })
}

/// Roles as they are typed.
pub(super) fn role_texts(roles: &[RoleView]) -> String {
    let text = |role: &RoleView| match role {
        RoleView::VendorOperator => "vendor_operator".to_owned(),
        RoleView::AccountAdministrator => "account_administrator".to_owned(),
        RoleView::Approver => "approver".to_owned(),
        RoleView::VirtualAccountAdministrator { virtual_account } => {
            format!("virtual_account_administrator:{virtual_account}")
        }
        RoleView::VirtualAccountUser { virtual_account } => format!("virtual_account_user:{virtual_account}"),
    };
    roles.iter().map(text).collect::<Vec<_>>().join(", ")
}

impl UserCommand {
    pub(super) async fn run(self, to: &Manager) -> Result<(), Failed> {
        let session = to.connect().await?;
        let account = session.account();
        let all = ["accounts", account, "users"];
        let one = |user, rest: &[_]| [&all[..], &[user], rest].concat();
        let nothing = None::<&()>;
        match &self {
            Self::List { text } => session.read_all(&all, &[("text", text.clone())], list).await,
            Self::Show { user } => session.read(&one(user, &[]), &[], show).await,
            Self::Invite { login, name, roles } => {
                let new = NewUser { login: login.clone(), name: name.clone(), roles: roles.clone() };
                session.ask(Method::POST, &all, &new, link).await
            }
            Self::Change { user, name, roles } => {
                let roles = Some(roles.clone()).filter(|roles| !roles.is_empty());
                let change = UserChange { name: name.clone(), roles, ..UserChange::default() };
                session.ask(Method::PATCH, &one(user, &[]), &change, show).await
            }
            Self::Disable { user } => {
                let done = format!("{user} may sign in no more");
                session.order(Method::POST, &one(user, &["disable"]), nothing, &done).await
            }
            Self::Enable { user } => {
                let done = format!("{user} may sign in again");
                session.order(Method::POST, &one(user, &["enable"]), nothing, &done).await
            }
            Self::Delete { user } => {
                session.order(Method::DELETE, &one(user, &[]), nothing, &format!("{user} was deleted")).await
            }
            Self::ResetPassword { user } => {
                session.ask(Method::POST, &one(user, &["reset-password"]), &json!({}), link).await
            }
            Self::ResetSecondFactor { user } => {
                let done = format!("the second factor of {user} was taken away");
                session.order(Method::POST, &one(user, &["reset-second-factor"]), nothing, &done).await
            }
            Self::Sessions { user } => {
                session.read(&one(user, &["sessions"]), &[], |found: &Vec<_>| sessions(found)).await
            }
            Self::EndSessions { user } => {
                let done = format!("the sessions of {user} were ended");
                session.order(Method::DELETE, &one(user, &["sessions"]), nothing, &done).await
            }
            Self::Rules { second_factor_required, password_grant } => {
                let path = ["accounts", account, "sign-in-rules"];
                if second_factor_required.is_none() && password_grant.is_none() {
                    return session.read(&path, &[], rules).await;
                }
                let present: SignInRulesView = session.find(&path, &[]).await?;
                let wanted = SignInRulesChange {
                    second_factor_required: second_factor_required.unwrap_or(present.second_factor_required),
                    password_grant: password_grant.unwrap_or(present.password_grant),
                    seen: Some(present),
                };
                session.ask(Method::PUT, &path, &wanted, rules).await
            }
        }
    }
}

fn list(found: &[UserView]) -> String {
    let rows = found.iter().map(|user| {
        vec![
            user.login.clone(),
            state(user.state).to_owned(),
            factor(user).to_owned(),
            role_texts(&user.roles),
            or_dash(Some(user.name.clone()).filter(|name| !name.is_empty())),
        ]
    });
    table(&["SIGN-IN NAME", "STATE", "SIGNS IN WITH", "ROLES", "NAME"], rows)
}

fn show(user: &UserView) -> String {
    [
        format!("Sign-in name:   {}", user.login),
        format!("Id:             {}", user.id),
        format!("Name:           {}", user.name),
        format!("State:          {}", state(user.state)),
        format!("Signs in with:  {}", factor(user)),
        format!("Roles:          {}", role_texts(&user.roles)),
        format!("Created:        {}", moment(user.created_at)),
    ]
    .join("\n")
}

/// The link alone first, so that a script reads one line.
fn link(made: &LinkView) -> String {
    [
        made.link.clone(),
        String::new(),
        format!("For:      {}", made.user.login),
        format!("Expires:  {}", moment(made.expires_at)),
        "Shown this once: hand it over in a way that nobody else reads.".to_owned(),
    ]
    .join("\n")
}

fn sessions(found: &[SessionView]) -> String {
    let rows = found.iter().map(|session| {
        vec![
            moment(session.last_seen_at),
            moment(session.created_at),
            or_dash(session.address.clone()),
            or_dash(session.browser.clone()),
        ]
    });
    table(&["LAST USED", "SIGNED IN", "ADDRESS", "BROWSER"], rows)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as every other view is shown")]
fn rules(rules: &SignInRulesView) -> String {
    let yes = |value: bool| if value { "yes" } else { "no" };
    [
        format!("Second factor required:  {}", yes(rules.second_factor_required)),
        format!("Password grant:          {}", yes(rules.password_grant)),
    ]
    .join("\n")
}

fn state(state: UserState) -> &'static str {
    match state {
        UserState::Active => "active",
        UserState::Invited => "invited",
        UserState::LinkExpired => "link expired",
        UserState::Disabled => "disabled",
    }
}

fn factor(user: &UserView) -> &'static str {
    match (user.single_sign_on, user.second_factor) {
        (true, _) => "single sign-on",
        (false, true) => "password and second factor",
        (false, false) => "password",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_typed_as_they_are_shown() {
        for text in [
            "account_administrator",
            "approver",
            "vendor_operator",
            "virtual_account_administrator:North Sea",
            "virtual_account_user:Default",
        ] {
            assert_eq!(role_texts(&[role(text).unwrap()]), text);
        }
        for bad in ["root", "virtual_account_user", "virtual_account_user: ", "approver:Default", ""] {
            assert!(role(bad).is_err(), "{bad:?}");
        }
    }
}
