"""The credentials of the embedded AWS, and the environment variables that pass them on."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, MutableMapping

import msgspec

REGION = "us-east-1"

_ACCESS_KEY_VARIABLE = "TICKTAPE_EMULATOR_ACCESS_KEY"
_SECRET_KEY_VARIABLE = "TICKTAPE_EMULATOR_SECRET_KEY"  # noqa: S105  # nosec B105


class Keys(msgspec.Struct, frozen=True):
    """The credentials of one start of the embedded AWS.

    Presigned links contain `access_key`; `secret_key` signs requests and is never sent.
    """

    access_key: str
    secret_key: str


def new_keys() -> Keys:
    """Return random keys of AWS's form: 20 capitals and digits, and a secret of 240 bits."""
    access_key = base64.b32encode(secrets.token_bytes(13)).decode()[:20]
    return Keys(access_key, secrets.token_urlsafe(30))


def keys_for_child(keys: Keys) -> dict[str, str]:
    """Return the environment variables that pass the keys to a child process."""
    return {_ACCESS_KEY_VARIABLE: keys.access_key, _SECRET_KEY_VARIABLE: keys.secret_key}


def keys_from_parent(environ: Mapping[str, str]) -> Keys:
    """Return the keys that the parent process passed in `environ`. Raises KeyError without them."""
    return Keys(environ[_ACCESS_KEY_VARIABLE], environ[_SECRET_KEY_VARIABLE])


def point_at(
    environ: MutableMapping[str, str], endpoint: str, keys: Keys, region: str = REGION
) -> None:
    """Point every AWS client of this process and its children at the emulator.

    Removes the user's own AWS configuration: profile, certificate bundle, and proxy for 127.0.0.1.
    """
    for name in [name for name in environ if name.startswith(("AWS_", "BOTO_"))]:
        del environ[name]
    environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID=keys.access_key,
        AWS_SECRET_ACCESS_KEY=keys.secret_key,
        AWS_DEFAULT_REGION=region,
        AWS_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    bypass_proxy(environ)


def variables_of(endpoint: str, keys: Keys) -> dict[str, str]:
    """Return the environment variables with which any AWS client finds the emulator."""
    found: dict[str, str] = {}
    point_at(found, endpoint, keys)
    return found


def bypass_proxy(environ: MutableMapping[str, str]) -> None:
    """Exclude the addresses of this machine from the proxy that `environ` sets, if any."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in environ.get(name, "").split(",") if host]
        environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))
