"""Athena's API at the emulator's endpoint, through botocore."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_support.lake import Lake

SLOW = "SELECT sum(a.x * b.x) FROM {0} AS a (x) CROSS JOIN {0} AS b (x)".format(
    "UNNEST(sequence(1, 400000))"
)
"""Minutes of work, within little memory."""


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_results_are_written_as_athenas_csv(lake: Lake) -> None:
    execution = lake.run("SELECT 'say \"hi\"' a, null b, 1.50 c, '' d, 'x,\n' e")
    address = execution["ResultConfiguration"]["OutputLocation"]
    number = execution["QueryExecutionId"]
    assert address == lake.address(f"results/{number}.csv")
    assert lake.read(address) == b'"a","b","c","d","e"\n"say ""hi""",,"1.50","","x,\n"\n'
    assert lake.results(number)[1] == ['say "hi"', None, "1.50", "", "x,\n"]


def test_an_execution_tells_what_was_asked_and_done(lake: Lake) -> None:
    execution = lake.run("  SELECT 1 ;")
    assert execution["Query"] == "SELECT 1 ;"
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "SELECT")
    assert execution["WorkGroup"] == lake.workgroup
    assert execution["QueryExecutionContext"] == {"Database": lake.database}
    status = execution["Status"]
    assert status["CompletionDateTime"] >= status["SubmissionDateTime"]
    statistics = execution["Statistics"]
    assert statistics["DataScannedInBytes"] == 0
    assert statistics["TotalExecutionTimeInMillis"] >= statistics["EngineExecutionTimeInMillis"] > 0
    assert not [key for key in execution if key.startswith("_")]


def test_results_come_in_pages(lake: Lake) -> None:
    number = lake.run("SELECT x, 'a\"b' FROM UNNEST(sequence(1, 2500)) AS t (x) ORDER BY 1")[
        "QueryExecutionId"
    ]
    first = lake.athena.get_query_results(QueryExecutionId=number)
    assert len(first["ResultSet"]["Rows"]) == 1000
    assert first["ResultSet"]["Rows"][0]["Data"][0] == {"VarCharValue": "x"}
    few = lake.athena.get_query_results(
        QueryExecutionId=number, MaxResults=2, NextToken=first["NextToken"]
    )
    assert [row["Data"][0]["VarCharValue"] for row in few["ResultSet"]["Rows"]] == ["1000", "1001"]
    assert [row[0] for row in lake.results(number)[1:]] == [str(x) for x in range(1, 2501)]
    for wrong in ({"NextToken": "x"}, {"MaxResults": 1, "NextToken": "99999999"}):
        with pytest.raises(ClientError, match="NextToken") as error:
            lake.athena.get_query_results(QueryExecutionId=number, **wrong)
        assert code(error) == "InvalidRequestException"


def test_parameters_are_literals_in_the_order_of_their_marks(lake: Lake) -> None:
    sql = "WITH w AS (SELECT ? x) SELECT x, ?, '?', -? FROM w WHERE x <> ? -- ?"
    found = lake.rows(sql, "'it''s'", "date '2024-01-01'", "-1.5", "'b'")
    assert found == [["it's", "2024-01-01", "?", "1.5"]]
    assert "expected 4 but found 1" in lake.reason(sql, "1")
    for injected in ("1 FROM t", "(SELECT 1)", "x", "1; DROP TABLE t", "'a' || 'b'", "now()"):
        assert lake.reason("SELECT ?", injected).split(":")[0] in (
            "INVALID_PARAMETER_USAGE",
            "SYNTAX_ERROR",
        )


def test_a_token_starts_a_query_once(lake: Lake) -> None:
    token = uuid.uuid4().hex
    number = lake.start("SELECT 1", ClientRequestToken=token)
    assert lake.start("SELECT 1", ClientRequestToken=token) == number
    with pytest.raises(ClientError, match="Idempotent parameters do not match") as error:
        lake.start("SELECT 2", ClientRequestToken=token)
    assert code(error) == "InvalidRequestException"


