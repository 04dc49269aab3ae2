"""Runs the steps of a deployment, prints progress, and says how to continue after a failure."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable

import msgspec

from infra.deploy import (
    alerting,
    collector,
    emptying,
    first_day,
    gateway,
    mappings,
    package,
    page,
    render,
    smoke,
    stage,
    tokens,
)
from infra.deploy.errors import DeployError
from infra.deploy.project import INFRA, variables_file
from infra.deploy.stage import Stage
from infra.deploy.terraform import Terraform

KEPT = (
    "aws_dynamodb_table.data",
    "aws_kms_key.own",
    "aws_kms_alias.own",
    "module.data_bucket",
    first_day.ADDRESS,
)
"""The resources that `destroy` keeps unless it also deletes data."""


class Step(msgspec.Struct, frozen=True):
    """A named step. `run` may return lines to print. `hint` is printed if the step fails."""

    name: str
    run: Callable[[], Iterable[str] | None]
    hint: str = ""


def say(text: str) -> None:
    """Print a line of progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def run(steps: list[Step], again: str) -> None:
    """Run the steps in order. If one fails, raises DeployError that names the command `again`."""
    for number, step in enumerate(steps, 1):
        say(f"[{number}/{len(steps)}] {step.name}")
        began = time.monotonic()
        try:
            for line in step.run() or ():
                say(f"  {line}")
        except Exception as error:
            done = ", ".join(earlier.name for earlier in steps[: number - 1]) or "nothing"
            raise DeployError(
                f"step {number} of {len(steps)}, {step.name}: {error}\n"
                + (f"{step.hint}\n" if step.hint else "")
                + f"Done and kept: {done}. Steps can be repeated: fix the problem, then {again}"
            ) from error
        say(f"  done in {time.monotonic() - began:.1f} s")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to deploy. `api_url` is the API's address for the smoke test, if it is not Chalice's."""

    confirmed: bool = False
    code_only: bool = False
    smoke_test: bool = True
    api_url: str | None = None


def deploy(name: str, options: Options) -> None:
    """Deploy a stage completely, whatever is deployed already."""
    prepare_variables(name)
    steps = [] if options.code_only else terraform_steps(name, confirmed=options.confirmed)
    steps += code_steps(name)
    if options.smoke_test:
        steps.append(Step("smoke test", lambda: smoke_lines(name, options.api_url)))
    run(steps, f"make deploy STAGE={name}")
    _tell(stage.load(name))


def terraform_steps(name: str, *, confirmed: bool) -> list[Step]:
    """Return the steps that create data stores, roles, alarms and the page's hosting."""
    terraform = Terraform(name, confirmed=confirmed)
    return [
        Step("terraform: prepare", terraform.prepare, "It needs credentials and the registry."),
        Step("build the collector", lambda: collector.prepare(terraform)),
        Step(
            "terraform: apply",
            terraform.apply,
            "Terraform keeps its progress in its state and continues from there.",
        ),
    ]


def code_steps(name: str) -> list[Step]:
    """Return the steps that deploy functions, API and page."""
    return [
        Step("render Chalice's configuration", lambda: render.render(stage.load(name))),
        Step("build the package", lambda: [_described_package(name)]),
        Step("prune event source mappings", lambda: mappings.prune(stage.load(name))),
        Step(
            "chalice deploy",
            lambda: chalice(name, "deploy"),
            "An interrupted deployment leaves functions and mappings without a record; the next "
            "run adopts the functions and first removes the mappings.",
        ),
        *settings_steps(name),
        Step("the collector's code", lambda: collector.update(stage.load(name))),
        Step("upload the page", lambda: _described_upload(stage.load(name))),
        Step("subscriptions", lambda: alerting.unconfirmed(stage.load(name))),
    ]


def settings_steps(name: str) -> list[Step]:
    """Return the steps that have to follow every `chalice deploy`."""
    return [
        Step("event source settings", lambda: mappings.apply(stage.load(name))),
        Step("the gateway's answers and rate", lambda: gateway.apply(stage.load(name))),
        Step("check", lambda: check(stage.load(name))),
    ]


def chalice(name: str, command: str) -> None:
    """Run a Chalice command on a stage."""
    program = package.WHOLE_MAPPINGS if command == "deploy" else package.PLAIN
    package.chalice(stage.load(name).region, command, "--stage", name, program=program)


def check(found: Stage) -> None:
    """Raise DeployError if the deployed stage differs from the repository."""
    mappings.check(found)
    gateway.check(found)


def smoke_lines(name: str, api_url: str | None) -> list[str]:
    """Run the smoke test with the token in TICKTAPE_TOKEN, if any. Return lines to print."""
    return smoke.run(stage.load(name), os.environ.get("TICKTAPE_TOKEN"), api_url)


def destroy(name: str, *, confirmed: bool, delete_data: bool) -> None:
    """Destroy a stage; keep tables, the archive and their key unless `delete_data` is set."""
    found = stage.load(name)
    terraform = Terraform(name, confirmed=confirmed)
    steps = [Step("chalice delete", lambda: _delete(name))]
    if delete_data:
        steps.append(Step("empty the archive", lambda: emptying.empty(found, found.data_buckets)))
        steps.append(Step("release the tables", lambda: emptying.release(found)))
        steps.append(Step("terraform: destroy", terraform.destroy))
        steps.append(Step("forget the workspace", terraform.forget))
    else:
        steps.append(Step("terraform: destroy", lambda: _destroy_but_data(terraform)))
    steps.append(Step("forget Chalice's configuration", lambda: render.remove(name)))
    run(steps, f"make destroy STAGE={name}" + (" DATA=delete" if delete_data else ""))
    if not delete_data:
        say("Tables and archive are kept; this deletes them too:")
        say(f"  make destroy STAGE={name} DATA=delete")


def prepare_variables(name: str) -> None:
    """Create the file of a stage's variables from the small example, if it is missing."""
    path = variables_file(name)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(INFRA / "examples" / "small.tfvars", path)
        say(f"created {path.relative_to(INFRA.parent)} from the small example; edit it as needed")


def _destroy_but_data(terraform: Terraform) -> None:
    targets = [address for address in terraform.addresses() if not address.startswith(KEPT)]
    if targets:
        terraform.destroy(targets)


def _delete(name: str) -> None:
    if stage.load(name).deployed():
        chalice(name, "delete")


def _described_package(name: str) -> str:
    path = package.build(stage.load(name))
    return f"{path.name}: {path.stat().st_size:,} bytes"


def _described_upload(found: Stage) -> list[str]:
    if found.page is None:
        return ["the stage has no page"]
    return [f"{len(page.upload(found, found.page))} files changed"]


def _tell(found: Stage) -> None:
    results = {"page": found.page.url} if found.page else {}
    results["api"] = found.api_url
    for what, where in results.items():
        print(f"{what}: {where}")
    if not tokens.stored(found):
        say("There is no token yet. Writing needs one, and reading too unless it is open:")
        say(f"  make token STAGE={found.stage}")
