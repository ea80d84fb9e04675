//! Gathers the texts of file, environment and flags. Unknown keys are refused by name here.

use core::fmt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{ConfigArgs, FILE_NAME, Problem};

/// Every key; lists may have several values.
pub(super) const KEYS: &[Key] = &[
    Key { name: "data_dir", list: false },
    Key { name: "listen", list: true },
    Key { name: "names", list: true },
    Key { name: "database_url", list: false },
    Key { name: "database_connections", list: false },
    Key { name: "tls_certificate", list: false },
    Key { name: "tls_key", list: false },
    Key { name: "catalogues", list: true },
    Key { name: "public_url", list: false },
    Key { name: "ops_listen", list: false },
    Key { name: "log", list: false },
    Key { name: "log_format", list: false },
    Key { name: "time_lapse", list: false },
    Key { name: "oidc.issuer", list: false },
    Key { name: "oidc.client_id", list: false },
    Key { name: "oidc.client_secret_file", list: false },
    Key { name: "oidc.scopes", list: true },
    Key { name: "oidc.ca_file", list: false },
    Key { name: "oidc.login_claim", list: false },
    Key { name: "oidc.account", list: false },
    Key { name: "oidc.account_claim", list: false },
    Key { name: "oidc.create_users", list: false },
    Key { name: "oidc.roles", list: true },
    Key { name: "oidc.name", list: false },
];

/// Variables of this prefix are the manager's configuration.
const PREFIX: &str = "SEATPOOL_";
/// Variables of the prefix that belong to others: the REST client's, the agent's, and tests'.
const FOREIGN: &[&str] =
    &["SEATPOOL_CREDENTIALS", "SEATPOOL_CLIENT", "SEATPOOL_AGENT", "SEATPOOL_TEST", "SEATPOOL_DEMO"];

pub(super) struct Key {
    name: &'static str,
    list: bool,
}

/// Where a text came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nowhere: the value is the default.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment,
    /// A flag.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// The strongest text of each key that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    entries: BTreeMap<&'static str, (Vec<String>, Source)>,
    file: Option<PathBuf>,
}

impl Texts {
    /// Where the key's value comes from.
    pub fn source(&self, key: &str) -> Source {
        self.entries.get(key).map_or(Source::Default, |(_, source)| source.clone())
    }

    /// The file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What was given, as a configuration file for the data directory; files by their absolute paths.
    pub fn to_toml(&self) -> String {
        let absolute = |path: &String| {
            std::path::absolute(path).map_or_else(|_| path.clone(), |path| path.display().to_string())
        };
        let mut text = String::from("# Settings of this manager; docs/operating.md says what there is.\n");
        for (key, (values, _)) in &self.entries {
            // The file is found by its directory.
            if *key == "data_dir" {
                continue;
            }
            let is_path =
                ["tls_certificate", "tls_key", "catalogues", "oidc.client_secret_file", "oidc.ca_file"]
                    .contains(key);
            let values = values.iter().map(|value| if is_path { absolute(value) } else { value.clone() });
            let mut values: Vec<_> = values.map(toml::Value::String).collect();
            let is_list = known(key).is_some_and(|key| key.list);
            let value = if is_list { toml::Value::Array(values) } else { values.swap_remove(0) };
            text = text + key + " = " + &value.to_string() + "\n";
        }
        text
    }

    pub(super) fn one(&self, key: &str) -> Option<&str> {
        self.entries.get(key).and_then(|(values, _)| values.first()).map(String::as_str)
    }

    pub(super) fn all(&self, key: &str) -> Option<&[String]> {
        self.entries.get(key).map(|(values, _)| values.as_slice())
    }

    fn put(&mut self, key: &'static str, values: Vec<String>, source: Source) {
        self.entries.insert(key, (values, source));
    }
}

