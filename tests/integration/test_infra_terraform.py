"""`infra/` as Terraform reads it: its form, its validity, and what the examples would make."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.retries import LONGEST_DELAY_SECONDS
from chalicelib.domain.push_channels import NAMESPACE
from costs.list_prices import prices
from costs.pricing import ALARM_METRICS
from infra.deploy import costs, limits
from tests.deploy_support.emulated_aws import ROOT, EmulatedAws
from tests.deploy_support.terraform_here import (
    needs_terraform,
    running_provider,
    terraform_environment,
)

INFRA = ROOT / "infra"
EXAMPLES = ("small", "normal", "large")
OLD_PAGE_BUCKET = "module.page_bucket.aws_s3_bucket.bucket"

FARGATE = {
    "collector": '"fargate"',
    "collector_image": '"123456789012.dkr.ecr.eu-west-1.amazonaws.com/ticktape:1"',
}
SECRET = '"arn:aws:secretsmanager:eu-west-1:123456789012:secret:ticktape-alpaca-AbCdEf"'
STAGES: dict[str, tuple[str, dict[str, str]]] = {
    **{example: (example, {}) for example in EXAMPLES},
    "bare": ("small", {"page": '"none"', "collector": '"none"'}),
    "fargate": ("small", FARGATE),
    "fargate_with_keys": (
        "small",
        {**FARGATE, "settings": '{ COLLECTOR_SOURCE = "alpaca" }', "collector_secret": SECRET},
    ),
    "pushing": ("small", {"push": "true"}),
}
"""The stages that are planned: each an example, with some variables changed."""


class Plans:
    """Terraform over a copy of `infra/`, and the plans of STAGES.

    All of them are modules of one plan: reading the provider's schemas, which each command does,
    takes longer than planning a stage.
    """

    def __init__(self, directory: Path, aws: EmulatedAws) -> None:
        self.environment = {**aws.environment, **terraform_environment(), "TF_WORKSPACE": "dev"}
        self.attached: dict[str, str] = {}
        """Variables that name a running provider; `init` looks for the installed one."""
        self.directory = directory

    def terraform(self, *arguments: str) -> str:
        """Its standard output; fails with its standard error."""
        done = self._run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, *changed: str) -> str:
        """Return the message of a refused plan of the small example, in one line."""
        done = self._run("plan", "-input=false", "-no-color", *self._given("small"), *changed)
        assert done.returncode == 1
        return " ".join(done.stderr.replace("│", "").split())

    def _run(
        self, *arguments: str, directory: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        is_init = arguments[0] == "init" and directory is None
        return subprocess.run(
            ["terraform", *arguments],
            cwd=directory or self.directory,
            env=self.environment | ({} if is_init else self.attached),
            capture_output=True,
            text=True,
            check=False,
        )

    def _given(self, example: str) -> list[str]:
        variables = f"-var-file={INFRA / 'examples' / f'{example}.tfvars'}"
        return ["-var=stage=dev", "-var=first_day=2026-11-22", variables]

    def changes(self, example: str, *more: str) -> list[dict[str, Any]]:
        """Return the changes that a plan of an example, alone, would make."""
        self.terraform("plan", "-input=false", *self._given(example), *more, "-out=plan")
        plan = json.loads(self.terraform("show", "-json", "plan"))
        changes: list[dict[str, Any]] = plan["resource_changes"]
        return changes

    def plan(self, stage: str) -> dict[str, Any]:
        """The plan of a stage, as `terraform show -json` has it for the stage alone."""
        return self._planned[stage]

    @cached_property
    def _planned(self) -> dict[str, dict[str, Any]]:
        together = self.directory.parent / "together"
        together.mkdir()
        (together / "main.tf").write_text("".join(map(_module, STAGES)))
        for command in (("init", "-input=false"), ("plan", "-input=false", "-out=plan")):
            done = self._run(*command, directory=together)
            assert done.returncode == 0, done.stderr
        plan = json.loads(self._run("show", "-json", "plan", directory=together).stdout)
        calls = plan["configuration"]["root_module"]["module_calls"]
        modules = plan["planned_values"]["root_module"]["child_modules"]
        return {
            stage: {
                "planned_values": {"root_module": module},
                "output_changes": _outputs(plan, stage),
                "variables": _variables(calls[stage]),
            }
            for module in modules
            if (stage := module["address"].removeprefix("module."))
        }

    def hold_page_bucket(self) -> None:
        """Have a state with the bucket where an older version had it."""
        name = "ticktape-dev-page-123456789012"
        told = {"id": name, "bucket": name, "arn": f"arn:aws:s3:::{name}", "force_destroy": True}
        instance = {"schema_version": 0, "attributes": told}
        held = {"module": "module.page_bucket", "mode": "managed", "type": "aws_s3_bucket"}
        provider = 'provider["registry.terraform.io/hashicorp/aws"]'
        resource = held | {"name": "bucket", "provider": provider, "instances": [instance]}
        state = {"version": 4, "serial": 1, "lineage": "test", "resources": [resource]}
        path = self.directory / "terraform.tfstate.d" / "dev" / "terraform.tfstate"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(state))

    def hold_nothing(self) -> None:
        """Have no state."""
        shutil.rmtree(self.directory / "terraform.tfstate.d", ignore_errors=True)

    def resources(self, stage: str, kind: str) -> list[dict[str, Any]]:
        """The planned values of all resources of a kind."""
        found = costs.planned(self.plan(stage))
        return [r["values"] for r in found if r["type"] == kind and r["mode"] == "managed"]

    def functions(self, stage: str) -> dict[str, Any]:
        """The output of that name, as far as a plan knows it: without the roles' ARNs."""
        found: dict[str, Any] = self.plan(stage)["output_changes"]["functions"]["after"]
        return found


