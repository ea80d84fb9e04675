#!/usr/bin/env python3
"""Shows that agent.py and docs/protocol.md agree: every answer on the page verifies, altered ones do not,
and hashes and signatures are those that the agent would make.

    examples.py docs/protocol.md
"""

import base64
import json
import re
import sys

import agent
import chain
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def refuses(body, anchors, now):
    try:
        chain.verified_text(body, anchors, (now,))
    except chain.ContactFailed:
        return True
    return False


def main(path):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    found = {(m[1], m[2]): m[3] for m in re.finditer(r"^```\w+ (\w+):([\w-]+)\n(.*?)^```", page, re.M | re.S)}
    root = x509.load_pem_x509_certificate(found["certificate", "root"].encode())
    instance, last_answer, checked = None, None, 0
    for (kind, name), body in found.items():
        if kind != "body":
            continue
        envelope = json.loads(body)
        if "request" in envelope:
            request = json.loads(envelope["request"])
            assert request["last_answer"] == last_answer, name
            signatures = [envelope["signature"]] + ([envelope["co_signature"]] if "co_signature" in envelope else [])
            for signature in signatures:
                if "certificates" in signature:
                    der = base64.b64decode(signature["certificates"][0])
                    key = x509.load_der_x509_certificate(der).public_key()
                else:
                    key = serialization.load_der_public_key(base64.b64decode(request["public_key"]))
                value = base64.b64decode(signature["value"])
                key.verify(value, envelope["request"].encode(), ec.ECDSA(hashes.SHA256()))
            again = json.dumps(request, separators=(",", ":"), ensure_ascii=False)
            assert again == envelope["request"], f"{name}: written by Python's json it is the very same text"
        else:
            now = agent.seconds(json.loads(envelope["response"])["signed_at"])
            text = chain.verified_text(body.encode(), [root], (now,))
            answer = json.loads(text)
            altered = envelope["response"].replace('"version":1', '"version": 1')
            assert refuses(json.dumps({**envelope, "response": altered}).encode(), [root], now), name
            assert refuses(body.encode(), [], now), f"{name}: without the anchor"
            assert refuses(body.encode(), [root], now + 20 * 365 * 86_400), f"{name}: in twenty years"
            issued = answer.get("certificate", answer)
            if "certificates" in issued:
                instance = answer.get("product_instance_id", instance)
                ders = [base64.b64decode(der) for der in issued["certificates"]]
                key = base64.b64decode(request["public_key"])
                chain.check_issued(ders, [root], (now,), key, instance)
                # An agent's certificate signs no answers.
                forged = {"response": text, "signature": {**envelope["signature"], "certificates": issued["certificates"]}}
                assert refuses(json.dumps(forged).encode(), [root], now), name
            if answer["type"] != "refusal":
                last_answer = chain.sha256(text.encode())
        checked += 1
    assert checked == 14, checked
    print(f"{checked} examples verified")


if __name__ == "__main__":
    main(sys.argv[1])