/// All texts, and what is wrong with their keys and shapes.
pub(super) fn gather(
    args: &ConfigArgs,
    environment: impl IntoIterator<Item = (String, String)>,
) -> (Texts, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut above_file = Texts::default();
    let mut config_file = None;
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        if FOREIGN.iter().any(|foreign| name.starts_with(foreign)) {
            continue;
        }
        if key == "CONFIG" {
            config_file = Some(PathBuf::from(value));
            continue;
        }
        // SEATPOOL_OIDC_ISSUER is oidc.issuer.
        let key = key.to_lowercase();
        let key = key.strip_prefix("oidc_").map_or_else(|| key.clone(), |rest| format!("oidc.{rest}"));
        match known(&key) {
            Some(key) => {
                let values = if key.list {
                    value.split(',').map(|item| item.trim().to_owned()).filter(|i| !i.is_empty()).collect()
                } else {
                    vec![value]
                };
                above_file.put(key.name, values, Source::Environment);
            }
            None => problems.push(unknown(&name, &key, Source::Environment, |near| {
                format!("{PREFIX}{}", near.replace('.', "_").to_uppercase())
            })),
        }
    }
    for (key, values) in flags(args) {
        if !values.is_empty() {
            above_file.put(key, values, Source::Flag);
        }
    }
    let named = args.config.clone().or(config_file);
    let path = named.clone().or_else(|| {
        let in_data_dir = Path::new(above_file.one("data_dir")?).join(FILE_NAME);
        in_data_dir.exists().then_some(in_data_dir)
    });
    let mut texts = Texts::default();
    if let Some(path) = path {
        read_file(&path, &mut texts, &mut problems);
        texts.file = Some(path);
    }
    texts.entries.extend(above_file.entries);
    (texts, problems)
}

fn flags(args: &ConfigArgs) -> [(&'static str, Vec<String>); 13] {
    let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    [
        ("data_dir", one(&args.data_dir)),
        ("listen", args.listen.clone()),
        ("names", args.names.clone()),
        ("database_url", one(&args.database_url)),
        ("database_connections", one(&args.database_connections)),
        ("tls_certificate", one(&args.tls_certificate)),
        ("tls_key", one(&args.tls_key)),
        ("catalogues", args.catalogues.clone()),
        ("public_url", one(&args.public_url)),
        ("ops_listen", one(&args.ops_listen)),
        ("log", one(&args.log)),
        ("log_format", one(&args.log_format)),
        ("time_lapse", one(&args.time_lapse)),
    ]
}

fn read_file(path: &Path, texts: &mut Texts, problems: &mut Vec<Problem>) {
    let source = || Source::File(path.to_owned());
    let problem = |key: &str, message: String| Problem { source: source(), key: key.to_owned(), message };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => {
            problems.push(problem("config", format!("the file can't be read: {e}")));
            return;
        }
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(e) => {
            problems.push(problem("config", format!("the file is not TOML: {}", e.to_string().trim_end())));
            return;
        }
    };
    let entries = table.into_iter().flat_map(|(name, value)| match value {
        // [oidc] holds keys of its own.
        toml::Value::Table(inner) if name == "oidc" => {
            inner.into_iter().map(|(key, value)| (format!("oidc.{key}"), value)).collect()
        }
        value => vec![(name, value)],
    });
    for (name, value) in entries {
        let Some(key) = known(&name) else {
            problems.push(unknown(&name, &name, source(), str::to_owned));
            continue;
        };
        let values = match value {
            toml::Value::Array(items) if key.list => items.iter().map(scalar).collect(),
            toml::Value::Array(_) => None,
            value => scalar(&value).map(|value| vec![value]),
        };
        match values {
            Some(values) => texts.put(key.name, values, source()),
            None => problems.push(problem(
                &name,
                if key.list { "must be a text or a list of texts" } else { "must be one text or number" }
                    .into(),
            )),
        }
    }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn known(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn unknown(name: &str, key: &str, source: Source, spell: impl Fn(&str) -> String) -> Problem {
    let nearest = KEYS.iter().map(|known| (distance(key, known.name), known.name)).min();
    let hint = match nearest {
        Some((distance, near)) if distance <= 1 + key.len() / 3 => {
            format!("there is no such key; did you mean {}?", spell(near))
        }
        _ => {
            let all: Vec<_> = KEYS.iter().map(|key| spell(key.name)).collect();
            format!("there is no such key; there are {}", all.join(", "))
        }
    };
    Problem { source, key: name.to_owned(), message: hint }
}

/// Levenshtein's distance between two short texts.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
