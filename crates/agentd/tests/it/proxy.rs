//! A real HTTP proxy.

use core::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use seatpool_agentd::transport::Proxy;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

/// A real tinyproxy on loopback, ended with the test.
pub(crate) struct Tinyproxy {
    child: Child,
    pub(crate) address: SocketAddr,
    _home: tempfile::TempDir,
}

impl Tinyproxy {
    pub(crate) async fn start(settings: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        // The port is free when it is chosen; should another process take it first, tinyproxy ends and
        // the next one is tried.
        for _ in 0..5 {
            let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
            let file = home.path().join("tinyproxy.conf");
            let text =
                format!("Port {}\nListen 127.0.0.1\nTimeout 30\nMaxClients 20\n{settings}\n", address.port());
            std::fs::write(&file, text).unwrap();
            let mut child = Command::new("tinyproxy")
                .arg("-d")
                .arg("-c")
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("this test needs tinyproxy: install the package `tinyproxy`");
            while child.try_wait().unwrap().is_none() {
                if tokio::net::TcpStream::connect(address).await.is_ok() {
                    return Self { child, address, _home: home };
                }
                tokio::task::yield_now().await;
            }
        }
        panic!("tinyproxy ended at once; see its configuration in this test");
    }

    pub(crate) fn proxy(&self, credentials: Option<(&str, &str)>) -> Proxy {
        let credentials =
            credentials.map(|(user, password)| (user.to_owned(), Zeroizing::new(password.to_owned())));
        Proxy { host: self.address.ip().to_string(), port: self.address.port(), credentials }
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
