#!/usr/bin/env python3
"""An agent written from docs/protocol.md alone, to show that the page is enough.

It keeps its state in one file and does one thing per call, printing one line of JSON:

    agent.py --state s.json --url https://manager:8443 --anchor vendor-root.pem \
        register --token TOKEN --pid UCCX --sn 1234 --name "Unified CCX" --type unified-ccx
    agent.py … report --usage CCX_FLEX_PREMIUM=10 --family ccx-flex:CCX_FLEX_PREMIUM=10,CCX_FLEX_STANDARD=50
    agent.py … renew-certificate | renew-authorization | retry | deregister | status

Exit code 0: a verified success. 2: a verified refusal. 3: a failed contact. 1: asked for what can't be done.
Needs Python 3.9 and `cryptography` 38 or later (Debian: python3-cryptography).
"""

import argparse
import base64
import datetime
import http.client
import json
import os
import secrets
import ssl
import sys
import time
import urllib.parse
import uuid

import chain
from chain import ContactFailed
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATH = "/licservice/license"
BODY_BYTES_MAX = 65_536
UNANSWERED_MAX = 32
GIVE_UP_AFTER_SECONDS = 3600
ANSWER_TYPE = {"authorization-renewal": "authorization"}
ENDS_REGISTRATION = {"instance_unknown", "instance_removed", "certificate_revoked", "certificate_expired"}
SEND_AGAIN = {"unavailable", "internal", "rate_limited"}


class Refused(Exception):
    """A refusal that was verified."""

    def __init__(self, answer):
        super().__init__(answer["code"])
        self.answer = answer


class Unable(Exception):
    """What was asked for can't be done in this state."""


def b64(data):
    return base64.b64encode(data).decode()


def instant(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text):
    """An instant of the manager's: up to nine decimals, of which Python keeps six."""
    whole, _, decimals = text.rstrip("Z").partition(".")
    moment = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + (float("0." + decimals) if decimals else 0.0)


def new_key():
    key = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def load_key(pem):
    return serialization.load_pem_private_key(pem.encode(), password=None)


def public_der(pem):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return load_key(pem).public_key().public_bytes(serialization.Encoding.DER, form)


def signature(text, key_pem, certificates=()):
    made = {
        "algorithm": "ecdsa-p256-sha256",
        "value": b64(load_key(key_pem).sign(text.encode(), ec.ECDSA(hashes.SHA256()))),
    }
    if certificates:
        made["certificates"] = list(certificates)
    return made


