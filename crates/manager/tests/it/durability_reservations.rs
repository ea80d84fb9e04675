//! Reservations under load, with `kill -9` and a full disk: nothing acknowledged is lost, and nothing is held twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use seatpool_manager::App;
use seatpool_manager::clock::Clock;
use seatpool_proto::code::{AuthorizationCode, Returned};
use seatpool_proto::{ProductInstanceId, Quantity};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::durability::limit_files;
use crate::rest_support::Caller;
use crate::support::{Product, TAG, World};

const OWN: &str = "/api/seatpool/v1/accounts/example.com";

type Answer = Result<(u16, Value), reqwest::Error>;

/// What the manager acknowledged of one reservation last.
struct Known {
    product: Product,
    instance: ProductInstanceId,
    code: AuthorizationCode,
    /// What was asked for last was not answered: it was done or not.
    unanswered: bool,
    returned: bool,
}

#[derive(Default)]
struct Progress {
    answers: AtomicU32,
    more: Notify,
}

impl Progress {
    fn add(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.more.notify_one();
    }
}

async fn post(caller: &Caller, path: &str, body: &Value) -> Answer {
    let request = caller.http.post(format!("{}{OWN}{path}", caller.url)).body(body.to_string());
    let response = request.bearer_auth(caller.token.as_ref().unwrap()).send().await?;
    let status = response.status().as_u16();
    Ok((status, serde_json::from_str(&response.text().await?).unwrap_or_default()))
}

fn lines(quantity: u64) -> Value {
    json!([{ "license": TAG, "quantity": quantity }])
}

fn reserving(product: &Product, quantity: u64) -> Value {
    json!({ "request_code": product.request.to_string(), "licenses": lines(quantity) })
}

const NEW: &str = "/virtual-accounts/Default/reservations";

