"""Our reading of certificates, held against cryptography's."""

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.ber import GENERALIZED_TIME, UTC_TIME, Element, Malformed
from probes.wire.certificate import Certificate, _instant, certificate
from tests.rude.chains import Chains, issue

Key = rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001


@cache
def keys() -> dict[tuple[str, int], Key]:
    curves = (
        ec.SECP224R1,
        ec.SECP256R1,
        ec.SECP256K1,
        ec.SECP384R1,
        ec.SECP521R1,
        ec.BrainpoolP256R1,
        ec.BrainpoolP384R1,
        ec.BrainpoolP512R1,
    )
    found: dict[tuple[str, int], Key] = {("RSA", size): rsa.generate_private_key(65537, size) for size in (1024, 2048)}
    found |= {("EC", curve.key_size): ec.generate_private_key(curve()) for curve in curves}
    return found | {
        ("DSA", 2048): dsa.generate_private_key(2048),
        ("Ed25519", 256): ed25519.Ed25519PrivateKey.generate(),
        ("Ed448", 456): ed448.Ed448PrivateKey.generate(),
    }


def made(key: Key, name: str = "a", begins: datetime | None = None, ends: datetime | None = None) -> bytes:
    own = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "o"), x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begins or datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(ends or datetime(2030, 1, 1, tzinfo=UTC))
    )
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA384()
    return builder.sign(key, digest).public_bytes(Encoding.DER)


@cache
def specimens() -> list[bytes]:
    return [made(key) for key in keys().values()]


@pytest.mark.parametrize(("kind", "bits"), [(name, bits) for name, bits in keys()])
def test_every_kind_of_key_is_known_by_name_and_size(kind: str, bits: int) -> None:
    read = certificate(made(keys()[kind, bits]))
    assert (read.key, read.bits, read.name, read.is_self_issued) == (kind, bits, "a", False)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=16), INSTANTS, st.integers(0, 10**8))
def test_dates_and_names_are_read_as_cryptography_reads_them(name: str, begins: datetime, lasts: int) -> None:
    ends = min(begins + timedelta(seconds=lasts), datetime(9999, 12, 31, tzinfo=UTC)) if begins.year < 9990 else begins
    der = made(keys()["Ed25519", 256], name, begins, ends)
    theirs, ours = x509.load_der_x509_certificate(der), certificate(der)
    assert (ours.begins, ours.ends) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc) == (begins, ends)
    assert ours.name == name


def test_signatures_are_named() -> None:
    assert certificate(made(keys()["RSA", 2048])).signature == "sha384WithRSA"
    assert certificate(made(keys()["EC", 256])).signature == "sha384WithECDSA"
    assert certificate(made(keys()["Ed448", 456])).signature == "Ed448"
    assert certificate(made(keys()["DSA", 2048])).signature == "2.16.840.1.101.3.4.3.3"  # no name of ours: it is seen nowhere


def test_a_signature_by_rsa_pss_is_named() -> None:
    key = keys()["RSA", 2048]
    assert isinstance(key, rsa.RSAPrivateKey)
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
    signed = builder.sign(key, hashes.SHA256(), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), 32))
    read = certificate(signed.public_bytes(Encoding.DER))
    assert (read.signature, read.name, read.is_self_issued) == ("RSA-PSS", "", True)
    assert str(read).startswith("a certificate without a common name, RSA 2048, RSA-PSS, ends 2030-01-01 00:00 UTC")


@pytest.mark.parametrize(
    ("key", "bits", "signature", "is_self_issued", "expected"),
    [
        ("RSA", 1024, "sha256WithRSA", False, "a key of 1024 bits"),
        ("RSA", 2048, "sha256WithRSA", False, None),
        ("EC", 192, "sha256WithECDSA", False, "a key of 192 bits"),
        ("Ed25519", 256, "Ed25519", False, None),
        ("RSA", 2048, "sha1WithRSA", False, "a signature by sha1WithRSA"),
        ("RSA", 2048, "md5WithRSA", False, "a signature by md5WithRSA"),
        ("RSA", 2048, "sha1WithRSA", True, None),
        ("1.2.3", 0, "1.2.3", False, None),
    ],
)
def test_what_is_too_weak_is_said(key: str, bits: int, signature: str, is_self_issued: bool, expected: str | None) -> None:  # noqa: FBT001
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    read = Certificate(name="", begins=instant, ends=instant, key=key, bits=bits, signature=signature, is_self_issued=is_self_issued)
    assert (read.weakness or "").startswith(expected or "")
    assert (read.weakness is None) == (expected is None)


def test_a_certificate_of_the_first_version_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    chains = Chains(tmp_path_factory.mktemp("chains"))
    old, _ = chains.signed_by_openssl("-sha256", key="2048", is_first_version=True)
    theirs = x509.load_pem_x509_certificate(old.read_bytes())
    assert theirs.version is x509.Version.v1
    read = certificate(theirs.public_bytes(Encoding.DER))
    assert (read.name, read.key, read.bits, read.ends) == ("weak", "RSA", 2048, theirs.not_valid_after_utc)


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (UTC_TIME, "491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (UTC_TIME, "500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (UTC_TIME, "2601011200Z", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        (UTC_TIME, "260101120000+0130", datetime(2026, 1, 1, 10, 30, tzinfo=UTC)),
        (UTC_TIME, "260101120000-0130", datetime(2026, 1, 1, 13, 30, tzinfo=UTC)),
        (GENERALIZED_TIME, "99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_read(tag: int, text: str, expected: datetime) -> None:
    assert _instant(Element(tag, text.encode())) == expected


@pytest.mark.parametrize("text", ["", "261301000000Z", "260101000000", "99991231235959-0100", "000001010000Z", "\u0662601010000Z"])
@pytest.mark.parametrize("tag", [UTC_TIME, GENERALIZED_TIME])
def test_a_time_that_is_none_is_malformed(tag: int, text: str) -> None:
    with pytest.raises(Malformed, match="not a time"):
        _instant(Element(tag, text.encode()))


@given(st.data())
def test_a_certificate_with_wrong_bytes_is_read_or_refused(data: st.DataObject) -> None:
    der = bytearray(data.draw(st.sampled_from(specimens())))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, 5_000)) % len(der)] = data.draw(st.integers(0, 255))
    try:
        read = certificate(bytes(der[: len(der) - data.draw(st.sampled_from([0, 0, 0, 1, 9]))]))
    except Malformed:
        return
    assert str(read)
    assert read.bits >= 0


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_refused(octets: bytes) -> None:
    with pytest.raises(Malformed):
        certificate(octets)


def test_the_chains_of_the_tests_are_what_they_say() -> None:
    read = certificate(issue("x", names=["a.example"]).certificate.public_bytes(Encoding.DER))
    assert (read.name, read.key, read.bits, read.signature, read.is_self_issued) == ("x", "EC", 256, "sha256WithECDSA", True)
