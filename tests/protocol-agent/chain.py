"""Verifying signed answers: the steps 1 to 4 and 7 of "Verifying an answer" in docs/protocol.md."""

import base64
import datetime
import hashlib
import json

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

BODY_BYTES_MAX = 65_536
CERTIFICATE_BYTES_MAX = 4096
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")


class ContactFailed(Exception):
    """No answer that may be used."""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def load_pem(path):
    """All certificates of a PEM file."""
    with open(path, "rb") as file:
        text = file.read()
    end = b"-----END CERTIFICATE-----"
    return [x509.load_pem_x509_certificate(part + end) for part in text.split(end) if b"BEGIN CERTIFICATE" in part]


def verified_text(body, anchors, instants):
    """The exact text of an answer whose signature holds; `instants` are tried in turn for dates."""
    if len(body) > BODY_BYTES_MAX:
        raise ContactFailed("the answer is larger than the protocol allows")
    try:
        envelope = json.loads(body)
        text, signature = envelope["response"], envelope["signature"]
        algorithm = signature["algorithm"]
        value = base64.b64decode(signature["value"], validate=True)
        ders = [base64.b64decode(der, validate=True) for der in signature["certificates"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ContactFailed(f"the body is not a signed answer: {error!r}") from error
    if algorithm != "ecdsa-p256-sha256":
        raise ContactFailed(f"the answer is signed with {algorithm}, which this agent does not know")
    leaf = verify(ders, anchors, DOCUMENT_SIGNING, instants)
    try:
        leaf.public_key().verify(value, text.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ContactFailed("the answer's signature does not match") from error
    return text


def check_issued(ders, anchors, instants, public_key, instance):
    """A certificate that the manager issued is for this key and this product instance."""
    leaf = verify(ders, anchors, ExtendedKeyUsageOID.CLIENT_AUTH, instants)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    if leaf.public_key().public_bytes(serialization.Encoding.DER, form) != public_key:
        raise ContactFailed("the certificate is for another key")
    named = [attribute.value for attribute in leaf.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
    if named != [instance]:
        raise ContactFailed("the certificate is for another product instance")


def verify(ders, anchors, usage, instants):
    """The leaf of a chain that leads to an anchor and whose leaf has this extended key usage."""
    if not 1 <= len(ders) <= 4 or any(len(der) > CERTIFICATE_BYTES_MAX for der in ders):
        raise ContactFailed("the answer's chain is beyond the limits")
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in ders]
    except ValueError as error:
        raise ContactFailed(f"a certificate of the answer can't be read: {error}") from error
    leaf = certificates[0]
    if is_authority(leaf) or usage not in extended_usages(leaf):
        raise ContactFailed("the answer's certificate is for another use")
    for below, (certificate, issuer) in enumerate(zip(certificates, certificates[1:])):
        if not is_authority(issuer, below) or not issued(certificate, issuer):
            raise ContactFailed("the answer's certificates are no chain")
    last, below = certificates[-1], len(certificates) - 1
    if not any(is_authority(anchor, below) and issued(last, anchor) for anchor in anchors):
        raise ContactFailed("the answer's chain leads to no trust anchor")
    if not any(all(in_time(certificate, now) for certificate in certificates) for now in instants):
        raise ContactFailed("a certificate of the answer is not valid now: check the clock")
    return leaf


def issued(certificate, issuer):
    if certificate.issuer != issuer.subject or not isinstance(issuer.public_key(), ec.EllipticCurvePublicKey):
        return False
    if not isinstance(certificate.signature_hash_algorithm, hashes.SHA256):
        return False
    algorithm = ec.ECDSA(hashes.SHA256())
    try:
        issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, algorithm)
    except InvalidSignature:
        return False
    return issuer.public_key().curve.name == "secp256r1"


def is_authority(certificate, below=0):
    """Whether it may issue a certificate that has `below` authorities between itself and the leaf."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    deep_enough = basic.path_length is None or below <= basic.path_length
    return basic.ca and usage.key_cert_sign and deep_enough


def extended_usages(certificate):
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []


def in_time(certificate, now):
    def utc(name):
        aware = getattr(certificate, name + "_utc", None)  # since cryptography 42
        return aware or getattr(certificate, name).replace(tzinfo=datetime.timezone.utc)

    moment = datetime.datetime.fromtimestamp(int(now), datetime.timezone.utc)
    return utc("not_valid_before") <= moment <= utc("not_valid_after")
