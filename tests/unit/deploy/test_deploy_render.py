"""Chalice's configuration, from Terraform's outputs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from infra.deploy.errors import DeployError
from infra.deploy.render import _check_concurrency, _check_settings, section, with_bounded_api
from infra.deploy.stage import Function, Stage
from tests.deploy_support.stages import make_stage


def test_every_function_has_its_own_role_and_sizes() -> None:
    stage = make_stage()
    functions = section(stage, stage.environment)["lambda_functions"]
    assert set(functions) == set(stage.functions)
    assert functions["detect"] == {
        "manage_iam_role": False,
        "iam_role_arn": "arn:aws:iam::123456789012:role/ticktape-dev-detect",
        "lambda_memory_size": 512,
        "lambda_timeout": 60,
    }


def test_role_of_the_api_stands_at_the_stage_where_chalice_reads_it() -> None:
    stage = make_stage()
    found = section(stage, stage.environment)
    assert found["iam_role_arn"].endswith("ticktape-dev-api_handler")
    assert found["manage_iam_role"] is False


def test_concurrency_is_reserved_only_where_it_is_asked_for() -> None:
    stage = make_stage()
    reserved = msgspec.structs.replace(stage.functions["detect"], reserved_concurrency=20)
    functions = stage.functions | {"detect": reserved}
    found = section(msgspec.structs.replace(stage, functions=functions), {})["lambda_functions"]
    assert found["detect"]["reserved_concurrency"] == 20
    assert "reserved_concurrency" not in found["api_handler"]


def test_reservation_of_the_api_is_not_that_of_every_function() -> None:
    """Chalice takes what stands at the stage for each function without a value of its own."""
    stage = make_stage()
    api = msgspec.structs.replace(stage.functions["api_handler"], reserved_concurrency=20)
    functions = stage.functions | {"api_handler": api}
    found = section(msgspec.structs.replace(stage, functions=functions), {})
    assert "reserved_concurrency" not in found
    assert found["lambda_functions"]["api_handler"]["reserved_concurrency"] == 20


class Lambda:
    """An account with this many executions, and functions without reservations."""

    class exceptions:  # noqa: N801  # botocore's name
        ResourceNotFoundException = KeyError

    def __init__(self, executions: int) -> None:
        self._executions = executions

    def get_account_settings(self) -> dict[str, Any]:
        limit = {"ConcurrentExecutions": self._executions}
        return {"AccountLimit": limit | {"UnreservedConcurrentExecutions": self._executions}}

    def get_function(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803  # AWS
        raise KeyError(FunctionName)


def bounded(stage: Stage, executions: int) -> tuple[int | None, list[str]]:
    """Return the API's reservation in an account, and the output."""
    stage._clients["lambda"] = Lambda(executions)
    stage, said = with_bounded_api(stage)
    return stage.functions["api_handler"].reserved_concurrency, said


def test_the_api_is_bounded_if_the_account_has_the_executions() -> None:
    said = ["the API has 50 reserved executions, which are also its limit"]
    assert bounded(make_stage(), 150) == (50, said)


def test_a_new_account_cannot_bound_the_api_and_that_is_reported() -> None:
    said = (
        "the API has no reserved executions, though 50 are configured: at most 0, since the "
        "account has 10 executions and 100 have to stay unreserved"
    )
    assert bounded(make_stage(), 10) == (None, [said])


def test_reservations_of_other_functions_leave_less_for_the_api() -> None:
    stage = make_stage()
    stage.functions["detect"] = msgspec.structs.replace(
        stage.functions["detect"], reserved_concurrency=20
    )
    assert bounded(stage, 169)[0] is None
    assert bounded(stage, 170)[0] == 50


def test_an_api_with_a_reservation_in_the_tfvars_or_without_a_bound_asks_nothing() -> None:
    stage = make_stage()
    api = msgspec.structs.replace(stage.functions["api_handler"], reserved_concurrency=7)
    assert bounded(make_stage(functions={"api_handler": api}), 0) == (7, [])
    common = msgspec.structs.replace(stage.chalice, api_concurrency=None)
    assert bounded(msgspec.structs.replace(stage, chalice=common), 0) == (None, [])


@pytest.mark.parametrize(("reserved", "is_refused"), [(7, True), (8, False), (None, False)])
def test_queue_with_more_batches_at_once_than_its_function_may_run_is_refused(
    reserved: int | None, is_refused: bool
) -> None:
    stage = make_stage()
    function = msgspec.structs.replace(stage.functions["detect"], reserved_concurrency=reserved)
    environment = stage.environment | {"INGEST_SQS_CONCURRENCY": "8"}
    stage = make_stage(functions={"ingest_sqs": function}, environment=environment)
    with pytest.raises(DeployError, match="reserve 8 or more") if is_refused else nullcontext():
        _check_concurrency(stage)


def test_setting_beyond_lambdas_limit_is_refused_with_its_name() -> None:
    given = make_stage().environment | {"INGEST_SQS_CONCURRENCY": "1"}
    said = "tfvars: INGEST_SQS_CONCURRENCY is 1; allowed: 2 to 1,000$"
    with pytest.raises(DeployError, match=said):
        _check_settings(given)


def test_stage_without_the_stream_has_no_section_for_its_handler() -> None:
    kept = {k: f for k, f in make_stage().functions.items() if k != "ingest_kinesis"}
    found = section(msgspec.structs.replace(make_stage(), functions=kept), {})
    assert "ingest_kinesis" not in found["lambda_functions"]


def test_empty_variables_are_left_out_since_lambda_would_keep_them() -> None:
    stage = make_stage()
    assert "PAGE_URL" not in section(stage, stage.environment)["environment_variables"]


def test_function_without_reserved_concurrency_shares_the_accounts() -> None:
    function = msgspec.convert(
        {"name": "f", "role_arn": "r", "memory_mb": 1, "timeout_seconds": 1}, Function
    )
    assert function.reserved_concurrency is None