class State:
    """The agent's memory: one file, replaced whole, readable by its owner only."""

    FRESH = {"sequence": 0, "last_answer": None, "unanswered": [], "difference": 0.0, "latest": 0.0, "peaks": {}}

    def __init__(self, path):
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                self.held = json.load(file)
        except FileNotFoundError:
            self.held = json.loads(json.dumps(self.FRESH))

    def store(self):
        partial = self.path + ".partial"
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(self.held, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path)
        folder = os.open(os.path.dirname(os.path.abspath(self.path)), os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


class Agent:
    def __init__(self, options):
        self.options = options
        self.state = State(options.state)
        self.held = self.state.held
        self.anchors = chain.load_pem(options.anchor)

    # Time

    def local(self):
        return time.time() + self.options.clock_offset

    def estimate(self):
        return max(self.local() + self.held["difference"], self.held["latest"])

    # Requests

    def begin(self, kind, body, sign, co_sign=None, remember=None):
        """Makes a request, stores it, and sends it. What was under way before stays in `unanswered`."""
        held = self.held
        now = self.estimate()
        request = {
            "version": 1,
            "request_id": str(uuid.uuid4()),
            "nonce": secrets.token_hex(16),
            "sequence": held["sequence"] + 1,
            "sent_at": instant(now),
            "last_answer": held["last_answer"],
        }
        if held["unanswered"]:
            request["unanswered"] = held["unanswered"][-UNANSWERED_MAX:]
        for field in ("account_id", "product_instance_id"):
            if held.get(field):
                request[field] = held[field]
        request["udi"] = held["udi"]
        request["type"] = kind
        request.update(body)
        text = json.dumps(request, separators=(",", ":"), ensure_ascii=False)
        envelope = {"request": text, "signature": signature(text, *sign)}
        if co_sign:
            envelope["co_signature"] = signature(text, *co_sign)
        held["sequence"] += 1
        held["unanswered"].append(request["request_id"])
        held["under_way"] = {
            "body": json.dumps(envelope, separators=(",", ":"), ensure_ascii=False),
            "request_id": request["request_id"],
            "nonce": request["nonce"],
            "type": kind,
            "sent_at": now,
            **(remember or {}),
        }
        self.state.store()
        return self.send()

    def send(self):
        """Sends the request under way and takes over its answer."""
        under_way = self.held["under_way"]
        body, retry_after = self.post(under_way["body"].encode())
        if self.options.lose_answer:
            raise ContactFailed("the answer was lost on the way, as asked for")
        answer, text = self.verify(body, under_way, retry_after)
        held = self.held
        held["sequence"] = max(held["sequence"], answer["sequence"])
        came = seconds(answer["signed_at"])
        held["difference"], held["latest"] = came - self.local(), came
        if answer["type"] == "refusal":
            self.refused(answer)
        else:
            held["last_answer"] = chain.sha256(text.encode())
            held["unanswered"] = []
            del held["under_way"]
            getattr(self, "take_" + answer["type"].replace("-", "_"))(answer, under_way)
        self.state.store()
        if answer["type"] == "refusal":
            raise Refused(answer)
        return answer

    def post(self, body):
        url = urllib.parse.urlsplit(self.options.url)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies the chain and the host's name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for file in [self.options.anchor, *self.options.tls_anchor]:
            context.load_verify_locations(cafile=file)
        host, port = url.hostname, url.port or 443
        if self.options.proxy:
            through, _, proxy_port = self.options.proxy.rpartition(":")
            connection = http.client.HTTPSConnection(through, int(proxy_port), timeout=30, context=context)
            connection.set_tunnel(host, port)
        else:
            connection = http.client.HTTPSConnection(host, port, timeout=30, context=context)
        try:
            connection.request("POST", url.path.rstrip("/") or PATH, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            received = response.read(BODY_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException) as error:
            raise ContactFailed(f"no answer from {host}:{port}: {error}") from error
        finally:
            connection.close()
        if len(received) > BODY_BYTES_MAX:
            raise ContactFailed("the answer is larger than the protocol allows")
        if response.getheader("Content-Type", "").split(";")[0].strip() == "application/problem+json":
            problem = json.loads(received)
            raise ContactFailed(f"unsigned refusal {response.status} {problem.get('code')}: {problem.get('detail')}")
        return received, response.getheader("Retry-After")

    # Answers

    def verify(self, body, under_way, retry_after=None):
        """The steps of "Verifying an answer"; the answer and its exact text."""
        instants = (self.estimate(), self.local())
        text = chain.verified_text(body, self.anchors, instants)
        answer = json.loads(text)
        if answer.get("version") != 1:
            raise ContactFailed(f"version {answer.get('version')} of the answer is not 1")
        if (answer["request_id"].lower(), answer["nonce"].lower()) != (under_way["request_id"], under_way["nonce"]):
            raise ContactFailed("the answer belongs to another request")
        if answer["type"] not in (ANSWER_TYPE.get(under_way["type"], under_way["type"]), "refusal"):
            raise ContactFailed(f"an answer of type {answer['type']} was not asked for")
        if answer["type"] in ("registration", "id-certificate-renewal"):
            issued = answer.get("certificate", answer)
            instance = answer.get("product_instance_id", self.held.get("product_instance_id"))
            chain.check_issued(
                [base64.b64decode(der, validate=True) for der in issued["certificates"]],
                self.anchors, instants, public_der(under_way["key"]), instance,
            )
        if retry_after:
            answer["retry_after"] = retry_after
        return answer, text

    def take_registration(self, answer, under_way):
        self.held.update(
            product_instance_id=answer["product_instance_id"],
            account_id=answer["home"]["account_id"],
            home=answer["home"],
            key=under_way["key"],
            certificate=answer["certificate"],
            reported_until=self.estimate(),
        )

    def take_id_certificate_renewal(self, answer, under_way):
        kept = ("certificates", "renew_at", "expires_at")
        self.held.update(key=under_way["key"], certificate={name: answer[name] for name in kept})

    def take_authorization(self, answer, under_way):
        kept = ("status", "authorized_until", "renew_at", "tags")
        self.held.update(home=answer["home"], authorization={name: answer[name] for name in kept})
        if under_way["type"] == "authorization":
            self.held.update(reported_until=under_way["interval_end"], peaks={})

    def take_deregistration(self, _answer, _under_way):
        self.forget_registration()

    def forget_registration(self):
        for name in ("key", "certificate", "account_id", "product_instance_id", "home", "authorization"):
            self.held.pop(name, None)
        self.held["peaks"] = {}

    def refused(self, answer):
        if answer["code"] in SEND_AGAIN:
            return
        kind = self.held.pop("under_way")["type"]
        if answer["code"] in ENDS_REGISTRATION and kind != "registration":
            self.forget_registration()

    # What can be asked for

    def register(self):
        options, held = self.options, self.held
        if held.get("under_way", {}).get("type") == "registration":
            return self.send()
        udi = {"pid": options.pid, "sn": options.sn}
        if options.uuid:
            udi["uuid"] = options.uuid
        held["udi"] = udi
        product = {"name": options.name, "type": options.type}
        if options.version:
            product["version"] = options.version
        key = new_key()
        body = {"token": options.token, "public_key": b64(public_der(key))}
        if options.force:
            body["force"] = True
        body["product"] = product
        if options.host_name:
            body["host_name"] = options.host_name
        older = (held["key"], held["certificate"]["certificates"]) if "certificate" in held else None
        return self.once_more_by_the_managers_time(
            lambda: self.begin("registration", body, (key,), older, {"key": key}))

    def identity(self):
        if "certificate" not in self.held:
            raise Unable("not registered: register with a token first")
        return self.held["key"], self.held["certificate"]["certificates"]

    def report(self):
        options, held = self.options, self.held
        key, certificates = self.identity()
        peaks = held["peaks"]
        usage, families = [], []
        locked = dict(pair(item) for item in options.locked)
        for tag, peak in map(pair, options.usage):
            peaks[tag] = max(peak, peaks.get(tag, 0))
            line = {"tag": tag, "peak": peaks[tag]}
            if tag in locked:
                line["locked"] = locked[tag]
            usage.append(line)
        for item in options.family:
            family, _, tiers = item.partition(":")
            lines = []
            for tag, peak in map(pair, tiers.split(",")):
                name = f"{family}:{tag}"
                peaks[name] = max(peak, peaks.get(name, 0))
                lines.append({"tag": tag, "cumulative_peak": peaks[name]})
            families.append({"family": family, "tiers": lines})

        def ask():
            end = self.estimate()
            body = {
                "interval": {"start": instant(min(held["reported_until"], end)), "end": instant(end)},
                "scheduled": not options.unscheduled,
                "usage": usage,
            }
            if families:
                body["families"] = families
            return self.begin("authorization", body, (key, certificates), None, {"interval_end": end})

        return self.once_more_by_the_managers_time(ask)

    def renew_certificate(self):
        key, certificates = self.identity()
        new = key if self.options.same_key else new_key()
        co_sign = None if self.options.same_key else (new,)
        body = {"public_key": b64(public_der(new))}
        return self.once_more_by_the_managers_time(
            lambda: self.begin("id-certificate-renewal", body, (key, certificates), co_sign, {"key": new}))

    def renew_authorization(self):
        return self.once_more_by_the_managers_time(
            lambda: self.begin("authorization-renewal", {}, self.identity()))

    def deregister(self):
        return self.once_more_by_the_managers_time(lambda: self.begin("deregistration", {}, self.identity()))

    def retry(self):
        under_way = self.held.get("under_way")
        if not under_way:
            raise Unable("nothing is under way")
        if under_way["type"] != "registration" and self.estimate() - under_way["sent_at"] > GIVE_UP_AFTER_SECONDS:
            del self.held["under_way"]
            self.state.store()
            raise Unable("what was under way is more than an hour old: ask anew")
        return self.send()

    def status(self):
        shown = ("account_id", "product_instance_id", "home", "authorization", "sequence", "last_answer", "unanswered")
        told = {name: self.held[name] for name in shown if name in self.held}
        told["type"] = "status"
        told["registered"] = "certificate" in self.held
        told["under_way"] = self.held.get("under_way", {}).get("type")
        told["difference_seconds"] = round(self.held["difference"])
        told["explained"] = {tag["tag"]: said(tag) for tag in self.held.get("authorization", {}).get("tags", ())}
        return told

    def once_more_by_the_managers_time(self, ask):
        """A signed refusal for the time has set the estimate: a new request, but once only."""
        try:
            return ask()
        except Refused as refused:
            if refused.answer["code"] != "clock_skew":
                raise
            return ask()


def said(tag):
    """What the manager said of a tag, line by line; nothing where it is plainly in compliance."""
    explanation = tag.get("explanation", {})
    lines = list(explanation.get("why", ()))
    if "since" in explanation:
        lines.append("since " + explanation["since"])
    lines += [(coming["at"] + " " if "at" in coming else "") + coming["what"] for coming in explanation.get("next", ())]
    return lines + list(explanation.get("what_to_do", ()))


def pair(item):
    name, _, count = item.rpartition("=")
    return name, int(count)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--anchor", required=True, help="PEM file of the vendor's roots")
    parser.add_argument("--tls-anchor", action="append", default=[], help="PEM file of a root for TLS only")
    parser.add_argument("--proxy", help="host:port")
    parser.add_argument("--clock-offset", type=float, default=0.0, help="seconds by which the local clock is wrong")
    parser.add_argument("--lose-answer", action="store_true", help="send, and lose the answer")
    commands = parser.add_subparsers(dest="command", required=True)
    register = commands.add_parser("register")
    for name in ("token", "pid", "sn", "name", "type"):
        register.add_argument("--" + name, required=True)
    for name in ("uuid", "version", "host-name"):
        register.add_argument("--" + name)
    register.add_argument("--force", action="store_true")
    report = commands.add_parser("report")
    report.add_argument("--usage", action="append", default=[], metavar="TAG=PEAK")
    report.add_argument("--locked", action="append", default=[], metavar="TAG=PEAK")
    report.add_argument("--family", action="append", default=[], metavar="FAMILY:TAG=SUM,TAG=SUM")
    report.add_argument("--unscheduled", action="store_true")
    renew = commands.add_parser("renew-certificate")
    renew.add_argument("--same-key", action="store_true")
    for name in ("renew-authorization", "retry", "deregister", "status"):
        commands.add_parser(name)
    return parser.parse_args()


def main():
    options = arguments()
    agent = Agent(options)
    try:
        told, code = getattr(agent, options.command.replace("-", "_"))(), 0
    except Refused as refused:
        told, code = refused.answer, 2
    except ContactFailed as failed:
        told, code = {"type": "failed", "reason": str(failed)}, 3
    except Unable as unable:
        told, code = {"type": "unable", "reason": str(unable)}, 1
    print(json.dumps(told))
    return code


if __name__ == "__main__":
    sys.exit(main())
