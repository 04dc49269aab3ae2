"""A copy of the project from which tests deploy to an emulated AWS, command by command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.deploy import collector_package
from tests.deploy_support.emulated_aws import ROOT, EmulatedAws
from tests.deploy_support.terraform_here import terraform_environment
from tests.patience import PATIENCE_SECONDS

STAGE = "dev"
COPIED = (
    "costs",
    "chalicelib",
    "embedded_aws",
    "frontend",
    "infra",
    "local",
    "commands",
    "producer",
    "untrusted",
)
BOUNDARY = "arn:aws:iam::123456789012:policy/ticktape-boundary"
SETTINGS = {
    "ALERTS": "every-tick",
    "INGEST_KINESIS_WINDOW_SECONDS": "2",
    "INGEST_SQS_CONCURRENCY": "5",
}
COLLECTED = {"COLLECTOR_SYMBOLS": "AAPL,MSFT", "COLLECTOR_INTERVAL": "30"}
VARIABLES = f"""
sqs                  = true
collector            = "lambda"
settings             = {json.dumps(SETTINGS | COLLECTED)}
permissions_boundary = "{BOUNDARY}"
operations_emails    = ["operations@example.com"]
alert_subscriptions = [
  {{
    protocol      = "email", endpoint = "alerts@example.com",
    filter_policy = {{ symbol = ["AAPL"] }}
  }},
]
"""
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", ".terraform*", "terraform.tfstate*", "stages", "*.tfstate*"
)


class Outcome:
    """The result of a finished command."""

    def __init__(self, status: int, output: str, errors: str) -> None:
        self.status = status
        self.output = output
        self.errors = errors


class StageLife:
    """The project, copied into `directory`, and its stage on the emulated AWS."""

    def __init__(self, directory: Path, aws: EmulatedAws, variables: str = VARIABLES) -> None:
        self.directory = directory
        self.environment = {**aws.environment, **terraform_environment()}
        copy_project(directory)
        stages = directory / "infra" / "stages"
        stages.mkdir()
        (stages / f"{STAGE}.tfvars").write_text(variables)
        self._config = Config(s3={"addressing_style": "path"})
        self._session = boto3.Session("testing", "testing", region_name="us-east-1")
        self._url = aws.url

    def client(self, service: str) -> Any:
        """Return a client of the emulated AWS."""
        return self._session.client(service, endpoint_url=self._url, config=self._config)

    def deployment(self, *arguments: str, more: Mapping[str, str] | None = None) -> Outcome:
        """Run `python -m infra.deploy --stage dev --yes ...` in the copy."""
        command = [sys.executable, "-m", "infra.deploy", "--stage", STAGE, "--yes", *arguments]
        return self.run(command, more)

    def chalice(self, *arguments: str) -> Outcome:
        """Run the plain `chalice` command in the copy."""
        command = [
            sys.executable,
            "-c",
            "import sys; from chalice.cli import main; sys.exit(main())",
        ]
        return self.run([*command, *arguments])

    def run(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> Outcome:
        """Run any command in the copy."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environment, **(more or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=4 * PATIENCE_SECONDS,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def outputs(self) -> dict[str, Any]:
        """Return Terraform's outputs."""
        command = ["terraform", f"-chdir={self.directory / 'infra'}", "output", "-json"]
        outcome = self.run(command, {"TF_WORKSPACE": STAGE})
        assert outcome.status == 0, outcome.errors
        return {name: output["value"] for name, output in json.loads(outcome.output).items()}

    def configuration(self) -> dict[str, Any]:
        """Return the stage's section of Chalice's configuration."""
        config = json.loads((self.directory / ".chalice" / "config.json").read_text())
        section: dict[str, Any] = config["stages"][STAGE]
        return section


_CORE = ("msgspec==", "tzdata==")


def copy_project(directory: Path) -> None:
    """Copy the files of the working tree that a deployment needs into `directory`."""
    for name in COPIED:
        shutil.copytree(ROOT / name, directory / name, ignore=_LEFT_OUT)
    for name in ("app.py", "requirements.txt"):
        shutil.copyfile(ROOT / name, directory / name)
    # A collector with two packages: a real one's packages take half a minute to pack.
    listed = re.split(r"\n(?=\S)", (ROOT / "requirements.txt").read_text().strip())
    kept = [entry for entry in listed if entry.startswith(_CORE)]
    (directory / collector_package.LISTED).write_text("\n".join(kept) + "\n")
    (directory / ".chalice").mkdir()
    shutil.copyfile(ROOT / ".chalice" / "base.json", directory / ".chalice" / "base.json")
