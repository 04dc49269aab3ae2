"""The AWS variables of this process and its children."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

REGION = "us-east-1"


def user_endpoint(environ: Mapping[str, str]) -> str | None:
    """The emulator or AWS that the user named, in place of the embedded one."""
    return environ.get("AWS_ENDPOINT_URL") or None


def point_at(environ: MutableMapping[str, str], endpoint: str, region: str = REGION) -> None:
    """Have every AWS client of this process, and of its children, use the emulator.

    Nothing of the user's own AWS set-up may show through: no profile, no bundle of
    certificates, no proxy between us and 127.0.0.1.
    """
    for name in [name for name in environ if name.startswith(("AWS_", "BOTO_"))]:
        del environ[name]
    environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106  # any: the emulator checks none  # nosec B106
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
