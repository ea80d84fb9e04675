#!/usr/bin/env python3
"""Lays out the inputs that fuzzing begins with: the worked examples of docs/protocol.md, the fixtures, the files that
ship, and what was found before (fuzz/seeds). Called by scripts/fuzz with the directory of the corpora."""
import base64
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = pathlib.Path(sys.argv[1])


def seed(target, name, content):
    data = content if isinstance(content, bytes) else content.encode()
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / f"seed-{name}").write_bytes(data)


page = (ROOT / "docs/protocol.md").read_text()
blocks = {f"{kind}-{name}": text for kind, name, text in
          re.findall(r"```\w+ ([\w-]+):([\w-]+)\n(.*?)\n```", page, re.S)}

der = base64.b64decode


def chained(chain):
    """As the target certificates reads a chain: each certificate behind its length."""
    return b"".join(len(c).to_bytes(2, "big") + c for c in chain)


for name, text in blocks.items():
    kind = name.split("-")[0]
    if kind == "body":
        seed("envelope", name, text)
        envelope = json.loads(text)
        seed("message", name, envelope.get("request") or envelope.get("response"))
        for part in ("signature", "co_signature"):
            if chain := envelope.get(part, {}).get("certificates"):
                seed("certificates", f"{name}-{part}", chained(map(der, chain)))
    elif kind == "reading":
        seed("message", name, text)
    elif kind == "certificate":
        body = "".join(line for line in text.splitlines() if not line.startswith("-"))
        seed("certificates", name, chained([der(body)]))
    elif name.startswith("code-"):
        for target in ("authorization", "request_code", "answers", "values"):
            seed(target, name, text)
        seed("pictures", name, b"\x00" + text.encode())

sample = (ROOT / "crates/agentd/tests/fixtures/reference-authorization.xml").read_text()
seed("authorization", "reference", sample)
wrapped = re.findall(r"<certificate>(.*?)</certificate>", blocks["code-first"])
seed("certificates", "reservation", chained(map(der, wrapped)))
# As a shell, a mail program and a terminal leave it.
code = blocks["code-first"]
seed("authorization", "escaped", code.replace("/", "\\/").replace("<", "\\n<"))
seed("authorization", "broken", "\n".join(code[at:at + 72] for at in range(0, len(code), 72)))
seed("pictures", "parts", b"\x01" + "\n".join(
    f"{number}/2:00000000:{half}" for number, half in enumerate((code[:600], code[600:1200]), 1)).encode())

for file in sorted((ROOT / "crates/agent/profiles").glob("*.toml")):
    seed("profile", file.stem, file.read_text())
seed("profile", "agentd", 'profile = "unified-ccx"\nstate_dir = "/s"\nsocket_mode = "0660"\nlisten = "127.0.0.1:80"\n'
     'manager_url = "https://manager.example/licservice/license"\ntime_lapse = "180@2026-11-22T00:00:00Z"\n')

for number, words in enumerate([
    "smart reservation install-file sftp://ops@files.example:2222/codes/ucm%20one.xml --qr",
    "smart reservation request universal --spoken", "smart register idtoken abc+/= force", "smart factory reset force",
    "smart transport proxy proxy.example 8080", "smart export request local mixed-mode --wait 5", "show all --json",
    "--config /c --profile unified-ccx --listen [::1]:80 --time-lapse 60@2026-11-22T00:00:00Z",
    "https://[::1]:8443/licservice/license sftp://[fe80::1]:22/~/code",
]):
    seed("arguments", str(number), "\n".join(words.split(" ")))

for name, text in {"tag": "CCX_FLEX_PREMIUM", "date": "2026-Mar-04 UTC", "lapse": "180@2026-11-22T00:00:00Z",
                   "id": "019ab2c0-8a10-7000-8000-000000000001", "nonce": "bf9a5af884ab1d517753a9500a25a9d7",
                   "udi": "UCCX\n9ESB1GLP9PQ\n564d0f2c-6f8e-4f3e-9d6a-2b7c1e0a9b51"}.items():
    seed("values", name, text)

for file in sorted((ROOT / "fuzz/seeds").glob("*/*")):
    seed(file.parent.name, file.name, file.read_bytes())
