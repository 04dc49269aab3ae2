"""Checks how a deployment has created the collector: its code, its schedule, and its rights."""

from __future__ import annotations

import json
import zipfile

from infra.deploy import collector, collector_package
from tests.deploy_support.authorization import problems
from tests.deploy_support.life import RESOURCES, Life, listed
from tests.deploy_support.stage_life import COLLECTED, STAGE

NAME = f"ticktape-{STAGE}-collector"


def function_has_the_code_that_was_built_and_its_settings(life: Life) -> None:
    found = life.client("lambda").get_function_configuration(FunctionName=NAME)
    package = life.stage.directory / ".chalice" / "collector" / "arm64.zip"
    assert found["CodeSha256"] == collector.sha256(package)
    wanted = RESOURCES["collector"]
    sizes = (found["Handler"], found["Runtime"], found["MemorySize"], found["Timeout"])
    assert sizes == (wanted["handler"], wanted["runtime"], 512, 90)
    assert found["Architectures"] == ["arm64"]
    assert found["Role"].endswith(f":role/{NAME}")
    assert found["Environment"]["Variables"] == COLLECTED | {
        "STAGE": STAGE,
        "SYMBOLS_TABLE": f"ticktape-{STAGE}-symbols",
        "TICKS_STREAM": f"ticktape-{STAGE}-ticks",
    }


def code_that_stands_is_not_sent_again(life: Life) -> None:
    assert "the collector's code\n  unchanged" in life.deployed.errors


def package_holds_the_producer_the_domain_and_the_libraries(life: Life) -> None:
    path = life.stage.directory / ".chalice" / "collector" / "arm64.zip"
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
    assert set(collector_package.own_files()) <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "chalicelib",
        "msgspec",
        "producer",
        "tzdata",
        "untrusted",
    }
    assert {name.split("/")[1] for name in names if name.startswith("chalicelib/")} == {
        "__init__.py",
        "domain",
    }
    assert any(name.endswith(".cpython-313-aarch64-linux-gnu.so") for name in names)


def it_is_started_each_minute_and_by_its_schedule_alone(life: Life) -> None:
    events = life.client("events")
    rule = events.describe_rule(Name=NAME)
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=NAME)["Targets"]
    assert target["Arn"].endswith(f":function:{NAME}")
    policy = json.loads(life.client("lambda").get_policy(FunctionName=NAME)["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"] == rule["Arn"]


def start_that_failed_or_is_late_is_not_repeated(life: Life) -> None:
    found = life.client("lambda").get_function_event_invoke_config(FunctionName=NAME)
    assert found["MaximumRetryAttempts"] == 0
    assert found["MaximumEventAgeInSeconds"] == 60


def collector_may_send_ticks_and_touch_its_lists_alone(life: Life) -> None:
    policy = life.client("iam").get_role_policy(RoleName=NAME, PolicyName="own")["PolicyDocument"]
    statements = policy["Statement"]
    assert problems(statements) == []
    by_list = {}
    others = set()
    for statement in statements:
        if "Condition" in statement:
            conditions = statement["Condition"]
            assert listed(conditions["Null"]["dynamodb:LeadingKeys"]) == ["false"]
            (name,) = listed(conditions["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"])
            by_list[name] = sorted(listed(statement["Action"]))
            assert listed(statement["Resource"])[0].endswith(f":table/ticktape-{STAGE}-symbols")
        else:
            others.update(listed(statement["Action"]))
    assert by_list == RESOURCES["collector"]["lists"]
    assert others == {
        "kinesis:PutRecords",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
