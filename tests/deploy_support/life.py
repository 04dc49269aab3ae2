"""The history of a test's stage, and queries about the stage."""

from __future__ import annotations

import json
import time
from typing import Any

from chalicelib.event_sources import EVENT_SOURCES
from tests.deploy_support.emulated_aws import ROOT, EmulatedAws
from tests.deploy_support.recorded_calls import Call
from tests.deploy_support.stage_life import STAGE, Outcome, StageLife
from tests.patience import PATIENCE_SECONDS

RESOURCES = json.loads((ROOT / "infra" / "resources.json").read_text())
FUNCTIONS = {key: one for key, one in RESOURCES["functions"].items() if key != "push"}
"""The stage's functions without those that push: the emulator's CloudFormation has no event
APIs."""

SOURCES = [handler for handler in EVENT_SOURCES if handler in FUNCTIONS]


class Life:
    """What has happened to the stage, in order."""

    def __init__(
        self, aws: EmulatedAws, stage: StageLife, broken: Outcome, deployed: Outcome
    ) -> None:
        self.aws = aws
        self.stage = stage
        self.broken = broken
        self.deployed = deployed
        self.outputs = stage.outputs()
        self.token = ""
        self.calls: set[Call] = set()

    def client(self, service: str) -> Any:
        """Return a client of the emulated AWS."""
        return self.stage.client(service)


def function_name(key: str) -> str:
    """Return the name that Chalice gives a function."""
    return f"ticktape-{STAGE}" if key == "api_handler" else f"ticktape-{STAGE}-{key}"


def all_mappings(life: Life) -> dict[str, dict[str, Any]]:
    """Return the event source mappings by handler. Fails if a handler has two."""
    found = life.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    by_function = {mapping["FunctionArn"].split(":")[6]: mapping for mapping in found}
    assert len(found) == len(by_function)
    return {key: by_function[function_name(key)] for key in SOURCES}


def statements(life: Life, role: str) -> list[tuple[list[str], list[str]]]:
    """Return the actions and resources of each statement in a role's policies."""
    iam, found = life.client("iam"), []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for statement in document["Statement"]:
            assert statement["Effect"] == "Allow"
            found.append((listed(statement["Action"]), listed(statement["Resource"])))
    return found


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def roles(life: Life) -> list[str]:
    """Return the names of all roles of the stage."""
    return [role["RoleName"] for role in life.client("iam").list_roles()["Roles"]]


def eventually(happened: Any, seconds: float = PATIENCE_SECONDS) -> Any:
    """Call `happened` until it returns a true value or the time is up. Return the value."""
    deadline = time.monotonic() + seconds
    while not (found := happened()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found
