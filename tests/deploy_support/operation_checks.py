"""Checks what operators need: logs, alarms and settings."""

from __future__ import annotations

import re

from chalicelib import settings
from infra import resources as local_resources
from tests.deploy_support.emulated_aws import ROOT
from tests.deploy_support.life import FUNCTIONS, Life, function_name
from tests.deploy_support.stage_life import SETTINGS, STAGE


def logs_are_kept_for_a_while_only(life: Life) -> None:
    groups = life.client("logs").describe_log_groups()["logGroups"]
    assert {g["logGroupName"]: g.get("retentionInDays") for g in groups} == {
        f"/aws/lambda/{function_name(key)}": 365 for key in (*FUNCTIONS, "collector")
    }


def every_alarm_tells_operations_and_stands_in_the_runbook(life: Life) -> None:
    alarms = life.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
    runbook = (ROOT / "docs" / "operating.md").read_text()
    kinds = set()
    for alarm in alarms:
        assert alarm["AlarmActions"] == [life.outputs["topics"]["operations"]]
        kind = alarm["AlarmName"].removeprefix(f"ticktape-{STAGE}-")
        kind = re.sub("|".join(f"-{key}$" for key in (*FUNCTIONS, "collector")), "", kind)
        kinds.add(kind)
        assert f"### {kind}\n" in runbook, f"docs/operating.md has no section on {kind}"
    assert {"errors", "throttles", "iterator-age", "failures", "dead-letters", "silence"} <= kinds
    silence = next(a for a in alarms if a["AlarmName"].endswith("-silence"))
    expressions = [m["Expression"] for m in silence["Metrics"] if "Expression" in m]
    assert any("HOUR(arrived) >= 15" in text for text in expressions)


def environment_is_what_the_application_and_the_local_system_know(life: Life) -> None:
    environment = life.stage.configuration()["environment_variables"]
    known = {name.upper() for name in settings.Settings.__struct_fields__}
    assert set(environment) <= known
    assert settings.load(environment).stage == STAGE
    local: set[str] = set()
    for ingest in ("kinesis", "sqs"):
        local |= set(
            local_resources.environment(
                local_resources.load(STAGE),
                ingest=ingest,
                queue_urls=dict.fromkeys(local_resources.load(STAGE).queues, "url"),
                topic_arn="arn",
                stream_arns={"prices": "arn", "alerts": "arn"},
                channels_key="key",
            )
        )
    assert local <= set(environment)
    assert set(environment) - local <= {
        *SETTINGS,
        "ACCOUNT_ID",
        "PAGE_URL",
        "CORS_ORIGIN",
        "READ_ACCESS",
    }
