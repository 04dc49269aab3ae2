"""`infra/` as Terraform reads it: its form, its validity, and what the examples would make."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import costs, limits
from tests.deploy_support.emulated_aws import ROOT, EmulatedAws
from tests.deploy_support.terraform_here import needs_terraform, terraform_environment

INFRA = ROOT / "infra"
EXAMPLES = ("small", "normal", "large")
OLD_PAGE_BUCKET = "module.page_bucket.aws_s3_bucket.bucket"


class Plans:
    """Terraform over a copy of `infra/`, and the plans of the examples, made when asked for."""

    def __init__(self, directory: Path, aws: EmulatedAws) -> None:
        self._environment = {**aws.environment, **terraform_environment(), "TF_WORKSPACE": "dev"}
        self._directory = directory
        self._made: dict[tuple[str, ...], dict[str, Any]] = {}

    def terraform(self, *arguments: str) -> str:
        """Its standard output; fails with its standard error."""
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def plan(self, example: str, *changed: str) -> dict[str, Any]:
        """The plan of an example, with further arguments, as JSON."""
        key = (example, *changed)
        if key not in self._made:
            variables = f"-var-file={INFRA / 'examples' / f'{example}.tfvars'}"
            given = ["-var=stage=dev", "-var=first_day=2026-11-22", variables, *changed]
            self.terraform("plan", "-input=false", *given, "-out=plan")
            self._made[key] = json.loads(self.terraform("show", "-json", "plan"))
        return self._made[key]

    def hold_page_bucket(self) -> None:
        """Have a state with the bucket where an older version had it."""
        name = "ticktape-dev-page-123456789012"
        told = {"id": name, "bucket": name, "arn": f"arn:aws:s3:::{name}", "force_destroy": True}
        instance = {"schema_version": 0, "attributes": told}
        held = {"module": "module.page_bucket", "mode": "managed", "type": "aws_s3_bucket"}
        provider = 'provider["registry.terraform.io/hashicorp/aws"]'
        resource = held | {"name": "bucket", "provider": provider, "instances": [instance]}
        state = {"version": 4, "serial": 1, "lineage": "test", "resources": [resource]}
        path = self._directory / "terraform.tfstate.d" / "dev" / "terraform.tfstate"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(state))

    def hold_nothing(self) -> None:
        """Have no state."""
        shutil.rmtree(self._directory / "terraform.tfstate.d", ignore_errors=True)

    def resources(self, example: str, kind: str) -> list[dict[str, Any]]:
        """The planned values of all resources of a kind."""
        found = costs.planned(self.plan(example))
        return [r["values"] for r in found if r["type"] == kind and r["mode"] == "managed"]

    def functions(self, example: str) -> dict[str, Any]:
        """The output of that name, as far as a plan knows it: without the roles' ARNs."""
        found: dict[str, Any] = self.plan(example)["output_changes"]["functions"]["after"]
        return found


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plans]:
    """With the provider initialised; an emulated AWS says whose account it is."""
    needs_terraform()
    directory = tmp_path_factory.mktemp("infra") / "infra"
    shutil.copytree(
        INFRA, directory, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "stages")
    )
    shutil.copytree(ROOT / "chalicelib" / "lake", directory.parent / "chalicelib" / "lake")
    aws = EmulatedAws()
    try:
        made = Plans(directory, aws)
        made.terraform("init", "-input=false")
        yield made
    finally:
        aws.stop()


def test_format_is_terraforms_own() -> None:
    if shutil.which("terraform") is None:
        pytest.skip("there is no terraform on the PATH")
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", "."],
        cwd=INFRA,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_configuration_is_valid(plans: Plans) -> None:
    assert json.loads(plans.terraform("validate", "-json"))["valid"] is True


def test_every_variable_and_output_is_described() -> None:
    for path in INFRA.rglob("*.tf"):
        for kind, body in re.findall(
            r'^(variable|output) "\w+" \{\n(.*?)^\}', path.read_text(), re.S | re.M
        ):
            assert "  description = " in body, f"{path.name}: {body}"
            assert kind == "output" or re.search(r"^  type +=", body, re.M), f"{path.name}: {body}"