/// Reserves, changes, confirms and gives back for one product after another until the manager is gone.
async fn carry_until_gone(
    caller: Arc<Caller>,
    worker: u32,
    progress: Arc<Progress>,
) -> (Vec<Known>, Option<Product>) {
    let mut all = Vec::new();
    for number in 0.. {
        let product = Product::new(&format!("SN{worker}-{number}"));
        let made = match post(&caller, NEW, &reserving(&product, 2)).await {
            Ok((201, made)) => made,
            // Others hold what there is: no promise was made.
            Ok((409, refused)) if refused["code"] == "too_few" => {
                progress.add();
                continue;
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => return (all, Some(product)),
        };
        progress.add();
        let instance: ProductInstanceId = made["instance"].as_str().unwrap().parse().unwrap();
        let code = product.install(made["authorization_code"].as_str().unwrap());
        let mut known = Known { product, instance, code, unanswered: false, returned: false };
        let is_there = known.go_on(&caller, number, &progress).await;
        all.push(known);
        if !is_there {
            return (all, None);
        }
    }
    unreachable!("numbers don't end")
}

impl Known {
    /// Changes every second reservation and gives back two of three; whether the manager still answers.
    async fn go_on(&mut self, caller: &Caller, number: u32, progress: &Progress) -> bool {
        let at = |what: &str| format!("/reservations/{}/{what}", self.instance);
        if number.is_multiple_of(2) {
            match post(caller, &at("update"), &json!({ "licenses": lines(1) })).await {
                Ok((200, changed)) => {
                    self.code = self.product.install(changed["authorization_code"].as_str().unwrap());
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => {
                    self.unanswered = true;
                    return false;
                }
            }
            progress.add();
            let entered = json!({ "code": self.product.confirmation(&self.code).to_string() });
            match post(caller, &at("confirm"), &entered).await {
                Ok((200, _)) => progress.add(),
                Ok(other) => panic!("{other:?}"),
                Err(_) => return false,
            }
        }
        if number % 3 < 2 {
            let code = self.product.return_code(&self.code, Returned::Whole).to_string();
            match post(caller, &at("return"), &json!({ "code": code })).await {
                Ok((200, _)) => self.returned = true,
                Ok(other) => panic!("{other:?}"),
                Err(_) => {
                    self.unanswered = true;
                    return false;
                }
            }
            progress.add();
        }
        true
    }
}

/// Orders, moves and takes licences back beside them, until the manager is gone.
async fn administer_until_gone(caller: Arc<Caller>, round: u32) {
    for number in 0.. {
        let order = format!("O-{round}-{number}");
        let transfer = json!({ "lines": [{ "license": TAG, "quantity": 3, "to": "Other" }] });
        let steps = [
            ("/virtual-accounts/Default/orders", json!({ "order_id": order, "lines": lines(5) })),
            ("/virtual-accounts/Default/license-transfers", transfer),
            (&format!("/orders/{order}/cancel"), json!({ "reason": "taken back" })),
        ];
        for (path, body) in steps {
            match post(&caller, path, &body).await {
                Ok((200..=299, _)) => {}
                // What is promised is neither moved nor taken back.
                Ok((409, refused)) => {
                    assert!(refused["code"] == "too_few" || refused["code"] == "held", "{refused}");
                }
                Ok(other) => panic!("{path}: {other:?}"),
                Err(_) => return,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reservations_survive_kill_9_among_orders_and_transfers() {
    let world = World::new().await;
    world.order(30).await;
    let mut all: Vec<Known> = Vec::new();
    for round in 0..3_u32 {
        let manager = world.start();
        let caller = Arc::new(Caller::first(&world, &manager).await);
        if round == 0 {
            post(&caller, "/virtual-accounts", &json!({ "name": "Other" })).await.unwrap();
        }
        let progress = Arc::new(Progress::default());
        let mut carriers = JoinSet::new();
        for worker in 0..4 {
            let (caller, progress) = (Arc::clone(&caller), Arc::clone(&progress));
            carriers.spawn(carry_until_gone(caller, round * 10 + worker, progress));
        }
        let administrator = tokio::spawn(administer_until_gone(Arc::clone(&caller), round));
        while progress.answers.load(Ordering::Relaxed) < 60 {
            progress.more.notified().await;
        }
        manager.kill();
        administrator.await.unwrap();
        let mut lost = Vec::new();
        for (known, open) in carriers.join_all().await {
            all.extend(known);
            lost.extend(open);
        }
        holds_are_as_acknowledged(&world, &all).await;

        let manager = world.start();
        let caller = Caller::first(&world, &manager).await;
        for product in lost {
            // Whether or not it was carried out, the same request gives one reservation.
            let sent = reserving(&product, 2);
            let (status, made) = post(&caller, NEW, &sent).await.unwrap();
            if status == 409 {
                assert_eq!(made["code"], "too_few", "{made}");
                continue;
            }
            assert_eq!(status, 201, "{made}");
            let code = product.install(made["authorization_code"].as_str().unwrap());
            let (_, again) = post(&caller, NEW, &sent).await.unwrap();
            assert_eq!(again["instance"], made["instance"]);
            let instance = made["instance"].as_str().unwrap().parse().unwrap();
            all.push(Known { product, instance, code, unanswered: false, returned: false });
        }
        assert_eq!(manager.stop(), Some(0));
        holds_are_as_acknowledged(&world, &all).await;
    }
    assert!(all.len() > 20 && all.iter().any(|known| known.returned), "too little happened: {}", all.len());
}

/// Of every lot exactly what open reservations hold is reserved, never more than there is; and every reservation stands
/// as the manager said.
async fn holds_are_as_acknowledged(world: &World, all: &[Known]) {
    let account = world.account;
    world
        .offline(Clock::default(), async |app: App| {
            let places: Vec<_> =
                app.store().virtual_accounts(account).await.unwrap().into_iter().map(|row| row.id).collect();
            let open = app.store().reservations(account, &places).await.unwrap();
            for lot in app.store().lots(account, None).await.unwrap() {
                let held: Quantity = open.iter().map(|row| row.holds(lot.id)).sum();
                assert_eq!(lot.reserved, held, "{lot:?}");
                assert!(lot.promised() <= lot.quantity, "{lot:?}");
            }
            for known in all {
                let row = app.store().reservation(account, known.instance).await.unwrap().unwrap();
                if known.unanswered {
                    continue;
                }
                assert_eq!(row.is_open(), !known.returned, "{row:?}");
                assert_eq!(row.latest().entitlements, known.code.grant.entitlements);
            }
        })
        .await;
}

#[tokio::test]
async fn with_a_full_disk_nothing_is_reserved_and_the_reason_is_said() {
    let world = World::new().await;
    world.order(5).await;
    let manager = world.start();
    let caller = Caller::first(&world, &manager).await;
    let (first, second) = (Product::new("SN1"), Product::new("SN2"));
    let (status, made) = post(&caller, NEW, &reserving(&first, 2)).await.unwrap();
    assert_eq!(status, 201, "{made}");

    limit_files(&manager, "4096");
    let (status, refused) = post(&caller, NEW, &reserving(&second, 2)).await.unwrap();
    assert_eq!(status, 503, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("disk is full"), "{refused}");
    let one = format!("/reservations/{}", made["instance"].as_str().unwrap());
    let code = first.install(made["authorization_code"].as_str().unwrap());
    let back = json!({ "code": first.return_code(&code, Returned::Whole).to_string() });
    let (status, refused) = post(&caller, &format!("{one}/return"), &back).await.unwrap();
    assert_eq!(status, 503, "{refused}");

    limit_files(&manager, "unlimited");
    let (status, left) = post(&caller, &format!("{one}/return"), &back).await.unwrap();
    assert_eq!(status, 200, "the same code is good still: {left}");
    let (status, made) = post(&caller, NEW, &reserving(&second, 5)).await.unwrap();
    assert_eq!(status, 201, "all five are free: {made}");
    assert_eq!(manager.stop(), Some(0));
}