def test_a_recent_result_is_used_again_where_that_is_asked_for(lake: Lake) -> None:
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 5}}
    sql = "SELECT x + 40 FROM (VALUES (1), (2)) AS t (x) WHERE x > ?"
    first = lake.run(sql, "1", ResultReuseConfiguration=reuse)
    again = lake.run(sql, "1", ResultReuseConfiguration=reuse)
    assert not first["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    assert again["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    assert again["QueryExecutionId"] != first["QueryExecutionId"]
    assert again["ResultConfiguration"] == first["ResultConfiguration"]
    assert lake.results(again["QueryExecutionId"]) == [["_col0"], ["42"]]
    for other in (lake.run(sql, "0", ResultReuseConfiguration=reuse), lake.run(sql, "1")):
        assert not other["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]


def test_a_query_is_stopped_while_the_emulator_answers_others(lake: Lake) -> None:
    number = lake.start(SLOW)
    while (
        lake.athena.get_query_execution(QueryExecutionId=number)["QueryExecution"]["Status"][
            "State"
        ]
        == "QUEUED"
    ):
        time.sleep(0.02)
    for at in range(5):
        lake.put(f"beside/{at}", b"x")
    assert lake.rows("SELECT 1") == [["1"]]
    with pytest.raises(ClientError, match=r"not yet finished\. Current state: RUNNING"):
        lake.athena.get_query_results(QueryExecutionId=number)
    lake.athena.stop_query_execution(QueryExecutionId=number)
    status = lake.ended(number)["Status"]
    assert (status["State"], status["StateChangeReason"]) == (
        "CANCELLED",
        "Query cancelled by user",
    )
    lake.athena.stop_query_execution(QueryExecutionId=number)  # as on AWS: no error
    assert lake.ended(number)["Status"] == status


def test_more_than_a_workgroup_allows_is_not_scanned(lake: Lake) -> None:
    limit = 10_000_000
    results = {"OutputLocation": lake.address("limited/")}
    limited: dict[str, Any] = {"ResultConfiguration": results, "BytesScannedCutoffPerQuery": limit}
    name = f"limited-{lake.database}"
    lake.athena.create_work_group(Name=name, Configuration=limited)
    lake.make_table("big", {"a": "string"}, {})
    line = b'{"a": "' + b"x" * 100_000 + b'"}\n'
    for at in range(3):
        lake.put(f"big/{at}.json", line * 40)
    number = lake.start("SELECT max(length(a)) FROM big", workgroup=name)
    execution = lake.ended(number)
    assert execution["Status"]["State"] == "CANCELLED"
    assert execution["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert limit < execution["Statistics"]["DataScannedInBytes"] <= 3 * len(line) * 40
    assert lake.rows("SELECT max(length(a)), count(*) FROM big") == [["100000", "120"]]


def test_workgroups_are_made_changed_and_deleted(lake: Lake) -> None:
    name = f"made-{lake.database}"
    lake.athena.create_work_group(Name=name, Configuration={}, Description="d")
    with pytest.raises(ClientError, match="already created"):
        lake.athena.create_work_group(Name=name)
    with pytest.raises(ClientError, match="No output location provided") as error:
        lake.start("SELECT 1", workgroup=name)
    assert code(error) == "InvalidRequestException"
    lake.athena.update_work_group(
        WorkGroup=name,
        ConfigurationUpdates={
            "EnforceWorkGroupConfiguration": False,
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfigurationUpdates": {"OutputLocation": lake.address("theirs/")},
        },
    )
    found = lake.athena.get_work_group(WorkGroup=name)["WorkGroup"]
    assert found["Configuration"]["BytesScannedCutoffPerQuery"] == 10_000_000
    assert not found["Configuration"]["EnforceWorkGroupConfiguration"]
    own = {"ResultConfiguration": {"OutputLocation": lake.address("own/")}}
    for more, folder in (({}, "theirs/"), (own, "own/")):
        execution = lake.run("SELECT 1", workgroup=name, **more)
        assert execution["ResultConfiguration"]["OutputLocation"].startswith(lake.address(folder))
    enforced = lake.run("SELECT 1", **own)["ResultConfiguration"]["OutputLocation"]
    assert enforced.startswith(lake.address("results/"))
    listed = lake.athena.list_work_groups()["WorkGroups"]
    assert {name, "primary"} <= {group["Name"] for group in listed}
    lake.athena.delete_work_group(WorkGroup=name)
    with pytest.raises(ClientError, match=f"WorkGroup {name} is not found") as error:
        lake.athena.get_work_group(WorkGroup=name)
    assert code(error) == "InvalidRequestException"


def test_invalid_requests_are_refused(lake: Lake) -> None:
    calls: list[tuple[str, dict[str, Any], str]] = [
        ("get_query_execution", {"QueryExecutionId": "nope"}, "QueryExecution nope was not found"),
        ("get_query_results", {"QueryExecutionId": "nope"}, "was not found"),
        ("stop_query_execution", {"QueryExecutionId": "nope"}, "was not found"),
        ("start_query_execution", {"QueryString": " "}, "QueryString is empty"),
        ("start_query_execution", {"QueryString": "SELECT 1", "WorkGroup": "x"}, "not found"),
        ("list_data_catalogs", {}, "not an operation of this emulation"),
    ]
    for name, request, reason in calls:
        with pytest.raises(ClientError, match=reason) as error:
            getattr(lake.athena, name)(**request)
        assert code(error) == "InvalidRequestException"


def test_executions_are_listed_and_got_together(lake: Lake) -> None:
    numbers = [lake.run(f"SELECT {at}")["QueryExecutionId"] for at in range(2)]
    listed = lake.athena.list_query_executions(WorkGroup=lake.workgroup)["QueryExecutionIds"]
    assert listed[:2] == numbers[::-1]
    answer = lake.athena.batch_get_query_execution(QueryExecutionIds=[*numbers, "nope"])
    assert [one["Query"] for one in answer["QueryExecutions"]] == ["SELECT 0", "SELECT 1"]
    assert [one["QueryExecutionId"] for one in answer["UnprocessedQueryExecutionIds"]] == ["nope"]