def _module(stage: str) -> str:
    """Return a module with the variables of a stage, and an output with all of its outputs."""
    example, changed = STAGES[stage]
    given = (INFRA / "examples" / f"{example}.tfvars").read_text()
    for name in changed:
        given = re.sub(rf"^{name} += .*\n", "", given, flags=re.M)
    fixed = {"source": '"../infra"', "stage": '"dev"', "first_day": '"2026-11-22"'}
    lines = "".join(f"{name} = {value}\n" for name, value in {**fixed, **changed}.items())
    return (
        f'module "{stage}" {{\n{lines}{given}}}\n'
        f'output "{stage}" {{\n  value = module.{stage}\n}}\n'
    )


def _outputs(plan: dict[str, Any], stage: str) -> dict[str, Any]:
    known = plan["output_changes"][stage]["after"]
    return {name: {"after": value} for name, value in known.items()}


def _variables(call: dict[str, Any]) -> dict[str, Any]:
    given = call["expressions"].items()
    return {name: {"value": found.get("constant_value")} for name, found in given}


LOCK = INFRA / ".terraform.lock.hcl"
KNOWS_UNPACKED = (platform.system(), platform.machine()) == ("Linux", "x86_64")
"""The lock file has the checksums of all packages, and of this platform's unpacked provider."""


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plans]:
    """With the provider initialised; an emulated AWS says whose account it is."""
    needs_terraform()
    directory = tmp_path_factory.mktemp("infra") / "infra"
    shutil.copytree(
        INFRA, directory, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "stages")
    )
    shutil.copytree(ROOT / "chalicelib" / "lake", directory.parent / "chalicelib" / "lake")
    if KNOWS_UNPACKED:
        shutil.copyfile(LOCK, directory / LOCK.name)
    aws = EmulatedAws()
    try:
        made = Plans(directory, aws)
        made.terraform("init", "-input=false")
        with running_provider(directory, directory, made.environment) as made.attached:
            yield made
    finally:
        aws.stop()


def test_provider_is_the_one_that_is_locked(plans: Plans) -> None:
    if not KNOWS_UNPACKED:
        pytest.skip("the lock file knows the unpacked provider of Linux on x86_64 alone")
    assert (plans.directory / LOCK.name).read_text() == LOCK.read_text()
    (plans.directory / LOCK.name).write_text(LOCK.read_text().replace("h1:e", "h1:f"))
    try:
        with pytest.raises(AssertionError, match="checksum"):
            plans.terraform("init", "-input=false")
    finally:
        shutil.copyfile(LOCK, plans.directory / LOCK.name)


def test_packages_of_all_platforms_are_locked() -> None:
    locked, versions = LOCK.read_text(), (INFRA / "versions.tf").read_text()
    (constraint,) = re.findall(r'source  = "hashicorp/aws"\n +version = "(.+)"', versions)
    assert f'constraints = "{constraint}"' in locked
    assert len(set(re.findall(r'"zh:([0-9a-f]{64})"', locked))) == 15


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


@pytest.mark.long
def test_configuration_is_valid(plans: Plans) -> None:
    """Each plan validates it first, so the plans below show the same."""
    assert json.loads(plans.terraform("validate", "-json"))["valid"] is True


def test_every_variable_and_output_is_described() -> None:
    for path in INFRA.rglob("*.tf"):
        for kind, body in re.findall(
            r'^(variable|output) "\w+" \{\n(.*?)^\}', path.read_text(), re.S | re.M
        ):
            assert "  description = " in body, f"{path.name}: {body}"
            assert kind == "output" or re.search(r"^  type +=", body, re.M), f"{path.name}: {body}"


def test_small_example_costs_nothing_by_the_hour(plans: Plans) -> None:
    listed = prices()
    found = costs.lines(costs.planned(plans.plan("small")), listed)
    assert sum(line.usd for line in found) == 0
    assert [line.what for line in found] == ["alarm metrics"]
    assert found[0].count <= listed.free["alarm_metrics"]


