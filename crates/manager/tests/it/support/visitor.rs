//! A person with a browser that runs no script: pages, cookies and forms over HTTP.

use std::collections::BTreeMap;

use super::Manager;

/// Name and password of the administrator that `World` makes.
pub(crate) const ALICE: (&str, &str) = ("alice", "correct horse battery");

/// One browser profile.
pub(crate) struct Visitor {
    http: reqwest::Client,
    url: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// What came back.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// What its forms carry against forgery.
    pub(crate) fn csrf(&self) -> String {
        self.between("name=\"csrf\" value=\"", "\"").expect("the page has a form")
    }

    /// The first text between two others.
    pub(crate) fn between(&self, start: &str, end: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(start)?;
        rest.split_once(end).map(|(text, _)| text.to_owned())
    }

    /// The page with the one-use id of each form taken out: what is left is the same for the same content.
    pub(crate) fn without_form_ids(mut self) -> Self {
        let mut parts = self.body.split("name=\"form_id\" value=\"");
        let mut body = parts.next().unwrap().to_owned();
        for part in parts {
            body.push_str(part.split_once('"').unwrap().1);
        }
        self.body = body;
        self
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

impl Visitor {
    pub(crate) fn new(manager: &Manager) -> Self {
        Self::at(manager, std::net::Ipv4Addr::LOCALHOST.into())
    }

    /// Somebody at this address of the loopback network.
    pub(crate) fn at(manager: &Manager, address: std::net::IpAddr) -> Self {
        let http = reqwest::Client::builder()
            .local_address(address)
            .tls_certs_only([reqwest::Certificate::from_der(&manager.root).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { http, url: manager.url.clone(), cookies: BTreeMap::new() }
    }

    /// Somebody who is signed in.
    pub(crate) async fn signed_in(manager: &Manager, (login, password): (&str, &str)) -> Self {
        let mut visitor = Self::new(manager);
        let page = visitor.sign_in(login, password).await;
        assert_eq!(page.status, 303, "{}", page.body);
        visitor
    }

    pub(crate) async fn sign_in(&mut self, login: &str, password: &str) -> Page {
        let form = self.get("/sign-in").await;
        let csrf = form.csrf();
        self.post("/sign-in", &[("csrf", &csrf), ("login", login), ("password", password)]).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&mut self, path: &str, headers: &[(&'static str, &str)]) -> Page {
        let request = self.http.get(format!("{}{path}", self.url));
        self.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[]).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Page {
        let request = self.http.post(format!("{}{path}", self.url)).form(fields);
        self.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// Fetches the form at one path and sends it to another, as a person would.
    pub(crate) async fn submit(&mut self, form: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(form).await;
        assert_eq!(page.status, 200, "{form}: {}", page.body);
        let csrf = page.csrf();
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post(to, &all).await
    }

    /// Sends a form with a file in its field `file`, as browsers write it.
    pub(crate) async fn upload(&mut self, path: &str, fields: &[(&str, &str)], file: &str) -> Page {
        let mark = "----WebKitFormBoundaryx7MA4YWxkTrZu0gW";
        let part = |name: &str, value: &str| {
            format!("--{mark}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let fields: String = fields.iter().map(|(name, value)| part(name, value)).collect();
        let file = part("file\"; filename=\"request.txt", file);
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .header("content-type", format!("multipart/form-data; boundary={mark}"))
            .body(format!("{fields}{file}--{mark}--\r\n"));
        self.send(request).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let page = Page { status, headers, body: response.text().await.unwrap() };
        for cookie in page.set_cookies() {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        page
    }
}
