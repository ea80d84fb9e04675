//! What a portal's pages have to show: accounts, people, licences and product instances.

use jiff::SignedDuration;
use seatpool_domain::Actor;
use seatpool_domain::access::{OauthScope, Role, User};
use seatpool_domain::command::{Action, CoTermination, OrderLine, Outcome};
use seatpool_manager::app::App;
use seatpool_manager::app::access::{Principal, password};
use seatpool_manager::app::accounts::{self, NewAccount, NewAdministrator};
use seatpool_manager::clock::Clock;
use seatpool_proto::message::{AuthorizationRequest, FamilyUsage, Interval, TagUsage, TierUsage};
use seatpool_proto::{LotKind, Quantity, RequestBody, Term, VirtualAccountId};

use super::manager::by_alice;
use super::{Agent, Manager, World, new_uuid, now};

/// Administrator of an account of its own.
pub(crate) const BOB: (&str, &str) = ("bob", "wrong horse, right battery");
/// Reads one virtual account of Alice's account.
pub(crate) const CAROL: (&str, &str) = ("carol", "only looks, never touches");

impl World {
    /// Path of a page of the virtual account Default.
    pub(crate) fn page(&self, rest: &str) -> String {
        self.page_of(self.default, rest)
    }

    /// Path of a page of a virtual account.
    #[expect(clippy::unused_self, reason = "reads like page()")]
    pub(crate) fn page_of(&self, virtual_account: VirtualAccountId, rest: &str) -> String {
        format!("/portal/example.com/va/{virtual_account}/{rest}")
    }

    /// Another account, `other.example`, administered by [`BOB`]; its virtual account.
    pub(crate) async fn other_account(&self) -> VirtualAccountId {
        let account = self.account;
        self.offline(Clock::default(), async |app: App| {
            let operator = Principal {
                actor: Actor::User("alice".into()),
                account,
                roles: vec![Role::VendorOperator],
                scopes: OauthScope::ALL.into(),
                source: None,
            };
            let new = NewAccount {
                domain: "other.example".into(),
                name: Some("Other <b>&amp; Sons</b>".into()),
                export_permitted: false,
                universal_permitted: false,
                administrator: Some(NewAdministrator {
                    login: BOB.0.into(),
                    password: BOB.1.into(),
                    must_change: false,
                }),
            };
            let other = accounts::create(&app, &operator, new).await.unwrap();
            app.store().virtual_accounts(other.id).await.unwrap().remove(0).id
        })
        .await
    }

    /// [`CAROL`], who reads the virtual account Default.
    pub(crate) async fn reader(&self) {
        let (account, place) = (self.account, self.default);
        self.offline(Clock::default(), async |app: App| {
            let hash = password::hash(CAROL.1).unwrap();
            let roles = vec![Role::VirtualAccountUser(place)];
            let user = User::new(new_uuid(), account, CAROL.0, hash, roles, now());
            app.store().insert_user(&user).await.unwrap();
        })
        .await;
    }

    /// Somebody of Alice's account who holds this role. The password is the login twice.
    pub(crate) async fn person(&self, login: &str, role: Role) {
        let login = login.to_owned();
        self.offline(Clock::default(), async |app: App| {
            let account = app.store().user_by_login("alice").await.unwrap().unwrap().account;
            let hash = password::hash(&format!("{login} {login}")).unwrap();
            let user = User::new(new_uuid(), account, login, hash, vec![role], now());
            app.store().insert_user(&user).await.unwrap();
        })
        .await;
    }

    /// A virtual account with this name.
    pub(crate) async fn virtual_account(&self, name: &str, description: &str) -> VirtualAccountId {
        let action = Action::CreateVirtualAccount { name: name.into(), description: description.into() };
        match self.command(action).await {
            Outcome::VirtualAccount(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// The text of a token of a virtual account.
    pub(crate) async fn token_for(&self, virtual_account: VirtualAccountId, description: &str) -> String {
        let account = self.account;
        let action = Action::CreateToken {
            virtual_account,
            description: description.into(),
            expires_after_days: 30,
            uses_max: Some(10),
            export_controlled: true,
        };
        self.offline(Clock::default(), async |app: App| {
            let Outcome::Token(id) = app.submit(account, by_alice(action)).await.unwrap() else { panic!() };
            app.ca().token_text(account, id)
        })
        .await
    }

    /// Deposits licences: tag, how many, and in how many days they end.
    pub(crate) async fn deposit(
        &self,
        virtual_account: VirtualAccountId,
        order: &str,
        lines: &[(&str, u64, Option<i64>)],
    ) {
        let start = now().checked_sub(SignedDuration::from_hours(24 * 21)).unwrap();
        let line = |(tag, quantity, days): &(&str, u64, Option<i64>)| OrderLine {
            tag: tag.parse().unwrap(),
            quantity: Quantity::of(*quantity),
            kind: if days.is_some() { LotKind::Term } else { LotKind::Perpetual },
            term: Term {
                starts_at: start,
                ends_at: days.map(|days| now().checked_add(SignedDuration::from_hours(24 * days)).unwrap()),
            },
            dates: seatpool_domain::lot::NamedDates::default(),
            subscription_id: days.map(|_| "SUB-2290417".into()),
            co_termination: CoTermination::Own,
        };
        let lines = lines.iter().map(line).collect();
        self.command(Action::Order { virtual_account, order_id: order.into(), lines }).await;
    }
}

/// A report of several licences, the flexible ones with their family.
pub(crate) fn report(usage: &[(&str, u64)]) -> RequestBody {
    let end = now();
    let peak = |tag: &str| usage.iter().find(|(name, _)| *name == tag).map_or(0, |(_, peak)| *peak);
    let (premium, standard) = (peak("CCX_FLEX_PREMIUM"), peak("CCX_FLEX_STANDARD"));
    let flexible = FamilyUsage {
        family: "ccx-flex".parse().unwrap(),
        tiers: [("CCX_FLEX_PREMIUM", premium), ("CCX_FLEX_STANDARD", premium + standard)]
            .map(|(tag, sum)| TierUsage {
                tag: tag.parse().unwrap(),
                cumulative_peak: Quantity::of(sum),
                locked: None,
            })
            .into(),
    };
    RequestBody::Authorization(AuthorizationRequest {
        interval: Interval { start: end.checked_sub(SignedDuration::from_mins(15)).unwrap(), end },
        scheduled: true,
        usage: usage
            .iter()
            .map(|(tag, peak)| TagUsage {
                tag: tag.parse().unwrap(),
                peak: Quantity::of(*peak),
                locked: None,
            })
            .collect(),
        families: if premium + standard > 0 { vec![flexible] } else { Vec::new() },
    })
}

/// A contact centre that registered and reported.
pub(crate) async fn contact_centre(
    manager: &Manager,
    token: &str,
    serial: &str,
    host: &str,
    usage: &[(&str, u64)],
) -> Agent {
    let mut agent = Agent::new(serial);
    let mut body = agent.registration(token, false);
    if let RequestBody::Registration(registration) = &mut body {
        registration.host_name = Some(host.into());
    }
    agent.ask(manager, body).await;
    agent.ask(manager, report(usage)).await;
    agent
}
