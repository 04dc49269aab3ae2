"""Tells whether a system uses the embedded AWS or the user's own endpoint."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from embedded_aws.environment import REGION, Keys, bypass_proxy

ENDPOINT_VARIABLE = "TICKTAPE_ENDPOINT_URL"
"""`python -m local env` sets this variable and AWS_ENDPOINT_URL to the embedded AWS's address. If
both are equal, AWS_ENDPOINT_URL is not the user's own endpoint."""


def keys_of(facts: Mapping[str, Any]) -> Keys | None:
    """Return the access keys in a running file; None if the system uses the user's own endpoint."""
    if facts.get("access_key") is None:
        return None
    return Keys(str(facts["access_key"]), str(facts["secret_key"]))


def user_endpoint(environ: Mapping[str, str]) -> str | None:
    """Return the user's own endpoint, which replaces the embedded AWS; None if AWS_ENDPOINT_URL is
    unset or comes from `python -m local env`."""
    endpoint = environ.get("AWS_ENDPOINT_URL") or None
    return None if endpoint == environ.get(ENDPOINT_VARIABLE) else endpoint


def keep_users(environ: MutableMapping[str, str]) -> None:
    """Set a missing region and missing keys to defaults, for the user's own endpoint."""
    environ.setdefault("AWS_REGION", environ.get("AWS_DEFAULT_REGION") or REGION)
    environ["AWS_DEFAULT_REGION"] = environ["AWS_REGION"]
    environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    bypass_proxy(environ)
