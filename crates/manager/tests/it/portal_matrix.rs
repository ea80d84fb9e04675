//! Every route of the portal as every kind of person, with things that exist: a snapshot.

use std::fmt::Write as _;

use seatpool_domain::access::Role;
use seatpool_domain::command::Action;
use seatpool_proto::Quantity;

use crate::portal_reservation::reserve;
use crate::portal_security::ROUTES;
use crate::support::Product;
use crate::support::scene::{BOB, contact_centre};
use crate::support::{ALICE, Manager, Visitor, World};

/// Who asks; what each may end, such as a token, there is one of for each.
const PEOPLE: [&str; 8] =
    ["nobody", "operator", "administrator", "approver", "manager", "reader", "neighbour", "stranger"];

/// What the paths name.
struct Things {
    place: String,
    tokens: Vec<String>,
    instances: Vec<String>,
    /// One that holds a reservation.
    reserved: String,
    lot: String,
    declared: String,
    alerts: Vec<String>,
    user: String,
    client: String,
    /// A second session of the administrator's.
    session: String,
    link: String,
}

impl Things {
    /// A path of a route with what it names, for the person with this number.
    fn path(&self, route: &str, person: usize) -> String {
        let is_verdict = route.ends_with("/confirm") || route.ends_with("/reject");
        route
            .replace("{instance}/reservation", &format!("{}/reservation", self.reserved))
            .replace("{part}", "1")
            .replace("{domain}", "example.com")
            .replace("{va}", &self.place)
            .replace("{token}", &self.tokens[person])
            .replace("{tag}", "CCX_PREMIUM")
            .replace("{instance}", &self.instances[person])
            .replace("{lot}", if is_verdict { &self.declared } else { &self.lot })
            .replace("{user}", &self.user)
            .replace("{deed}", "end-sessions")
            .replace("{client}", &self.client)
            .replace("{session}", &self.session)
            .replace("{link}", &self.link)
    }

    /// What a form of this route says. Where it can't say enough, nothing changes: the next person finds the same.
    fn fields(&self, route: &str, person: usize) -> Vec<(&'static str, String)> {
        let mut fields = vec![("to", String::new()), ("instance", self.instances[person].clone())];
        fields.push(("step", if route.contains("/lots/") { "preview" } else { "transfer" }.to_owned()));
        fields.push(("alert", self.alerts[person].clone()));
        fields
    }
}

