//! Explanations: the sentences of every case, and that a proposed move mends what it claims to mend.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seatpool_domain::command::Action;
use seatpool_domain::explain::{
    self, Explanation, InstanceFacts, License, Mend, Named, Place, PoolFacts, Status, Stock, Used, User,
};
use seatpool_domain::pool::assess;
use seatpool_domain::{EventKind, Refused};
use seatpool_proto::{ProductInstanceId, Quantity, VirtualAccountId};

use crate::agent::Agent;
use crate::world::{World, q, tag};

fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

fn stock(world: &World, va: VirtualAccountId) -> Stock {
    Stock {
        place: Place::new(va, &world.virtual_accounts[&va].name),
        lots: world.lots.values().filter(|lot| lot.virtual_account == va).cloned().collect(),
        totals: world.totals.values().filter(|total| total.virtual_account == va).cloned().collect(),
    }
}

/// The explanation of a licence, with all virtual accounts of the world to take from.
fn explain(world: &World, va: VirtualAccountId, name: &str) -> Explanation {
    let elsewhere: Vec<Stock> =
        world.virtual_accounts.keys().filter(|id| **id != va).map(|id| stock(world, *id)).collect();
    explain_with(world, va, name, Some(&elsewhere))
}

fn explain_with(world: &World, va: VirtualAccountId, name: &str, elsewhere: Option<&[Stock]>) -> Explanation {
    let family = world.catalogue.family_of(&tag(name)).unwrap();
    let mut users: Vec<User> = world
        .usage
        .values()
        .filter(|row| row.tag == tag(name) && world.instances[&row.instance].virtual_account == va)
        .map(|row| User {
            instance: Named::new(row.instance, world.instances[&row.instance].host_name.clone().unwrap()),
            quantity: row.locked.unwrap_or(row.peak),
        })
        .collect();
    users.sort_by_key(|user| std::cmp::Reverse(user.quantity));
    users.truncate(2);
    let here = stock(world, va);
    let facts = PoolFacts {
        family,
        here: &here,
        elsewhere: elsewhere.unwrap_or_default(),
        seen: &[],
        all_known: elsewhere.is_some(),
        users,
        now: world.now,
    };
    explain::pool(&facts, &tag(name)).unwrap()
}

fn text(explanation: &Explanation) -> String {
    let told = explanation.told();
    let mut text = told.status.to_owned();
    if let Some(since) = told.since {
        write!(text, ", since {since}").unwrap();
    }
    for why in &told.why {
        write!(text, "\n  because  {why}").unwrap();
    }
    for next in &told.next {
        let mark = if next.harms { "!" } else { " " };
        let at = next.at.map_or_else(|| "next".into(), |at| at.to_string());
        write!(text, "\n {mark} {at}  {}", next.what).unwrap();
    }
    for mend in &told.what_to_do {
        write!(text, "\n  do  {mend}").unwrap();
    }
    text
}

/// A world with the virtual account Default and its instances' agents.
struct Scene {
    world: World,
    va: VirtualAccountId,
    agents: Vec<Agent>,
}

impl Scene {
    fn new(agents: u8) -> Self {
        let mut world = World::new();
        let va = world.default_va();
        let token = world.create_token(va, None);
        let mut agents: Vec<Agent> = (0..agents).map(Agent::new).collect();
        for agent in &mut agents {
            agent.register(&mut world, token).unwrap();
        }
        Self { world, va, agents }
    }

    fn report(&mut self, agent: usize, name: &'static str, peak: u64, locked: Option<u64>) {
        self.agents[agent].report(&mut self.world, &[(name, peak, locked)]).unwrap();
    }

    fn order(&mut self, va: VirtualAccountId, name: &str, quantity: u64) {
        let order = format!("PO-{}", self.world.transactions.len());
        self.world.order(va, &order, name, quantity);
    }

    fn order_term(&mut self, va: VirtualAccountId, name: &str, quantity: u64, from: i64, to: i64) {
        let order = format!("PO-{}", self.world.transactions.len());
        let line = self.world.term(name, quantity, from, to);
        self.world.order_line(va, &order, line);
    }

    fn told(&self, name: &str) -> String {
        text(&explain(&self.world, self.va, name))
    }
}

