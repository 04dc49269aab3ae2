"""Runs the producer with the names and role of a stage: `make producer STAGE=dev`.

botocore assumes the role through a profile in a temporary file, so it can renew the session as long
as the producer runs. The profile's source is the caller's credentials, which botocore finds.
"""

from __future__ import annotations

import configparser
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.deploy.errors import DeployError
from infra.deploy.project import ROOT
from infra.deploy.stage import Stage

PROFILE = "ticktape-producer"
_SOURCE = "ticktape-producer-source"
_NAMES: tuple[str, ...] = ("TICKS_STREAM", "TICKS_QUEUE_URL", "SYMBOLS_TABLE")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_HOSTS = {"container-role": "EcsContainer", "iam-role": "Ec2InstanceMetadata"}
"""The credential source to write into a profile, for each provider of a host's own role."""
_WEB_IDENTITY = {
    "role_arn": "AWS_ROLE_ARN",
    "web_identity_token_file": "AWS_WEB_IDENTITY_TOKEN_FILE",  # nosec B105 - a name
}


def command(stage: Stage, arguments: Sequence[str]) -> list[str]:
    """Return the producer's command line with the stage's sink; its default command is `stream`."""
    given = list(arguments) or ["stream"]
    if given[0].startswith("-"):
        given.insert(0, "stream")
    sink = "kinesis" if stage.environment.get("TICKS_STREAM") else "sqs"
    return [sys.executable, "-m", "producer", *given, "--sink", sink]


def environment(
    stage: Stage, own: Mapping[str, str], directory: Path, method: str | None
) -> dict[str, str]:
    """Return the producer's environment, and write the file of its profile into `directory`.

    `own` is the caller's environment, `method` the botocore provider of the caller's credentials.
    Raises DeployError if there are no credentials.
    """
    path = directory / "config"
    _write_profiles(path, stage, own, method)
    names: dict[str, str] = {
        name: stage.environment[name] for name in _NAMES if name in stage.environment
    }
    kept = {name: value for name, value in own.items() if name not in _KEYS}
    ours = {
        "AWS_CONFIG_FILE": str(path),
        "AWS_PROFILE": PROFILE,
        "AWS_REGION": stage.region,
        "AWS_DEFAULT_REGION": stage.region,
    }
    return {**kept, **names, **ours}


def run(stage: Stage, arguments: Sequence[str]) -> int:
    """Run the producer and pass SIGTERM on to it. Return its exit status."""
    with tempfile.TemporaryDirectory() as directory:
        child = subprocess.Popen(  # noqa: S603  # the caller's own arguments, no shell
            command(stage, arguments),
            cwd=ROOT,
            env=environment(stage, os.environ, Path(directory), resolved()),
        )
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the child, too
        return child.wait()


def resolved() -> str | None:
    """Return the name of the botocore provider that finds this process's credentials, or None."""
    import botocore.session

    credentials = botocore.session.get_session().get_credentials()
    return str(credentials.method) if credentials is not None else None


def _config_file(own: Mapping[str, str]) -> Path:
    return Path(own.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser()


def _write_profiles(path: Path, stage: Stage, own: Mapping[str, str], method: str | None) -> None:
    if method is None:
        raise DeployError("no AWS credentials; run aws configure or set AWS_PROFILE")
    profiles = configparser.RawConfigParser()
    profiles.read(_config_file(own))
    if source := _of_environment(own, method):
        profiles[f"profile {_SOURCE}"] = source
    role = {"role_arn": stage.producer_role_arn, "role_session_name": "producer"}
    profiles[f"profile {PROFILE}"] = role | _source(own, method, has_own=bool(source))
    path.touch(mode=0o600)
    with path.open("w") as file:
        profiles.write(file)


def _of_environment(own: Mapping[str, str], method: str) -> dict[str, str]:
    """Return a profile with the credentials in environment variables. Return an empty one if the
    credentials come from elsewhere."""
    if method == "env":
        return {name.lower(): own[name] for name in _KEYS if own.get(name)}
    if method == "assume-role-with-web-identity" and not _profile(own):
        return {key: own[name] for key, name in _WEB_IDENTITY.items()}
    return {}


def _source(own: Mapping[str, str], method: str, *, has_own: bool) -> dict[str, str]:
    """Return the field that gives the profile of the producer's role its source."""
    if method in _HOSTS:
        return {"credential_source": _HOSTS[method]}
    return {"source_profile": _SOURCE if has_own else _profile(own) or "default"}


def _profile(own: Mapping[str, str]) -> str | None:
    return own.get("AWS_PROFILE") or own.get("AWS_DEFAULT_PROFILE")
