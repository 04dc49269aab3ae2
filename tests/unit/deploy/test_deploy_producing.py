"""The producer's command and environment for a stage."""

from __future__ import annotations

import configparser
import json
import os
import sys
from pathlib import Path

import botocore.session
import msgspec
import pytest
from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher

from infra.deploy.errors import DeployError
from infra.deploy.producing import PROFILE, command, environment, resolved
from tests.deploy_support.stages import make_stage

LATER = "2099-01-01T00:00:00Z"


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


KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
FILE_OF_KEYS = "aws_access_key_id = id\naws_secret_access_key = secret\n"


class Host:
    """A machine of the caller's: its variables and files, and no metadata service."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.directory = directory
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        self.set(AWS_CONFIG_FILE=str(directory / "own-config"), AWS_EC2_METADATA_DISABLED="true")
        self.set(AWS_SHARED_CREDENTIALS_FILE=str(directory / "credentials"))

    def set(self, **variables: str) -> None:
        """Set variables."""
        for name, value in variables.items():
            self._patch.setenv(name, value)

    def write(self, name: str, text: str) -> None:
        """Have a file."""
        (self.directory / name).write_text(text)

    def producer(self) -> configparser.SectionProxy:
        """The producer's profile, with which botocore has to find the role and its source."""
        found = environment(make_stage(), dict(os.environ), self.directory, resolved())
        for name in KEYS:
            self._patch.delenv(name, raising=False)
        self.set(AWS_CONFIG_FILE=found["AWS_CONFIG_FILE"], AWS_PROFILE=found["AWS_PROFILE"])
        credentials = botocore.session.get_session().get_credentials()
        assert credentials is not None
        assert credentials.method == "assume-role"
        return profiles(self.directory)[f"profile {PROFILE}"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_producer_gets_the_stages_names_and_region_and_none_of_the_callers_keys(
    tmp_path: Path,
) -> None:
    own = {**KEYS, "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": str(tmp_path / "none")}
    found = environment(make_stage(), own, tmp_path, "env")
    assert "AWS_ACCESS_KEY_ID" not in found
    assert found["TICKS_STREAM"] == "ticktape-dev-ticks"
    assert found["AWS_DEFAULT_REGION"] == found["AWS_REGION"] == "eu-west-1"
    assert profiles(tmp_path)[f"profile {PROFILE}"]["role_arn"].endswith("ticktape-dev-producer")
    assert (tmp_path / "config").stat().st_mode & 0o777 == 0o600


def test_keys_of_the_environment_become_the_source_of_the_role(host: Host) -> None:
    host.set(**KEYS)
    source = host.producer()["source_profile"]
    assert profiles(host.directory)[f"profile {source}"]["aws_access_key_id"] == "id"


def test_the_callers_profile_is_the_source_without_keys(host: Host) -> None:
    host.write("own-config", f"[profile work]\nregion = eu-west-1\n{FILE_OF_KEYS}")
    host.set(AWS_PROFILE="work")
    assert host.producer()["source_profile"] == "work"
    assert profiles(host.directory)["profile work"]["region"] == "eu-west-1"


def test_file_of_credentials_alone_is_the_source(host: Host) -> None:
    host.write("credentials", f"[default]\n{FILE_OF_KEYS}")
    assert host.producer()["source_profile"] == "default"


def test_configuration_without_credentials_does_not_hide_the_hosts_role(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.write("own-config", "[default]\nregion = eu-west-1\n")
    found = {"AccessKeyId": "id", "SecretAccessKey": "secret", "Token": "t", "Expiration": LATER}
    host.set(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://localhost/credentials")
    monkeypatch.setattr(ContainerMetadataFetcher, "retrieve_full_uri", lambda *_, **__: found)
    assert host.producer()["credential_source"] == "EcsContainer"


def test_role_of_an_instance_is_the_source(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"role_name": "r", "access_key": "id", "secret_key": "s", "token": "t"}
    found["expiry_time"] = LATER
    fetch = "retrieve_iam_role_credentials"
    monkeypatch.setattr(InstanceMetadataFetcher, fetch, lambda *_, **__: found)
    assert host.producer()["credential_source"] == "Ec2InstanceMetadata"


def test_web_identity_of_a_cluster_or_workflow_is_the_source(host: Host) -> None:
    host.write("token", "jwt")
    host.set(AWS_ROLE_ARN="arn:aws:iam::1:role/ci")
    host.set(AWS_WEB_IDENTITY_TOKEN_FILE=str(host.directory / "token"))
    name = host.producer()["source_profile"]
    source = profiles(host.directory)[f"profile {name}"]
    assert source["role_arn"] == "arn:aws:iam::1:role/ci"
    assert source["web_identity_token_file"].endswith("/token")


def test_process_that_gives_credentials_is_the_source(host: Host) -> None:
    answer = json.dumps({"Version": 1, "AccessKeyId": "id", "SecretAccessKey": "secret"})
    host.write("answer.json", answer)
    process = f"credential_process = cat {host.directory / 'answer.json'}"
    host.write("own-config", f"[default]\n{process}\n")
    assert host.producer()["source_profile"] == "default"


def test_missing_credentials_are_reported_in_a_line(host: Host) -> None:
    with pytest.raises(DeployError, match="no AWS credentials; run aws configure"):
        host.producer()
