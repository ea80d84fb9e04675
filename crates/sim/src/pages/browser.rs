//! The least that a browser is: one connection kept alive, cookies, a form.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use reqwest::header::{ACCEPT_ENCODING, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};

pub(super) struct Browser {
    client: Client,
    url: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(super) fn new(url: &str, data_dir: &Path) -> anyhow::Result<Self> {
        // A second one is refused, and the first stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let root = std::fs::read(data_dir.join("certificates/vendor-root.pem"))?;
        let client = Client::builder()
            .tls_certs_only([Certificate::from_pem(&root)?])
            .redirect(Policy::none())
            .pool_max_idle_per_host(1)
            .build()?;
        Ok(Self { client, url: url.to_owned(), cookies: BTreeMap::new() })
    }

    /// Status and body of a page.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<(u16, String)> {
        let request = self.client.get(format!("{}{path}", self.url)).header(COOKIE, self.cookie());
        let response = request.header(ACCEPT_ENCODING, "identity").send().await?;
        self.keep(&response);
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// Signs in, as the page's form does.
    pub(super) async fn sign_in(&mut self, login: &str, password: &str) -> anyhow::Result<()> {
        let (_, page) = self.get("/sign-in").await?;
        let mut form: BTreeMap<String, String> = inputs(&page)
            .filter(|input| attribute(input, "type") == Some("hidden"))
            .filter_map(|input| {
                Some((attribute(input, "name")?.to_owned(), attribute(input, "value")?.to_owned()))
            })
            .collect();
        form.insert("login".to_owned(), login.to_owned());
        form.insert("password".to_owned(), password.to_owned());
        let request = self.client.post(format!("{}/sign-in", self.url)).header(COOKIE, self.cookie());
        let response = request.header(ORIGIN, &self.url).form(&form).send().await?;
        self.keep(&response);
        ensure!(response.status().is_redirection(), "the sign-in was answered {}", response.status());
        response.text().await.context("the answer ends").map(drop)
    }

    fn cookie(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|text| text.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The `<input …>` elements of a page.
pub(super) fn inputs(page: &str) -> impl Iterator<Item = &str> {
    page.split("<input").skip(1).filter_map(|rest| rest.split('>').next())
}

/// The value of an attribute in an element's text.
pub(super) fn attribute<'t>(element: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = element.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}