#[test]
fn every_case_of_a_pool_is_told_in_sentences() {
    let mut cases = Vec::new();
    let mut case = |name: &str, text: String| cases.push(format!("# {name}\n{text}"));

    let mut scene = Scene::new(2);
    case("nothing owned, nothing used", scene.told("PORT"));
    scene.order(scene.va, "PORT", 5);
    case("owned, not used", scene.told("PORT"));
    scene.report(0, "PORT", 1, None);
    case("covered", scene.told("PORT"));

    let mut scene = Scene::new(3);
    scene.order(scene.va, "PORT", 10);
    scene.report(0, "PORT", 12, None);
    scene.report(1, "PORT", 3, None);
    scene.report(2, "PORT", 1, None);
    case("short, and nobody has any to spare", scene.told("PORT"));
    let unknown = explain_with(&scene.world, scene.va, "PORT", None);
    case("short, and what others have is not known", text(&unknown));
    let emea = scene.world.create_va("EMEA");
    scene.order(emea, "PORT", 4);
    case("short, and EMEA can spare a part", scene.told("PORT"));
    scene.order(emea, "PORT", 40);
    case("short, and EMEA can spare enough", scene.told("PORT"));
    scene.report(0, "PORT", 2, Some(12));
    case("held to locked usage", scene.told("PORT"));
    scene.order(scene.va, "PORT", 6);
    case("locked usage that is covered", scene.told("PORT"));

    let mut scene = Scene::new(1);
    scene.order(scene.va, "P", 10);
    scene.order(scene.va, "S", 5);
    scene.report(0, "S", 8, None);
    case("covered by borrowing", scene.told("S"));
    case("lending", scene.told("P"));
    scene.report(0, "S", 20, None);
    case("short in spite of borrowing", scene.told("S"));
    let emea = scene.world.create_va("EMEA");
    let apac = scene.world.create_va("APAC");
    scene.order(emea, "S", 3);
    scene.order(apac, "P", 2);
    case("moves from two places and tiers", scene.told("S"));

    let mut scene = Scene::new(2);
    scene.report(0, "SRV", 0, None);
    case("one needs a licence that must be owned", scene.told("SRV"));
    scene.report(1, "SRV", 0, None);
    let emea = scene.world.create_va("EMEA");
    scene.order(emea, "SRV", 1);
    case("two need it, and EMEA has one", scene.told("SRV"));
    scene.order(scene.va, "SRV", 1);
    case("a licence that must be owned, and is", scene.told("SRV"));

    let mut scene = Scene::new(1);
    scene.order_term(scene.va, "PORT", 40, 0, 30);
    scene.order_term(scene.va, "PORT", 10, 60, 400);
    scene.report(0, "PORT", 12, None);
    case("a lot will end, another start", scene.told("PORT"));
    scene.world.advance(31 * 86_400);
    case("a lot has ended", scene.told("PORT"));

    let mut scene = Scene::new(1);
    scene.order_term(scene.va, "P", 9, 0, 30);
    scene.order(scene.va, "S", 1);
    scene.report(0, "S", 4, None);
    case("the lot that will end is a higher licence's", scene.told("S"));

    let mut scene = Scene::new(1);
    let emea = scene.world.create_va("EMEA");
    let token = scene.world.create_token(emea, None);
    let mut theirs = Agent::new(9);
    theirs.register(&mut scene.world, token).unwrap();
    theirs.report(&mut scene.world, &[("PORT", 5, None)]).unwrap();
    scene.order_term(emea, "PORT", 5, 0, 30);
    scene.order(emea, "PORT", 5);
    scene.report(0, "PORT", 3, None);
    case("EMEA can spare some until its own end", scene.told("PORT"));
    let lot = scene.world.lots.values().find(|lot| lot.term.ends_at.is_none()).unwrap().id;
    scene.world.lots.get_mut(&lot).unwrap().reserved = q(2);
    case("reserved ones can't be moved", scene.told("PORT"));

    insta::assert_snapshot!(cases.join("\n\n"));
}

