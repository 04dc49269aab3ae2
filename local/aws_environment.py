"""Whose AWS a system uses: the embedded one, or one that the user named."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from embedded_aws.environment import REGION, Keys, bypass_proxy

ENDPOINT_VARIABLE = "TICKTAPE_ENDPOINT_URL"
"""What `python -m local env` sets beside AWS_ENDPOINT_URL, to tell it from an endpoint of the
user's own."""


def keys_of(facts: Mapping[str, Any]) -> Keys | None:
    """The keys that a running file tells; None where the system uses the user's own endpoint."""
    if facts.get("access_key") is None:
        return None
    return Keys(str(facts["access_key"]), str(facts["secret_key"]))


def user_endpoint(environ: Mapping[str, str]) -> str | None:
    """The emulator or AWS that the user named, in place of the embedded one; not that of a system
    whose `env` the shell has evaluated."""
    endpoint = environ.get("AWS_ENDPOINT_URL") or None
    return None if endpoint == environ.get(ENDPOINT_VARIABLE) else endpoint


def keep_users(environ: MutableMapping[str, str]) -> None:
    """Fill in what the user's own endpoint needs and was not given."""
    environ.setdefault("AWS_REGION", environ.get("AWS_DEFAULT_REGION") or REGION)
    environ["AWS_DEFAULT_REGION"] = environ["AWS_REGION"]
    environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    bypass_proxy(environ)
