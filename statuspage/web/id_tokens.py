"""What a provider of identities signs about somebody: read, and believed or not. Needs the extra [oidc]: only who asks one imports it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

Claims = Mapping[str, Any]

SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Algorithms whose private key the provider alone has: one with a shared secret, or with none, proves nothing."""
SKEW = 60
"""Seconds by which its clock may be wrong, or ours."""
_KINDS = frozenset({"RSA", "EC", "OKP"})
_LONGEST_SUBJECT = 255


def believed(text: str, keys: Sequence[Claims], *, issuer: str, client: str, nonce: str, now: datetime) -> Claims:
    """Give the claims of an id token (OpenID Connect Core 1.0, 3.1.3.7). Errors: ValueError if it is not by *issuer*, for us and now."""
    expected: dict[str, Any] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client},
        "nonce": {"essential": True, "value": nonce},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
    }
    try:
        token = jwt.decode(text, _usable(keys), algorithms=SIGNED_BY)
        jwt.JWTClaimsRegistry(now=int(now.timestamp()), leeway=SKEW, **expected).validate(token.claims)
    except (JoseError, TypeError) as error:
        raise ValueError(str(error)) from error
    claims: Claims = token.claims
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client:
        raise ValueError("the token was made for another program")
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise ValueError("the token is about nobody")
    return claims


def _usable(keys: Sequence[Claims]) -> KeySet:
    """Those that may sign and that we understand: one that is not to be read must shut out nobody whose token another has signed."""
    usable: list[Key] = []
    for key in keys:
        if key.get("kty") in _KINDS and key.get("use", "sig") == "sig":
            with suppress(JoseError, LookupError, TypeError, ValueError):
                usable.append(import_key(dict(key)))
    if not usable:
        raise ValueError("none of its keys can be used")
    return KeySet(usable)
