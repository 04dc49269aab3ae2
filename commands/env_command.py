"""`python -m local env`: prints the shell variables by which programs reach the system's AWS."""

from __future__ import annotations

import argparse
import os
import shlex
from typing import Any

from commands.aws_environment import ENDPOINT_VARIABLE, keys_of
from commands.outcomes import OK
from commands.target import add_flags, find_running
from embedded_aws.environment import bypass_proxy

_RESOURCES = ("_TABLE", "_BUCKET", "_ARN", "_STREAM", "_QUEUE", "_URL", "_WORKGROUP", "_DATABASE")
_NOT_RESOURCES = ("PAGE_URL",)


def env(arguments: list[str]) -> int:
    """Print a line `export NAME='value'` for each variable."""
    parser = argparse.ArgumentParser(
        prog="python -m local env",
        description="Prints shell variables with which the aws command, boto3 and a producer reach "
        'the AWS of the running system: eval "$(.venv/bin/python -m local env)". '
        "Variables TICKTAPE_* name its stream, queue, topic, buckets and tables.",
    )
    add_flags(parser)
    for name, value in settings(find_running(parser.parse_args(arguments))).items():
        print(f"export {name}={_quoted(value)}")
    return OK


def settings(facts: dict[str, Any]) -> dict[str, str]:
    """Return the shell variables for the facts of a running file. The keys of a user's own endpoint
    are left out, since the user has them."""
    found = {"AWS_ENDPOINT_URL": str(facts["aws"])}
    if keys := keys_of(facts):
        found["AWS_ACCESS_KEY_ID"] = keys.access_key
        found["AWS_SECRET_ACCESS_KEY"] = keys.secret_key
        found[ENDPOINT_VARIABLE] = str(facts["aws"])
    found |= {"AWS_REGION": str(facts["region"]), "AWS_DEFAULT_REGION": str(facts["region"])}
    named = {**facts["environment"], **facts["sinks"]}
    found |= {f"TICKTAPE_{n}": v for n, v in sorted(named.items()) if _is_resource(n)}
    return found | _proxy_settings()


def _is_resource(name: str) -> bool:
    return name.endswith(_RESOURCES) and name not in _NOT_RESOURCES


def _proxy_settings() -> dict[str, str]:
    """Return variables that exempt this machine from the shell's proxy; empty without a proxy."""
    names = [name for name in os.environ if name.upper().endswith("_PROXY") and os.environ[name]]
    if all(name.upper() == "NO_PROXY" for name in names):
        return {}
    environ = dict(os.environ)
    bypass_proxy(environ)
    return {"NO_PROXY": environ["NO_PROXY"], "no_proxy": environ["no_proxy"]}


def _quoted(value: str) -> str:
    """Return the value in quotes for a shell, even if it needs none."""
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{value}'"
