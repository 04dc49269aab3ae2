"""The emulator's port reaches no services beyond those that Ticktape uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.emulator.services import SERVED
from embedded_aws.process import EmulatorProcess
from tests.local_support.system import ROOT, LocalSystem

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "batch": ("describe_job_queues", {}),
    "lambda": ("list_functions", {}),
    "ec2": ("describe_instances", {}),
    "iam": ("list_users", {}),
    "sts": ("get_caller_identity", {}),
    "ecs": ("list_clusters", {}),
    "events": ("list_rules", {}),
    "stepfunctions": ("list_state_machines", {}),
    "codebuild": ("list_projects", {}),
    "secretsmanager": ("list_secrets", {}),
    "ssm": ("describe_parameters", {}),
    "cognito-idp": ("list_user_pools", {"MaxResults": 1}),
    "bedrock": ("list_guardrails", {}),
    "cloudformation": ("list_stacks", {}),
    "kinesisanalyticsv2": ("list_applications", {}),
    "rds-data": (
        "execute_statement",
        {"resourceArn": "arn:aws:rds:us-east-1:1:cluster:a", "secretArn": "a" * 20, "sql": "x"},
    ),
}


@pytest.mark.parametrize("service", sorted(CALLS))
def test_no_other_service_is_served(system: LocalSystem, service: str) -> None:
    client: Any = boto3.client(
        service,
        endpoint_url=system.facts()["aws"],
        region_name="us-east-1",
        aws_access_key_id=system.keys().access_key,
        aws_secret_access_key=system.keys().secret_key,
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )
    name, given = CALLS[service]
    with pytest.raises(ClientError) as raised:
        getattr(client, name)(**given)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "not served" in raised.value.response["Error"]["Message"]


def test_the_emulator_serves_what_ticktape_uses() -> None:
    assert set(SERVED) == {"dynamodb", "dynamodbstreams", "glue", "kinesis", "s3", "sns", "sqs"}


def test_the_emulators_process_knows_no_docker_and_no_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("a process's environment is read through /proc")
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "planted")
    process = EmulatorProcess(0, None)
    try:
        process.wait_until_ready()  # until it runs, the environment is that of its parent
        entries = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    finally:
        process.stop()
    assert b"MOTO_DISABLE_GLOBAL_CORS=true" in entries
    assert not [entry for entry in entries if b"planted" in entry]


@pytest.mark.parametrize("name", ["run", "dev"])
def test_no_list_of_requirements_has_a_client_of_docker(name: str) -> None:
    pins = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    assert [pin for pin in pins if pin.startswith("moto==")]
    assert not [pin for pin in pins if pin.startswith("docker")]
