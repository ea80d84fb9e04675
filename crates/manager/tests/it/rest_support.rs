//! A client of the REST API, and a record of what it asked and what came back that is the same in every run.

use reqwest::Method;
use seatpool_domain::access::OauthScope;
use seatpool_proto::{AccountId, ProductInstanceId};
use seatpool_store::AccessToken;
use serde_json::{Value, json};

use crate::support::{Agent, Manager, World};

/// One who calls.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    /// The access token, if any.
    pub(crate) token: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {}", self.text))
    }
}

/// The credentials that `seatpool init` wrote.
pub(crate) fn credentials(world: &World) -> (String, String) {
    let text = std::fs::read_to_string(world.data_dir().join("client.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    (file["client_id"].as_str().unwrap().to_owned(), file["client_secret"].as_str().unwrap().to_owned())
}

impl Caller {
    /// Without an access token.
    pub(crate) fn anonymous(manager: &Manager) -> Self {
        Self { http: manager.http.clone(), url: manager.url.clone(), token: None }
    }

    /// As the client that `seatpool init` made: vendor operator and account administrator.
    pub(crate) async fn first(world: &World, manager: &Manager) -> Self {
        let (id, secret) = credentials(world);
        Self::with(manager, &id, &secret).await
    }

    pub(crate) async fn with(manager: &Manager, id: &str, secret: &str) -> Self {
        let mut caller = Self::anonymous(manager);
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let answer =
            caller.http.post(format!("{}/oauth/token", caller.url)).form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        caller.token = Some(answer["access_token"].as_str().unwrap().to_owned());
        caller
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let content_type = response.headers().get("content-type");
        Reply {
            status: response.status().as_u16(),
            content_type: content_type.map_or("", |value| value.to_str().unwrap()).to_owned(),
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(&body)).await
    }

    /// Creates a client with these roles in `account`, and calls as that client.
    pub(crate) async fn new_client(&self, manager: &Manager, account: &str, roles: Value) -> Self {
        let path = format!("/api/seatpool/v1/accounts/{account}/clients");
        let made = self.post(&path, json!({ "name": "of a test", "roles": roles })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        Self::with(manager, &text("client_id"), &text("client_secret")).await
    }
}

/// An access token of a client that ends at once.
pub(crate) fn granted(client: &str, account: AccountId, ends: jiff::Timestamp) -> AccessToken {
    AccessToken {
        client: client.to_owned(),
        account,
        expires_at: ends,
        created_at: ends,
        user: None,
        scopes: OauthScope::ALL.into(),
    }
}

/// A product instance that has registered and reported.
pub(crate) async fn instance(manager: &Manager, token: &str, serial: &str, peak: u64) -> ProductInstanceId {
    let mut agent = Agent::new(serial);
    agent.register(manager, token).await;
    agent.report_ok(manager, peak).await;
    agent.instance.unwrap()
}

/// Requests with their answers, in order, with whatever differs between runs replaced.
#[derive(Default)]
pub(crate) struct Record(Vec<Value>);

impl Record {
    /// Sends a request that is told as `request` and `body`, notes it down, and hands on what came back.
    pub(crate) async fn send(
        &mut self,
        request: &str,
        body: Option<Value>,
        sent: reqwest::RequestBuilder,
    ) -> Value {
        let response = sent.send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        self.note(request, body, status, &answer);
        answer
    }

    fn note(&mut self, request: &str, body: Option<Value>, status: u16, answer: &Value) {
        let mut shown = answer.clone();
        steady(&mut shown);
        let mut row = json!({ "request": steady_text(request) });
        if let Some(mut body) = body {
            steady(&mut body);
            row["body"] = body;
        }
        row["status"] = status.into();
        row["answer"] = shown;
        self.0.push(row);
    }

    /// Makes a request, notes it down, and hands on what came back.
    pub(crate) async fn call(
        &mut self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let reply = caller.call(method.parse().unwrap(), path, body.as_ref()).await;
        let answer = if reply.text.is_empty() { Value::Null } else { reply.json() };
        self.note(&format!("{method} {path}"), body, reply.status, &answer);
        answer
    }

    pub(crate) async fn get(&mut self, caller: &Caller, path: &str) -> Value {
        self.call(caller, "GET", path, None).await
    }

    pub(crate) async fn post(&mut self, caller: &Caller, path: &str, body: Value) -> Value {
        self.call(caller, "POST", path, Some(body)).await
    }

    pub(crate) fn finish(self) -> Value {
        Value::Array(self.0)
    }
}

/// Whether a text is a whole code that people carry, which differs from run to run.
fn is_carried(text: &str) -> bool {
    use seatpool_proto::code::{ConfirmationCode, RequestCode, ReturnCode};
    text.parse::<RequestCode>().is_ok()
        || text.parse::<ReturnCode>().is_ok()
        || (text != "00000000" && text.parse::<ConfirmationCode>().is_ok())
}

/// Replaces ids, times, tokens and digests everywhere in a document.
pub(crate) fn steady(value: &mut Value) {
    match value {
        Value::String(text) => *text = steady_text(text),
        Value::Array(items) => items.iter_mut().for_each(steady),
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                match key.as_str() {
                    "serial" => *member = "[serial]".into(),
                    "hash" => *member = "[hash]".into(),
                    "sequence" => *member = "[sequence]".into(),
                    "authorization_code" | "authorizationCode" if member.is_string() => {
                        *member = "[authorization code]".into();
                    }
                    "request_code" | "reservationCode" | "code" | "returnCode" | "confirmationCode"
                        if member.as_str().is_some_and(is_carried) =>
                    {
                        *member = "[code]".into();
                    }
                    "client_secret" if member.as_str().is_some_and(|text| text.len() == 43) => {
                        *member = "[secret]".into();
                    }
                    // Those to a far end differ from day to day.
                    "days_left" if member.as_u64().is_some_and(|days| days > 1000) => {
                        *member = "[days]".into();
                    }
                    "access_token" => *member = "[token]".into(),
                    "next_cursor" if member.is_string() => *member = "[cursor]".into(),
                    _ => steady(member),
                }
            }
        }
        _ => {}
    }
}

/// Replaces ids, times and tokens in a text by words of the same length, so that tables stay aligned.
pub(crate) fn steady_text(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-:._".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        out.push_str(before);
        out.push_str(&steady_word(word));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn steady_word(word: &str) -> String {
    let same_length = |name: &str| format!("{name:~<width$}", width = word.len());
    // Periods that a test chose itself are far from the present and stay.
    let is_now = !word.starts_with("2020-") && !word.starts_with("2120-") && !word.starts_with("2099-");
    if word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        same_length("serial")
    } else if word.parse::<uuid::Uuid>().is_ok() && word.len() == 36 {
        same_length("id")
    } else if word.len() == 84 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        same_length("token")
    } else if is_now && word.parse::<jiff::Timestamp>().is_ok() {
        if word.contains('.') { "time.fraction".into() } else { same_length("time") }
    } else if is_now && word.len() == 10 && word.parse::<jiff::civil::Date>().is_ok() {
        same_length("day")
    } else if word.len() == 8 && word.parse::<jiff::civil::Time>().is_ok() {
        same_length("clock")
    } else if word.len() == 22 && word.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        // The id of the client that init made, in base64.
        same_length("client")
    } else {
        word.to_owned()
    }
}

/// A report of a Flex system: premium and standard seats in use at one moment.
pub(crate) fn flex_report(premium: u64, standard: u64) -> seatpool_proto::RequestBody {
    use seatpool_proto::message::{AuthorizationRequest, FamilyUsage, Interval, TagUsage, TierUsage};
    use seatpool_proto::{Quantity, RequestBody};

    let end = crate::support::now();
    let quantity = |count| Quantity::new(count).unwrap();
    let tag = |tag: &str, peak| TagUsage { tag: tag.parse().unwrap(), peak: quantity(peak), locked: None };
    let tier = |tag: &str, peak| TierUsage {
        tag: tag.parse().unwrap(),
        cumulative_peak: quantity(peak),
        locked: None,
    };
    RequestBody::Authorization(AuthorizationRequest {
        interval: Interval { start: end - jiff::SignedDuration::from_mins(15), end },
        scheduled: true,
        usage: vec![tag("CCX_FLEX_PREMIUM", premium), tag("CCX_FLEX_STANDARD", standard)],
        families: vec![FamilyUsage {
            family: "ccx-flex".parse().unwrap(),
            tiers: vec![tier("CCX_FLEX_PREMIUM", premium), tier("CCX_FLEX_STANDARD", premium + standard)],
        }],
    })
}