#[test]
fn every_case_of_an_instance_is_told_in_sentences() {
    let mut cases = Vec::new();
    let mut case = |name: &str, scene: &Scene, change: &dyn Fn(&mut InstanceFacts<'_>)| {
        let row = &scene.world.instances[&scene.agents[0].id()];
        let place = Place::new(scene.va, "Default");
        let mut facts = InstanceFacts {
            reservation: None,
            restricted: Vec::new(),
            instance: row,
            place: &place,
            used: Vec::new(),
            moved_here_at: None,
            ended_by: None,
            cloned_at: None,
            rewound_at: None,
            policy: &scene.world.policy,
            now: scene.world.now,
        };
        change(&mut facts);
        cases.push(format!("# {name}\n{}", text(&explain::instance(&facts))));
    };
    let used = |quantity, short, since: Option<Timestamp>| Used {
        license: License::new(tag("PORT"), "IVR Port"),
        quantity: q(quantity),
        short: q(short),
        short_since: since,
        most: vec![User {
            instance: Named::new(ProductInstanceId(uuid::Uuid::nil()), "ivr-7"),
            quantity: q(80),
        }],
    };

    let mut scene = Scene::new(1);
    case("waiting", &scene, &|_| {});
    let start = scene.world.now;
    case("waiting for two days", &scene, &|facts| facts.now += days(2));
    scene.report(0, "PORT", 0, None);
    case("no licences in use", &scene, &|_| {});
    scene.report(0, "PORT", 3, None);
    case("authorized", &scene, &|facts| facts.used = vec![used(3, 0, None)]);
    case("out of compliance", &scene, &|facts| {
        facts.used = vec![used(3, 4, Some(start)), Used { quantity: q(0), ..used(0, 1, None) }];
    });
    case("it came when the pool had been short for 89 days", &scene, &|facts| {
        facts.used = vec![used(3, 4, Some(start - days(89)))];
        assert_eq!(
            explain::instance(facts).since,
            Some(facts.instance.registered_at),
            "not before it was there"
        );
        facts.moved_here_at = Some(start + days(2));
        facts.now = start + days(3);
    });
    case("a second copy", &scene, &|facts| {
        facts.used = vec![used(3, 0, None)];
        facts.cloned_at = Some(start + days(1));
        facts.rewound_at = Some(start);
    });
    case("not in contact for five weeks", &scene, &|facts| {
        facts.used = vec![used(3, 0, None)];
        facts.now += days(35);
    });
    case("authorization ended", &scene, &|facts| facts.now += days(91));
    case("certificate not renewed", &scene, &|facts| facts.now += days(190));
    case("certificate ended", &scene, &|facts| facts.now += days(366));
    let id = scene.agents[0].id();
    let mut removed = Scene { world: scene.world.clone(), va: scene.va, agents: scene.agents.clone() };
    removed.world.submit(Action::RemoveInstance { instance: id }).unwrap();
    case("removed", &removed, &|facts| facts.ended_by = Some("anna".into()));
    let mut gone = Scene { world: scene.world.clone(), va: scene.va, agents: scene.agents.clone() };
    gone.agents[0].deregister(&mut gone.world).unwrap();
    case("deregistered", &gone, &|_| {});

    insta::assert_snapshot!(cases.join("\n\n"));
}

#[test]
fn what_its_reader_may_not_take_somebody_else_is_asked_for() {
    let mut scene = Scene::new(1);
    let (emea, apac) = (scene.world.create_va("EMEA"), scene.world.create_va("APAC"));
    scene.order(emea, "PORT", 40);
    scene.order(apac, "PORT", 5);
    scene.report(0, "PORT", 12, None);
    let (here, emea, apac) =
        (stock(&scene.world, scene.va), vec![stock(&scene.world, emea)], vec![stock(&scene.world, apac)]);
    let told = |elsewhere: &[Stock], seen: &[Stock]| {
        let family = scene.world.catalogue.family_of(&tag("PORT")).unwrap();
        let now = scene.world.now;
        let facts =
            PoolFacts { family, here: &here, elsewhere, seen, all_known: true, users: Vec::new(), now };
        explain::pool(&facts, &tag("PORT")).unwrap()
    };
    let own_first = told(&apac, &emea);
    let texts: Vec<String> = own_first.told().what_to_do.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "Move 5 of IVR Port from APAC, which has 5 spare, to Default.",
            "Ask an account administrator to move 7 of IVR Port from EMEA, which has 40 spare, to Default.",
        ],
        "the larger stock of EMEA comes second"
    );
    assert_eq!((own_first.moves().count(), own_first.asked().count()), (1, 1));
    let none = told(&[], &emea);
    assert_eq!((none.moves().count(), none.asked().count()), (0, 1));
}

#[test]
fn a_move_is_refused_when_the_figures_have_changed() {
    let mut scene = Scene::new(1);
    let emea = scene.world.create_va("EMEA");
    scene.order(emea, "PORT", 40);
    scene.report(0, "PORT", 12, None);
    let proposed = explain(&scene.world, scene.va, "PORT");
    let step = proposed.moves().next().unwrap().clone();
    assert_eq!((step.quantity, step.figures.source_spare), (q(12), q(40)));

    scene.report(0, "PORT", 15, None);
    let refused = scene.world.submit(Action::Mend { step: step.clone() }).unwrap_err();
    let expected = "Default now lacks 15 of IVR Port, and EMEA can spare 40 of IVR Port";
    assert_eq!(refused, Refused::Changed { detail: expected.into() });

    let step = explain(&scene.world, scene.va, "PORT").moves().next().unwrap().clone();
    let before = scene.world.events.len();
    scene.world.submit(Action::Mend { step: step.clone() }).unwrap();
    assert_eq!(
        scene.world.kinds_since(before),
        [EventKind::LicensesTransferred, EventKind::LicensesTransferred, EventKind::InCompliance]
    );
    assert!(scene.world.submit(Action::Mend { step }).is_err(), "done once");
}