def test_old_messages_of_further_attempts_ring_after_the_longest_delay(plans: Plans) -> None:
    alarms = plans.resources("normal", "aws_cloudwatch_metric_alarm")
    found = next(alarm for alarm in alarms if alarm["alarm_name"] == "ticktape-dev-retry-age")
    assert found["metric_name"] == "ApproximateAgeOfOldestMessage"
    assert found["dimensions"] == {"QueueName": "ticktape-dev-deliveries"}
    assert found["threshold"] > LONGEST_DELAY_SECONDS


def test_the_cost_model_counts_the_alarms_of_the_examples(plans: Plans) -> None:
    for example, ingest in (("normal", "kinesis"), ("small", "sqs")):
        planned = costs.lines(costs.planned(plans.plan(example)), prices())
        alarms = next(line.count for line in planned if line.what == "alarm metrics")
        assert alarms == ALARM_METRICS[ingest], example


DELIVERIES = {"ticktape-dev-deliveries", "ticktape-dev-deliveries-dead"}


def test_small_example_takes_ticks_by_the_queue_alone(plans: Plans) -> None:
    assert plans.resources("small", "aws_kinesis_stream") == []
    names = {queue["name"] for queue in plans.resources("small", "aws_sqs_queue")}
    assert names == {
        "ticktape-dev-ticks.fifo",
        "ticktape-dev-ticks-dead.fifo",
        "ticktape-dev-failures",
        *DELIVERIES,
    }
    assert "ingest_kinesis" not in plans.functions("small")


def test_normal_example_takes_ticks_by_the_stream_alone(plans: Plans) -> None:
    stream = plans.resources("normal", "aws_kinesis_stream")[0]
    assert (stream["shard_count"], stream["name"]) == (1, "ticktape-dev-ticks")
    names = {queue["name"] for queue in plans.resources("normal", "aws_sqs_queue")}
    assert names == {"ticktape-dev-failures", *DELIVERIES}
    assert "ingest_sqs" not in plans.functions("normal")


@pytest.mark.parametrize("example", EXAMPLES)
def test_fixed_costs_in_the_documentation_are_those_of_the_plan(plans: Plans, example: str) -> None:
    found = costs.lines(costs.planned(plans.plan(example)), prices())
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
    plan = plans.plan("bare")
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
    """Its address is now that of a counted module: without a move it would be recreated under its
    name."""
    plans.hold_page_bucket()
    try:
        changes = plans.changes("small", "-refresh=false")
    finally:
        plans.hold_nothing()
    (bucket,) = [one for one in changes if one.get("previous_address") == OLD_PAGE_BUCKET]
    assert bucket["address"] == "module.page_bucket[0].aws_s3_bucket.bucket"
    assert "delete" not in bucket["change"]["actions"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_example_reserves_what_a_new_account_lacks(plans: Plans, example: str) -> None:
    assert limits.reserved(plans.plan(example)) == {}
    assert plans.plan(example)["variables"]["region"]["value"] == "us-east-1"


COLLECTING = (
    "aws_lambda_function",
    "aws_cloudwatch_event_rule",
    "aws_cloudwatch_event_target",
    "aws_ecs_service",
    "aws_ecs_task_definition",
    "aws_security_group",
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_has_prices_collected_by_a_function(plans: Plans, example: str) -> None:
    (function,) = plans.resources(example, "aws_lambda_function")
    assert function["function_name"] == "ticktape-dev-collector"
    assert function["reserved_concurrent_executions"] == -1
    assert len(plans.resources(example, "aws_cloudwatch_event_rule")) == 1
    assert plans.resources(example, "aws_ecs_service") == []


def test_stage_that_does_not_say_how_to_collect_gets_nothing(plans: Plans) -> None:
    """Like stages of an older version."""
    planned = costs.planned(plans.plan("bare"))
    assert [one["type"] for one in planned if one["type"] in COLLECTING] == []
    default = re.search(
        r'^variable "collector" \{.*?default +=(.*?)$',
        (INFRA / "variables.tf").read_text(),
        re.M | re.S,
    )
    assert default is not None
    assert default[1].strip() == '"none"'


def test_container_is_one_task_that_nothing_can_connect_to(plans: Plans) -> None:
    (service,) = plans.resources("fargate", "aws_ecs_service")
    assert service["desired_count"] == 1
    assert service["deployment_minimum_healthy_percent"] == 0
    assert service["deployment_maximum_percent"] == 100
    (group,) = plans.resources("fargate", "aws_security_group")
    assert not group.get("ingress")
    assert [(out["from_port"], out["to_port"]) for out in group["egress"]] == [(443, 443)]
    (task,) = plans.resources("fargate", "aws_ecs_task_definition")
    assert (task["cpu"], task["memory"]) == ("256", "512")
    assert task["runtime_platform"][0]["cpu_architecture"] == "ARM64"
    roles = {role["name"] for role in plans.resources("fargate", "aws_iam_role")}
    assert {"ticktape-dev-collector", "ticktape-dev-collector-execution"} <= roles
    assert plans.resources("fargate", "aws_lambda_function") == []
    found = costs.lines(costs.planned(plans.plan("fargate")), prices())
    assert round(sum(line.usd for line in found), 2) == 12.66


def test_container_of_a_source_with_keys_may_read_their_secret(plans: Plans) -> None:
    (task,) = plans.resources("fargate_with_keys", "aws_ecs_task_definition")
    assert task["family"] == "ticktape-dev-collector"
    written = (INFRA / "collector_task.tf").read_text()
    assert 'valueFrom = "${var.collector_secret}:${name}::"' in written
    assert "secretsmanager:GetSecretValue" in written


@pytest.mark.long
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (['settings={COLLECTOR_SOURCE="alpaca"}'], "needs its keys in collector_secret"),
        (["collector_secret=hunter2"], "whose name begins with ticktape-"),
    ],
)
def test_keys_of_a_source_that_cannot_be_are_refused(
    plans: Plans, variables: list[str], said: str
) -> None:
    assert said in plans.refusal(*(f"-var={one}" for one in variables))


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ec2", "Allowed: lambda, fargate, none."),
        ("fargate", "fargate needs an image of the producer: set collector_image."),
    ],
)
def test_collector_that_cannot_be_is_refused(plans: Plans, kind: str, said: str) -> None:
    assert said in plans.refusal(f"-var=collector={kind}")


