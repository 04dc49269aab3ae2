"""The command line that deploys, checks and destroys stages."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from infra.deploy import (
    alerting,
    collector_package,
    package,
    producing,
    render,
    stage,
    steps,
    tokens,
)
from infra.deploy.errors import DeployError
from producer import region
from producer.sinks.aws import why

_STAGE_ALLOWED = "1 to 16 of a-z and 0-9, starting with a letter"


def main(arguments: list[str]) -> int:
    """Run one command. Return 0 if it is done, 1 if it failed, 2 for wrong arguments."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command != "producer":
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    region.adopt(os.environ)
    try:
        return COMMANDS[options.command](options, rest)
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"make {options.command}: AWS: {why(error)}", file=sys.stderr)
        return 1


def _deploy(options: argparse.Namespace, _: list[str]) -> int:
    chosen = steps.Options(
        confirmed=options.yes,
        code_only=options.code_only,
        smoke_test=not options.no_smoke,
        api_url=options.api_url,
    )
    steps.deploy(options.stage, chosen)
    return 0


def _destroy(options: argparse.Namespace, _: list[str]) -> int:
    steps.destroy(options.stage, confirmed=options.yes, delete_data=options.delete_data)
    return 0


def _settings(options: argparse.Namespace, _: list[str]) -> int:
    steps.run(steps.settings_steps(options.stage), f"make settings STAGE={options.stage}")
    return 0


def _render(options: argparse.Namespace, _: list[str]) -> int:
    for line in render.render(stage.load(options.stage)):
        steps.say(line)
    return 0


def _package(options: argparse.Namespace, _: list[str]) -> int:
    found = stage.load(options.stage)
    if found.collector.kind == "lambda":
        print(collector_package.build(found.chalice.architecture))
    print(package.build(found))
    return 0


def _smoke(options: argparse.Namespace, _: list[str]) -> int:
    print("\n".join(steps.smoke_lines(options.stage, options.api_url)))
    return 0


def _token(options: argparse.Namespace, _: list[str]) -> int:
    """Create a token for writing. Only the token goes to standard output, and only this once."""
    found = stage.load(options.stage)
    print(tokens.renew(found))
    steps.say(
        "Keep the token: only its hash is stored. "
        f"It is valid from the next deployment on: make deploy STAGE={found.stage}"
    )
    return 0


def _test_alert(options: argparse.Namespace, _: list[str]) -> int:
    print("\n".join(alerting.send(stage.load(options.stage))))
    return 0


def _producer(options: argparse.Namespace, rest: list[str]) -> int:
    return producing.run(stage.load(options.stage), rest)


Command = Callable[[argparse.Namespace, list[str]], int]

COMMANDS: dict[str, Command] = {
    "deploy": _deploy,
    "destroy": _destroy,
    "settings": _settings,
    "render": _render,
    "package": _package,
    "smoke": _smoke,
    "token": _token,
    "test-alert": _test_alert,
    "producer": _producer,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.deploy",
        description="Deploys a stage to AWS and takes it down again; see docs/deploying.md.",
        allow_abbrev=False,
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--stage", type=_stage, required=True, metavar="NAME")
    parser.add_argument("--yes", action="store_true", help="let Terraform change AWS unasked")
    parser.add_argument(
        "--code-only", action="store_true", help="deploy: only functions, API and page"
    )
    parser.add_argument("--no-smoke", action="store_true", help="deploy: skip the smoke test")
    parser.add_argument("--api-url", metavar="URL", help="address of the API for the smoke test")
    parser.add_argument(
        "--delete-data", action="store_true", help="destroy: also delete tables and archive"
    )
    return parser


def _stage(text: str) -> str:
    if re.fullmatch("[a-z][a-z0-9]{0,15}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: {_STAGE_ALLOWED}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
