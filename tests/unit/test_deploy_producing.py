"""The producer's command and environment for a stage."""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

import botocore.session
import msgspec
import pytest

from infra.deploy.producing import PROFILE, command, environment
from tests.deploy_support.stages import make_stage


def profiles(directory: Path) -> configparser.RawConfigParser:
    """The file that was written."""
    found = configparser.RawConfigParser()
    found.read(directory / "config")
    return found


def test_stream_is_the_default_command_and_the_stages_sink_is_given() -> None:
    expected = [sys.executable, "-m", "producer", "stream", "--sink", "kinesis"]
    assert command(make_stage(), []) == expected
    assert command(make_stage(), ["--interval", "5"])[3:6] == ["stream", "--interval", "5"]
    assert command(make_stage(), ["replay", "f.csv"])[3:5] == ["replay", "f.csv"]


def test_stage_without_a_stream_sends_to_its_queue() -> None:
    stage = msgspec.structs.replace(make_stage(), environment={"TICKS_QUEUE_URL": "https://q"})
    assert command(stage, [])[-2:] == ["--sink", "sqs"]


def test_keys_of_the_environment_become_the_source_of_the_role(tmp_path: Path) -> None:
    own = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    found = environment(make_stage(), own, tmp_path, config=tmp_path / "none")
    assert "AWS_ACCESS_KEY_ID" not in found
    assert found["TICKS_STREAM"] == "ticktape-dev-ticks"
    assert found["AWS_DEFAULT_REGION"] == found["AWS_REGION"] == "eu-west-1"
    role = profiles(tmp_path)[f"profile {PROFILE}"]
    assert role["role_arn"].endswith("ticktape-dev-producer")
    assert profiles(tmp_path)[f"profile {role['source_profile']}"]["aws_access_key_id"] == "id"
    assert (tmp_path / "config").stat().st_mode & 0o777 == 0o600


def test_callers_profile_is_the_source_where_there_are_no_keys(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("[profile work]\nregion = eu-west-1\n")
    environment(make_stage(), {"AWS_PROFILE": "work"}, tmp_path, config=tmp_path / "own")
    assert profiles(tmp_path)[f"profile {PROFILE}"]["source_profile"] == "work"
    assert profiles(tmp_path)["profile work"]["region"] == "eu-west-1"


def test_instance_without_anything_else_uses_its_own_role(tmp_path: Path) -> None:
    environment(make_stage(), {}, tmp_path, config=tmp_path / "none")
    source = profiles(tmp_path)[f"profile {PROFILE}"]["credential_source"]
    assert source == "Ec2InstanceMetadata"


def test_botocore_takes_the_profile_over_the_callers_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    found = environment(make_stage(), own, tmp_path, config=tmp_path / "none")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", found["AWS_CONFIG_FILE"])
    monkeypatch.setenv("AWS_PROFILE", found["AWS_PROFILE"])
    credentials = botocore.session.get_session().get_credentials()
    assert credentials is not None
    assert credentials.method == "assume-role"