@pytest.mark.long
@pytest.mark.parametrize(
    ("functions", "said"),
    [
        ("{ colector = {} }", "Allowed names: collector, api_handler, bearer_token, compact,"),
        ("{ detect = { reserved_concurrency = 0 } }", "a function with 0 never runs."),
        ("{ collector = { timeout_seconds = 15 } }", "collector: timeout_seconds of 90 or more"),
    ],
)
def test_sizes_of_functions_that_cannot_work_are_refused(
    plans: Plans, functions: str, said: str
) -> None:
    assert said in plans.refusal(f"-var=functions={functions}")


def test_pushing_prices_makes_an_event_api_a_function_and_a_stream_and_nothing_else_does(
    plans: Plans,
) -> None:
    kinds = ("aws_cloudformation_stack", "aws_appsync_api_key")
    assert [plans.resources("small", kind) for kind in kinds] == [[], []]
    assert "push" not in plans.functions("small")
    assert state_stream(plans, "small") == (False, None)
    (stack,), (key,) = (plans.resources("pushing", kind) for kind in kinds)
    made = json.loads(stack["template_body"])["Resources"]
    assert {one["Type"] for one in made.values()} == {
        "AWS::AppSync::Api",
        "AWS::AppSync::ChannelNamespace",
    }
    assert made["Namespace"]["Properties"]["Name"] == NAMESPACE
    config = made["Api"]["Properties"]["EventConfig"]
    assert config["DefaultPublishAuthModes"] == [{"AuthType": "AWS_IAM"}]
    assert config["ConnectionAuthModes"] == config["DefaultSubscribeAuthModes"]
    expires = datetime.fromisoformat(key["expires"].replace("Z", "+00:00"))
    assert timedelta(days=300) < expires - datetime.now(UTC) < timedelta(days=365)
    assert "push" in plans.functions("pushing")
    assert state_stream(plans, "pushing") == (True, "NEW_IMAGE")


def state_stream(plans: Plans, stage: str) -> tuple[bool, str | None]:
    """Whether the state table of a stage has a stream, and what it shows."""
    tables = plans.resources(stage, "aws_dynamodb_table")
    (state,) = [table for table in tables if table["name"].endswith("-state")]
    return state["stream_enabled"], state.get("stream_view_type")


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_table_is_protected_and_every_alarm_is_in_the_runbook(
    plans: Plans, example: str
) -> None:
    tables = plans.resources(example, "aws_dynamodb_table")
    assert len(tables) == 7
    assert all(table["deletion_protection_enabled"] for table in tables)
    runbook = (ROOT / "docs" / "operating.md").read_text()
    for alarm in plans.resources(example, "aws_cloudwatch_metric_alarm"):
        kind = alarm["alarm_description"].removeprefix("docs/operating.md, ").split(":")[0]
        kind = re.sub(
            r"-(api_handler|[a-z]+_[a-z]+|detect|deliver|redeliver|compact)$|(?<=errors)-collector$",
            "",
            kind,
        )
        assert f"### {kind}\n" in runbook, kind