def test_small_example_costs_nothing_by_the_hour(plans: Plans) -> None:
    listed = costs.prices()
    found = costs.lines(costs.planned(plans.plan("small")), listed)
    assert sum(line.usd for line in found) == 0
    assert [line.what for line in found] == ["alarms' metrics"]
    assert found[0].count <= listed.free["alarm_metrics"]


def test_small_example_takes_ticks_by_the_queue_alone(plans: Plans) -> None:
    assert plans.resources("small", "aws_kinesis_stream") == []
    names = {queue["name"] for queue in plans.resources("small", "aws_sqs_queue")}
    assert names == {
        "ticktape-dev-ticks.fifo",
        "ticktape-dev-ticks-dead.fifo",
        "ticktape-dev-failures",
    }
    assert "ingest_kinesis" not in plans.functions("small")


def test_normal_example_takes_ticks_by_the_stream_alone(plans: Plans) -> None:
    stream = plans.resources("normal", "aws_kinesis_stream")[0]
    assert (stream["shard_count"], stream["name"]) == (1, "ticktape-dev-ticks")
    names = {queue["name"] for queue in plans.resources("normal", "aws_sqs_queue")}
    assert names == {"ticktape-dev-failures"}
    assert "ingest_sqs" not in plans.functions("normal")


@pytest.mark.parametrize("example", EXAMPLES)
def test_fixed_costs_in_the_documentation_are_those_of_the_plan(plans: Plans, example: str) -> None:
    found = costs.lines(costs.planned(plans.plan(example)), costs.prices())
    stated = re.search(
        rf"^\| `{example}.tfvars` \|[^|]*\| ([\d.]+) USD",
        (ROOT / "docs" / "deploying.md").read_text(),
        re.M,
    )
    assert stated is not None
    assert f"{sum(line.usd for line in found):.2f}" == stated[1]


def test_stage_without_a_page_has_no_cloudfront_and_its_api_names_no_origin(
    plans: Plans,
) -> None:
    plan = plans.plan("small", "-var=page=none")
    planned = {one["type"] for one in costs.planned(plan)}
    assert not [kind for kind in planned if "cloudfront" in kind]
    environment = plan["output_changes"]["environment"]["after"]
    assert environment["PAGE_URL"] == environment["CORS_ORIGIN"] == ""
    assert plan["output_changes"].get("page", {}).get("after") is None
    buckets = [one for one in costs.planned(plan) if one["type"] == "aws_s3_bucket"]
    assert {one["values"]["bucket"].split("-")[2] for one in buckets} == {
        "access",
        "archive",
        "failures",
    }


def test_stage_of_an_older_version_keeps_its_pages_bucket(plans: Plans) -> None:
    """Whose address has become that of a counted module: else it would be made anew by its name."""
    plans.hold_page_bucket()
    try:
        changes = plans.plan("small", "-refresh=false")["resource_changes"]
    finally:
        plans.hold_nothing()
    (bucket,) = [one for one in changes if one.get("previous_address") == OLD_PAGE_BUCKET]
    assert bucket["address"] == "module.page_bucket[0].aws_s3_bucket.bucket"
    assert "delete" not in bucket["change"]["actions"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_example_reserves_what_a_new_account_lacks(plans: Plans, example: str) -> None:
    assert limits.reserved(plans.plan(example)) == {}
    assert plans.plan(example)["variables"]["region"]["value"] == "us-east-1"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_table_is_protected_and_every_alarm_stands_in_the_runbook(
    plans: Plans, example: str
) -> None:
    tables = plans.resources(example, "aws_dynamodb_table")
    assert len(tables) == 7
    assert all(table["deletion_protection_enabled"] for table in tables)
    runbook = (ROOT / "docs" / "operating.md").read_text()
    for alarm in plans.resources(example, "aws_cloudwatch_metric_alarm"):
        kind = alarm["alarm_description"].removeprefix("docs/operating.md, ").split(":")[0]
        kind = re.sub(r"-(api_handler|[a-z]+_[a-z]+|detect|compact)$", "", kind)
        assert f"### {kind}\n" in runbook, kind
