"""`redrive`, `compact` and `rebuild` with `--stage`: names and region are the stage's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.terraform import Terraform
from local.cli import main as local
from rigs.emulated import Emulated
from tests.deploy_support.deployment import REGION, Deployment
from tests.deploy_support.owned_buckets import Invocation, OwnedBuckets


@pytest.fixture
def deployment(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(emulated, monkeypatch)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Callable[..., OwnedBuckets]:
    """Starts the stand-in, from which on each request to a bucket has to name its owner."""
    return lambda answer: OwnedBuckets(monkeypatch, answer)


Aws = Callable[..., OwnedBuckets]
DONE: dict[str, Any] = {"batchItemFailures": []}


def called(aws: OwnedBuckets) -> list[tuple[str, str]]:
    """Functions that were invoked, each with the region."""
    return [(one.function, one.region) for one in aws.invoked]


def test_redrive_of_a_stage_with_kinesis_alone_needs_no_queue_of_ticks(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.give_up(f"{deployment.prefix}-ingest_kinesis")
    deployment.applied()
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 0, capsys.readouterr().err
    assert "1 of 1 batch processed again" in capsys.readouterr().out
    assert called(asked) == [(f"{deployment.prefix}-ingest_kinesis", REGION)]
    assert asked.refused == []
    assert deployment.stored() == deployment.messages("failures") == 0


def test_redrive_of_a_stage_with_sqs_empties_its_dead_letter_queue(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.fed_by_sqs()
    deployment.applied()
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 0, capsys.readouterr().err
    assert "1 of 1 batch processed again" in capsys.readouterr().out
    (one,) = asked.invoked
    assert isinstance(one, Invocation)
    assert (one.function, one.region) == (f"{deployment.prefix}-ingest_sqs", REGION)
    assert one.event["Records"][0]["awsRegion"] == REGION
    assert deployment.messages("ticks-dead.fifo") == 0


def test_redrive_takes_nothing_from_a_bucket_of_another_account(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.give_up(f"{deployment.prefix}-ingest_kinesis")
    deployment.applied(account="999999999999")
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 1
    assert "AccessDenied" in capsys.readouterr().err
    assert (asked.refused, asked.invoked) == (["ListObjectsV2"], [])
    assert deployment.stored() == 1


@pytest.mark.parametrize("function", ["another-function", "{prefix}-api_handler", "api_handler"])
def test_redrive_leaves_a_batch_of_a_function_that_takes_none(
    function: str, deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    function = function.format(prefix=deployment.prefix)
    deployment.give_up(function)
    deployment.applied()
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 1
    assert (
        f"{function} is not a function of stage dev that takes batches" in capsys.readouterr().out
    )
    assert asked.invoked == []
    assert deployment.stored() == deployment.messages("failures") == 1


def test_compact_invokes_the_stages_function_in_its_region(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.applied()
    asked = aws({"busy": False, "days": [], "ticks": 0, "left": False})
    assert local(["compact", "--stage", "dev"]) == 0, capsys.readouterr().err
    assert called(asked) == [(f"{deployment.prefix}-compact", REGION)]
    assert asked.invoked[0].event["region"] == REGION


def test_rebuild_reads_the_stages_tables_in_its_region(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.applied(environment=deployment.tables())
    assert local(["rebuild", "AAPL", "--stage", "dev"]) == 1
    assert "AAPL: no ticks are stored" in capsys.readouterr().err


def test_outputs_of_an_older_version_ask_for_a_deployment(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.applied(account="", queues={})
    assert local(["redrive", "--stage", "dev"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("an older version deployed dev: make deploy STAGE=dev")


def test_missing_terraform_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def none(*_: Any) -> Any:
        raise FileNotFoundError("terraform")

    monkeypatch.setattr("infra.deploy.stage.variables_file", lambda _stage: Path(__file__))
    monkeypatch.setattr(Terraform, "outputs", none)
    assert local(["compact", "--stage", "unread"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("--stage needs terraform, which reads the stage's outputs")
