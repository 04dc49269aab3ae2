"""AWS_REGION and AWS_DEFAULT_REGION mean the same at every entry point."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

import commands
from commands import aws_environment
from infra.deploy.__main__ import main as deploy
from local.cli import main as local
from producer import region
from producer.cli import main as produce
from producer.errors import UsageError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_name_is_the_region_under_both(name: str) -> None:
    environ = {name: "eu-central-1"}
    region.adopt(environ)
    assert environ == {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}


def test_aws_region_wins_as_in_awss_command_line() -> None:
    environ = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-1"}
    region.adopt(environ)
    assert environ["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_nothing_is_made_up_where_neither_is_set() -> None:
    environ: dict[str, str] = {}
    region.adopt(environ)
    assert environ == {}


def test_a_missing_region_names_both_variables() -> None:
    with pytest.raises(UsageError, match="set AWS_REGION or AWS_DEFAULT_REGION"):
        region.require()


ENTRY_POINTS: list[Callable[[list[str]], int]] = [produce, local]


@pytest.mark.parametrize("main", ENTRY_POINTS, ids=["producer", "local"])
def test_an_entry_point_takes_aws_region_for_boto3(
    main: Callable[[list[str]], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert main(["--no-such-flag"]) == 2
    assert boto3.Session().region_name == "eu-central-1"


def test_the_deployment_takes_aws_region_for_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert deploy(["token", "--stage", "nonesuch"]) == 1
    assert boto3.Session().region_name == "eu-central-1"


def test_a_local_command_takes_aws_region_for_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    found: list[str | None] = []

    def command(_arguments: list[str]) -> int:
        found.append(boto3.Session().region_name)
        return 0

    monkeypatch.setitem(commands.COMMANDS, "compact", command)
    assert local(["compact"]) == 0
    assert found == ["eu-central-1"]


def test_the_users_own_endpoint_is_used_in_the_region_of_either_name() -> None:
    environ = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-west-2"}
    aws_environment.keep_users(environ)
    assert environ["AWS_DEFAULT_REGION"] == environ["AWS_REGION"] == "eu-central-1"


@pytest.mark.parametrize("command", ["redrive", "rebuild AAPL", "compact"])
def test_a_command_on_a_stage_needs_the_stages_outputs_and_no_region(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert local([*command.split(), "--stage", "nonesuch"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("there is no stage nonesuch here: make deploy STAGE=nonesuch")
