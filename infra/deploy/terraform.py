"""Runs Terraform for one stage."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.deploy import costs, limits
from infra.deploy.errors import DeployError
from infra.deploy.first_day import first_day
from infra.deploy.project import INFRA, variables_file


class Terraform:
    """Runs Terraform on `infra/` in the workspace of one stage."""

    def __init__(self, stage: str, *, confirmed: bool) -> None:
        self._stage = stage
        self._confirmed = confirmed

    def prepare(self) -> None:
        """Fetch the provider, and select the stage's workspace or create it."""
        self._run("init", "-input=false")
        self._run("workspace", "select", "-or-create=true", self._stage)

    def apply(self) -> None:
        """Plan, print the fixed costs, and apply the plan. Ask the user first unless confirmed.

        Raises DeployError if the plan reserves too much or the user refuses it.
        """
        with tempfile.TemporaryDirectory() as directory:
            plan = str(Path(directory) / "plan")
            self._run("plan", "-input=false", f"-out={plan}", *self._variables())
            planned = self._read("show", "-json", plan)
            limits.check(json.loads(planned))
            print(*costs.of_plan(planned), sep="\n", file=sys.stderr)
            if not self._confirmed and input("Apply this plan? Only yes is accepted: ") != "yes":
                raise DeployError("nothing was changed")
            self._run("apply", plan)

    def variables(self, *names: str) -> dict[str, Any]:
        """Return the values of some of the stage's variables, including defaults."""
        wanted = ", ".join(f"{name} = var.{name}" for name in names)
        # The console prints texts in Terraform's syntax, so base64 protects the JSON.
        printed = self._read(
            "console", *self._variables(), given=f"base64encode(jsonencode({{{wanted}}}))\n"
        )
        found: dict[str, Any] = json.loads(base64.b64decode(printed.strip().strip('"')))
        return found

    def destroy(self, targets: Sequence[str] = ()) -> None:
        """Destroy all of the stage, or only the targets and what depends on them."""
        chosen = [f"-target={target}" for target in targets]
        approval = ["-auto-approve", "-input=false"] if self._confirmed else []
        self._run("destroy", *approval, *self._variables(), *chosen)

    def addresses(self) -> list[str]:
        """Return the addresses of all resources in the state, except data sources."""
        lines = self._read("state", "list").splitlines()
        return [line for line in lines if "data." not in line.split("[")[0]]

    def outputs(self) -> dict[str, Any]:
        """Return the values of the outputs, which are empty before the first apply."""
        found = json.loads(self._read("output", "-json"))
        return {name: output["value"] for name, output in found.items()}

    def forget(self) -> None:
        """Delete the stage's workspace, which has to be empty."""
        self._run("workspace", "select", "default")
        self._run("workspace", "delete", self._stage)

    def _variables(self) -> list[str]:
        state = json.loads(self._read("show", "-json"))
        day = first_day(state, datetime.now(UTC).date())
        file = variables_file(self._stage)
        return [f"-var=stage={self._stage}", f"-var=first_day={day}", f"-var-file={file}"]

    def _run(self, *arguments: str) -> None:
        command = ["terraform", f"-chdir={INFRA}", *arguments]
        status = subprocess.run(  # noqa: S603  # our own words, no shell
            command, env=self._environment(arguments), check=False
        ).returncode
        if status != 0:
            raise DeployError(f"terraform {arguments[0]} ended with status {status}, see above")

    def _read(self, *arguments: str, given: str | None = None) -> str:
        """Run a Terraform command and return its output. `given` is its standard input."""
        command = ["terraform", f"-chdir={INFRA}", *arguments]
        done = subprocess.run(  # noqa: S603  # likewise
            command,
            env=self._environment(arguments),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DeployError(f"terraform {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def _environment(self, arguments: Sequence[str]) -> dict[str, str]:
        """Return the environment with the workspace, except for commands that manage workspaces."""
        if arguments[0] in ("init", "workspace"):
            return {name: value for name, value in os.environ.items() if name != "TF_WORKSPACE"}
        return {**os.environ, "TF_WORKSPACE": self._stage}
