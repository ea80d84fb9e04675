//! Makes the worked examples of `docs/protocol.md` and the test keys and certificates under them.
//!
//! ```sh
//! cargo run -p seatpool-crypto --example protocol_examples
//! ```
//! Keys and certificates that exist in `crates/proto/tests/fixtures/` are kept. ECDSA signatures are
//! random, so every run changes the examples: run it only when a message's shape changed, and commit
//! what it writes. Tests read the page; they never run this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for developers: it may stop with a panic"
)]

mod conversation;
mod material;

use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- examples begin: written by the example protocol_examples of crates/crypto -->\n";
const END: &str = "<!-- examples end -->";

fn main() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let material = material::Material::load_or_make(&workspace.join("crates/proto/tests/fixtures"));
    let mut text = String::from(BEGIN);
    for key in ["agent-1", "agent-2", "agent-3", "signing"] {
        writeln!(text, "\nPrivate key `{key}`, PKCS#8:\n\n```pem key:{key}\n{}```", material.key_pem(key))
            .unwrap();
    }
    writeln!(
        text,
        "\nThe vendor root, the trust anchor of all examples:\n\n```pem certificate:root\n{}```",
        material.certificate_pem("root")
    )
    .unwrap();
    for example in conversation::examples(&material) {
        let value: serde_json::Value = serde_json::from_str(&example.text).unwrap();
        let readable = serde_json::to_string_pretty(&value).unwrap();
        writeln!(text, "\n### {}\n\n{}\n", example.title, example.words).unwrap();
        writeln!(text, "```json reading:{}\n{readable}\n```\n", example.name).unwrap();
        writeln!(text, "```json body:{}\n{}\n```", example.name, example.body).unwrap();
    }
    text.push('\n');
    let path = workspace.join("docs/protocol.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page marks where the examples begin");
    let (_, after) = rest.split_once(END).expect("the page marks where the examples end");
    std::fs::write(&path, format!("{before}{text}{END}{after}")).unwrap();
}
