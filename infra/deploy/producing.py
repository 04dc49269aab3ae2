"""The producer with a stage's names and role: what `make producer STAGE=dev` runs.

The role is assumed by botocore from a profile of its own, so that it is assumed again before
its hour is over, for as long as the producer runs.
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

from infra.deploy.project import ROOT
from infra.deploy.stage import Stage

PROFILE = "ticktape-producer"
_SOURCE = "ticktape-producer-source"
_NAMES: tuple[str, ...] = ("TICKS_STREAM", "TICKS_QUEUE_URL", "SYMBOLS_TABLE")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def command(stage: Stage, arguments: Sequence[str]) -> list[str]:
    """`python -m producer` with the stage's sink; `stream` unless the arguments name another."""
    given = list(arguments) or ["stream"]
    if given[0].startswith("-"):
        given.insert(0, "stream")
    sink = "kinesis" if stage.environment.get("TICKS_STREAM") else "sqs"
    return [sys.executable, "-m", "producer", *given, "--sink", sink]


def environment(
    stage: Stage, own: Mapping[str, str], directory: Path, config: Path | None = None
) -> dict[str, str]:
    """The producer's environment; writes the profile's file into `directory`.

    `own` is the caller's environment, `config` their AWS configuration file.
    """
    path = directory / "config"
    _write_profiles(path, stage, own, config or _config_file(own))
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
    """Run it until it ends; SIGTERM is passed on. Returns its exit status."""
    with tempfile.TemporaryDirectory() as directory:
        child = subprocess.Popen(  # noqa: S603  # the caller's own arguments, no shell
            command(stage, arguments),
            cwd=ROOT,
            env=environment(stage, os.environ, Path(directory)),
        )
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the child as well
        return child.wait()


def _config_file(own: Mapping[str, str]) -> Path:
    return Path(own.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser()


def _write_profiles(path: Path, stage: Stage, own: Mapping[str, str], config: Path) -> None:
    profiles = configparser.RawConfigParser()
    if config.exists():
        profiles.read(config)
    role = {"role_arn": stage.producer_role_arn, "role_session_name": "producer"}
    keys = {name.lower(): own[name] for name in _KEYS if own.get(name)}
    if keys:
        profiles[f"profile {_SOURCE}"] = keys
        role["source_profile"] = _SOURCE
    elif "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" in own:
        role["credential_source"] = "EcsContainer"
    elif "AWS_PROFILE" in own or config.exists():
        role["source_profile"] = own.get("AWS_PROFILE", "default")
    else:
        role["credential_source"] = "Ec2InstanceMetadata"
    profiles[f"profile {PROFILE}"] = role
    path.touch(mode=0o600)
    with path.open("w") as file:
        profiles.write(file)
