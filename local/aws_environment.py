"""The AWS variables of this process and its children."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, MutableMapping

REGION = "us-east-1"

ACCESS_KEY_VARIABLE = "TICKTAPE_EMULATOR_ACCESS_KEY"
"""Names the access key to the emulator's process and to the query engine's."""

ENDPOINT_VARIABLE = "TICKTAPE_ENDPOINT_URL"
"""What `python -m local env` sets beside AWS_ENDPOINT_URL, to tell it from an endpoint of the
user's own."""

SECRET_KEY = "not-checked"  # noqa: S105  # nosec B105
"""The access key is what the emulator checks; boto3 needs a secret to sign with, too."""


def new_access_key() -> str:
    """A random access key of AWS's form: 20 capitals and digits, 100 bits."""
    return base64.b32encode(secrets.token_bytes(13)).decode()[:20]


def signed(service: str, access_key: str) -> dict[str, str]:
    """The header of a request to the emulator that no client of AWS makes."""
    scope = f"Credential={access_key}/20260101/{REGION}/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"}


def user_endpoint(environ: Mapping[str, str]) -> str | None:
    """The emulator or AWS that the user named, in place of the embedded one; not that of a system
    whose `env` the shell has evaluated."""
    endpoint = environ.get("AWS_ENDPOINT_URL") or None
    return None if endpoint == environ.get(ENDPOINT_VARIABLE) else endpoint


def point_at(
    environ: MutableMapping[str, str], endpoint: str, access_key: str, region: str = REGION
) -> None:
    """Have every AWS client of this process, and of its children, use the emulator.

    Nothing of the user's own AWS set-up may show through: no profile, no bundle of
    certificates, no proxy between us and 127.0.0.1.
    """
    for name in [name for name in environ if name.startswith(("AWS_", "BOTO_"))]:
        del environ[name]
    environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID=access_key,
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        AWS_DEFAULT_REGION=region,
        AWS_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    bypass_proxy(environ)


def keep_users(environ: MutableMapping[str, str]) -> None:
    """Fill in what the user's own endpoint needs and was not given."""
    environ.setdefault("AWS_REGION", environ.get("AWS_DEFAULT_REGION") or REGION)
    environ["AWS_DEFAULT_REGION"] = environ["AWS_REGION"]
    environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    bypass_proxy(environ)


def bypass_proxy(environ: MutableMapping[str, str]) -> None:
    """Reach this machine directly, whatever proxy is set."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in environ.get(name, "").split(",") if host]
        environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))
