"""Who may do what: a bearer token, checked against a stored hash.

Writing needs it always, reading where READ_ACCESS is "closed". The policy that an authorizer
returns is kept by the gateway for the token, so it has to cover every route.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from chalice.app import AuthRequest, AuthResponse

SCHEME = "bearer"


def authorize(request: AuthRequest, token_sha256: str) -> AuthResponse:
    """Allow everything to who bears the token, nothing to anybody else."""
    allowed = holds(request.token, token_sha256)
    return AuthResponse(
        routes=["*"] if allowed else [], principal_id="token" if allowed else "unknown"
    )


def holds(header: str, token_sha256: str) -> bool:
    """Whether an Authorization header bears the token whose SHA-256 (hex) is stored.

    Hashes are compared, in constant time. Without a stored hash no token is good.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != SCHEME or not token_sha256:
        return False
    return hmac.compare_digest(fingerprint(token.strip()), token_sha256.lower())


def fingerprint(token: str) -> str:
    """What is stored of a token: SHA-256 in hex. It has 256 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def new_token() -> str:
    """A token to give to a client; only its fingerprint is to be stored."""
    return secrets.token_urlsafe(32)
