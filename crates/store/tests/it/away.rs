//! A PostgreSQL server that goes away while it is served over TCP.

use std::time::Duration;

use seatpool_store::Store;
use seatpool_store::testing::PrivatePostgres;
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinHandle;

use crate::{migrated, open};

/// Passes connections to a port on to the server's socket, until it is aborted: then all break, and new ones are
/// refused.
fn forward(listener: TcpListener, socket: String) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let socket = socket.clone();
            connections.spawn(async move {
                let mut server = UnixStream::connect(socket).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    })
}

async fn refused(store: &Store) -> String {
    // Not a measurement: whoever waits longer than an agent does would never see the answer.
    let asked = tokio::time::timeout(Duration::from_secs(9), store.setting("any")).await;
    let error = asked.expect("the caller is told soon").unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_told_soon_when_connections_are_refused_and_served_again_afterwards() {
    let postgres = PrivatePostgres::start().unwrap();
    let url = postgres.database().unwrap();
    let (_, rest) = url.split_once("host=").unwrap();
    let (folder, options) = rest.split_once('&').unwrap();
    let socket = format!("{folder}/.s.PGSQL.5432");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let forwarder = forward(listener, socket.clone());
    let url = format!("postgres://seatpool@{address}/postgres?sslmode=disable&{options}");
    let store = migrated(url.clone()).await;
    store.set_setting("any", "thing").await.unwrap();

    forwarder.abort();
    let _ = forwarder.await;
    for _ in 0..2 {
        let said = refused(&store).await;
        assert!(said.starts_with("the database can't be reached at present"), "{said}");
    }
    assert!(store.probe().await.unwrap_err().is_unavailable(), "nor is anything written");

    let listener = TcpListener::bind(address).await.unwrap();
    let forwarder = forward(listener, socket);
    assert_eq!(store.setting("any").await.unwrap().as_deref(), Some("thing"));
    assert!(open(url).await.is_set_up().await.unwrap());
    forwarder.abort();
}