/// Makes everything, in a world where the people are already; the manager has to be started for the rest.
async fn things(world: &World, tokens: Vec<String>, token: &str, manager: &Manager) -> Things {
    let mut instances = Vec::new();
    for n in 0..PEOPLE.len() {
        let usage = [("CCX_PREMIUM", 3)];
        let agent = contact_centre(manager, token, &format!("SN{n}"), &format!("uccx-{n}"), &usage).await;
        instances.push(agent.instance.unwrap().to_string());
    }
    let mut alice = Visitor::signed_in(manager, ALICE).await;
    let reserved = reserve(&mut alice, world, &Product::new("SN-SLR"), "5").await;
    let reserved = reserved.rsplit('/').next().unwrap().to_owned();
    let rows = |body: &str| -> Vec<Vec<String>> {
        body.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let lots = alice.get("/portal/example.com/reports/lots?format=csv").await;
    let lots = rows(&lots.body);
    let lot_of = |order: &str| {
        let row = lots.iter().find(|row| row.iter().any(|cell| cell.starts_with(order))).unwrap();
        row.last().unwrap().clone()
    };
    let alerts = alice.get("/portal/example.com/alerts?kind=licenses_expiring").await;
    let keys = alerts.body.split("name=\"alert\" value=\"").skip(1);
    let keys = keys.map(|rest| rest.split_once('"').unwrap().0.to_owned());
    let users = "/portal/example.com/account/users";
    let made =
        alice.submit(&format!("{users}/new"), users, &[("login", "target"), ("approver", "yes")]).await;
    let link = made.between("/welcome/", "<").unwrap();
    let list = alice.get(users).await;
    let user = list.body.split(&format!("{users}/")).find_map(|rest| rest.split_once("\">target<"));
    let user = user.unwrap().0.to_owned();
    let clients = "/portal/example.com/account/clients";
    let fields = [("name", "Nightly"), ("scope-read", "yes"), ("approver", "yes")];
    let made = alice.submit(&format!("{clients}/new"), clients, &fields).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let client = alice.get(clients).await.between(&format!("{clients}/"), "/rotate").unwrap();
    let client = client.rsplit('/').next().unwrap().to_owned();
    let who = ("administrator", "administrator administrator");
    let _second = Visitor::signed_in(manager, who).await;
    let mut first = Visitor::signed_in(manager, who).await;
    let session = first
        .get("/preferences/security")
        .await
        .between("/preferences/security/sessions/", "/end\"")
        .unwrap();
    let session = session.rsplit('/').next().unwrap().to_owned();
    Things {
        place: world.default.to_string(),
        tokens,
        instances,
        reserved,
        lot: lot_of("SO-1"),
        declared: lot_of("SELF-DECLARED"),
        alerts: keys.collect(),
        user,
        client,
        session,
        link,
    }
}

#[tokio::test]
async fn every_route_answers_every_kind_of_person_as_their_role_says() {
    let world = World::new().await;
    world.other_account().await;
    let elsewhere = world.virtual_account("Graz", "").await;
    for (login, role) in [
        ("operator", Role::VendorOperator),
        ("administrator", Role::AccountAdministrator),
        ("approver", Role::Approver),
        ("manager", Role::VirtualAccountAdministrator(world.default)),
        ("reader", Role::VirtualAccountUser(world.default)),
        ("neighbour", Role::VirtualAccountAdministrator(elsewhere)),
    ] {
        world.person(login, role).await;
    }
    let ends: Vec<_> = (20..28).map(|days| ("CCX_PREMIUM", 10, Some(days))).collect();
    world.deposit(world.default, "SO-1", &ends).await;
    world
        .command(Action::Declare {
            virtual_account: world.default,
            tag: "CCX_PREMIUM".parse().unwrap(),
            quantity: Quantity::of(7),
            note: "contract 7".into(),
        })
        .await;
    let mut tokens = Vec::new();
    for _ in PEOPLE {
        tokens.push(world.token().await.id.to_string());
    }
    let token = world.token().await;
    let manager = world.start();
    let things = things(&world, tokens, &token.text, &manager).await;

    let mut people = Vec::new();
    for name in PEOPLE {
        people.push(match name {
            "nobody" => Visitor::new(&manager),
            "stranger" => Visitor::signed_in(&manager, BOB).await,
            login => Visitor::signed_in(&manager, (login, &format!("{login} {login}"))).await,
        });
    }
    let mut table = String::new();
    let names: Vec<_> = PEOPLE.iter().map(|name| format!("{name:>15}")).collect();
    writeln!(table, "{:<66}{}", "", names.concat()).unwrap();
    for (method, path) in ROUTES {
        // Signing in and out are other tests'.
        if path.starts_with("/sign-") && *method == "POST" {
            continue;
        }
        let mut line = format!("{:<66}", format!("{method} {path}"));
        for (person, visitor) in people.iter_mut().enumerate() {
            let to = things.path(path, person);
            let page = if *method == "GET" {
                let is_selection = path.ends_with("/selected");
                let query = format!("?step=remove&instance={}", things.instances[person]);
                visitor.get(&format!("{to}{}", if is_selection { &query } else { "" })).await
            } else {
                let form = visitor.get("/preferences").await;
                let csrf =
                    if form.status == 200 { form.csrf() } else { visitor.get("/sign-in").await.csrf() };
                let mut fields = things.fields(path, person);
                fields.push(("csrf", csrf));
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                visitor.post(&to, &fields).await
            };
            let answer = match (page.status, page.header("location")) {
                (303, to) if to.starts_with("/sign-in") => "sign in".to_owned(),
                (status, _) => status.to_string(),
            };
            write!(line, "{answer:>15}").unwrap();
        }
        writeln!(table, "{line}").unwrap();
    }
    insta::assert_snapshot!("portal_matrix", table);
}