#[test]
fn another_state_gives_a_move_another_key() {
    let mut scene = Scene::new(1);
    let emea = scene.world.create_va("EMEA");
    scene.order(emea, "PORT", 40);
    scene.report(0, "PORT", 12, None);
    let key = |scene: &Scene| explain(&scene.world, scene.va, "PORT").moves().next().unwrap().key();
    let first = key(&scene);
    assert_eq!(first, key(&scene));
    scene.order(emea, "PORT", 1);
    assert_ne!(first, key(&scene));
}

/// Lots of a virtual account: tier, quantity, first and last day from today.
type Lots = Vec<(usize, u64, i64, i64)>;

const TIERS: [&str; 3] = ["P", "S", "E"];

fn places() -> impl Strategy<Value = Vec<(Lots, [u64; 3])>> {
    let lot = (0..3_usize, 1..9_u64, prop_oneof![Just(-1_i64), Just(0), Just(5)], 10..40_i64);
    let place = (prop::collection::vec(lot, 0..4), prop::array::uniform3(0..7_u64));
    prop::collection::vec(place, 1..4)
}

fn short_by_tier(world: &World, va: VirtualAccountId, at: Timestamp) -> Vec<u64> {
    let family = world.catalogue.family_of(&tag("P")).unwrap();
    let stock = stock(world, va);
    assess(family, &stock.lots, &stock.totals, at).iter().map(|tier| tier.short.count()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_proposed_move_mends_what_it_claims_and_harms_nobody(rows in places(), wanted in 0..3_usize) {
        let mut world = World::new();
        let mut ids = vec![world.default_va()];
        for n in 1..rows.len() {
            ids.push(world.create_va(&format!("VA {n}")));
        }
        for (n, (lots, usage)) in rows.iter().enumerate() {
            let token = world.create_token(ids[n], None);
            let mut agent = Agent::new(u8::try_from(n).unwrap());
            agent.register(&mut world, token).unwrap();
            for (m, (tier, quantity, from, to)) in lots.iter().enumerate() {
                let mut line = world.term(TIERS[*tier], *quantity, *from, *to);
                if *from < 0 {
                    line = world.perpetual(TIERS[*tier], *quantity);
                }
                world.order_line(ids[n], &format!("PO-{n}-{m}"), line);
            }
            let figures: Vec<_> = TIERS.iter().zip(usage).map(|(name, peak)| (*name, *peak, None)).collect();
            agent.report(&mut world, &figures).unwrap();
        }
        let before: Vec<Vec<u64>> = ids.iter().map(|id| short_by_tier(&world, *id, world.now)).collect();
        let turns: Vec<Timestamp> = (1..41).map(|day| world.now + days(day)).collect();
        let later_before: Vec<Vec<Vec<u64>>> =
            ids.iter().map(|id| turns.iter().map(|at| short_by_tier(&world, *id, *at)).collect()).collect();

        let explanation = explain(&world, ids[0], TIERS[wanted]);
        prop_assert_eq!(explanation.status == Status::OutOfCompliance, before[0][wanted] > 0);
        let mut mended = 0;
        let mut careful: Vec<VirtualAccountId> = ids[1..].to_vec();
        for step in explanation.moves() {
            prop_assert_eq!(step.quantity, step.lots.iter().map(|(_, quantity)| *quantity).sum::<Quantity>());
            mended += step.quantity.count();
            if step.source_short_at.is_some() {
                careful.retain(|id| *id != step.from.id);
            }
        }
        let ordered: u64 = explanation.what_to_do.iter().map(|mend| match mend {
            Mend::Order { quantity, .. } => quantity.count(),
            _ => 0,
        }).sum();
        prop_assert_eq!(mended + ordered, before[0][wanted], "what is moved and ordered is what is short");

        // Each step is carried out as it was proposed, with the figures that are true by then.
        loop {
            let Some(step) = explain(&world, ids[0], TIERS[wanted]).moves().next().cloned() else { break };
            world.submit(Action::Mend { step }).unwrap();
        }
        for (n, id) in ids.iter().enumerate() {
            for (tier, short) in short_by_tier(&world, *id, world.now).into_iter().enumerate() {
                if n == 0 && tier == wanted {
                    prop_assert_eq!(short, ordered);
                } else {
                    prop_assert!(short <= before[n][tier], "{} of place {n} is shorter", TIERS[tier]);
                }
            }
            for (m, at) in turns.iter().enumerate().filter(|_| n > 0 && careful.contains(id)) {
                let (now, then) = (short_by_tier(&world, *id, *at), &later_before[n][m]);
                prop_assert!(now.iter().sum::<u64>() <= then.iter().sum::<u64>(), "place {n} is short on {at}");
            }
        }
    }
}
