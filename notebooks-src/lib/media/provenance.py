"""A signed statement of origin (C2PA) in a wav or mp4, as the last step; made only where the package c2pa-python is.

The certificate is this session's own, so a reader of the file sees "valid, signer unknown": it shows that nothing was
changed since, not who made it. Any later change of the file, also of its tags, breaks it.
"""

import importlib.util
import json
import os
from pathlib import Path

from labkit import Stop

_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = _TYPES + "trainedAlgorithmicMedia"  # all of it was made by a model
COMPOSITE = _TYPES + "compositeWithTrainedAlgorithmicMedia"  # a recording, a part of which a model made
FORMATS = {".wav": "audio/wav", ".mp4": "video/mp4"}


def wanted(sign: bool) -> None:
    """Raise Stop when a signature is wanted and cannot be made here: better said now than when all is done."""
    lacking = [name for name in ("c2pa", "cryptography") if importlib.util.find_spec(name) is None]
    if sign and lacking:
        raise Stop("SIGN needs c2pa-python and cryptography: %pip install c2pa-python cryptography, or turn SIGN off")


def sign(path: Path, title: str, told: dict[str, str], source: str = TRAINED) -> str:
    """Sign a wav or mp4 in place; in words what came of it. Never raises for a missing or failing package: the file
    stays as it is."""
    try:
        import c2pa
        from cryptography import x509  # noqa: F401
    except ImportError:
        return "unsigned: c2pa-python is not installed (%pip install c2pa-python, then run again)"
    signed = path.with_name(f".signed-{path.name}")
    try:
        chain, key = _certificate()
        manifest = {
            "claim_generator_info": [{"name": told["software"]}], "title": title, "format": FORMATS[path.suffix],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [
                {"action": "c2pa.created", "digitalSourceType": source, "description": told["comment"]}]}}],
        }  # fmt: skip
        info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None)  # no time stamp: None, not b""
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(manifest)) as builder:
            builder.sign_file(str(path), str(signed), signer)
        os.replace(signed, path)
        return f"C2PA, {read(path)}"
    except Exception as error:  # a signature is an extra: whatever its library raises, the file is kept
        signed.unlink(missing_ok=True)
        return f"unsigned: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"


def read(path: Path) -> str:
    """The state of a file's signature, as its library tells: "Valid", "Invalid", ...; raises what that raises."""
    import c2pa  # anylab: allow import/unknown: optional; sign() has looked for it and says what to install

    with c2pa.Reader(str(path)) as reader:
        return str(json.loads(reader.json()).get("validation_state", "unknown"))


def _certificate() -> tuple[bytes, bytes]:
    """(chain, key) in PEM: an authority of this session, and a signer under it, both good for a week."""
    from datetime import UTC, datetime, timedelta

    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError as error:
        raise RuntimeError("the package cryptography is not installed") from error

    def name(text: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, text),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Anylab session"),
            ]
        )

    def certificate(subject, issuer, public, signing, authority: bool):
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        made = made.not_valid_after(now + timedelta(days=7))
        made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
        usage = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        usage |= {"digital_signature": not authority, "key_cert_sign": authority, "crl_sign": authority}
        made = made.add_extension(x509.KeyUsage(**usage), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
        if not authority:
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        return made.sign(signing, hashes.SHA256())

    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, person = name("Anylab session authority"), name("Anylab session signer")
    chain = [
        certificate(person, authority, own.public_key(), root, False),
        certificate(authority, authority, root.public_key(), root, True),
    ]
    pem = serialization.Encoding.PEM
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return b"".join(c.public_bytes(pem) for c in chain), key
