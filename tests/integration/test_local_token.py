"""`python -m local token` over an emulated table."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

import commands
from chalicelib.adapters.keys import Keys
from chalicelib.services.access.key_ring import KeyRing, fingerprint
from commands import token_command
from rigs.emulated import Emulated

ROOT = Path(__file__).parents[2]
FIRST = "the first token"


@pytest.fixture
def ring(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> KeyRing:
    """The ring of the system that the command finds."""
    table = emulated.provisioned().keys_table
    environment = {"KEYS_TABLE": table, "WRITE_TOKEN_SHA256": fingerprint(FIRST)}
    monkeypatch.setattr(
        "commands.token_command.find_running", lambda options: {"environment": environment}
    )
    dynamodb = emulated.clients.dynamodb
    monkeypatch.setattr("commands.token_command.connect", lambda facts: lambda service: dynamodb)
    return KeyRing(Keys(dynamodb, table), lambda: datetime.now(UTC), fingerprint(FIRST))


def test_the_token_of_a_new_key_goes_to_standard_output_alone_and_works(
    ring: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    scopes = ["--scope", "read", "--scope", "write:rules,reports"]
    added = ["add", "--name", "the desk", *scopes, "--expires", "30d", "--requests-per-minute", "9"]
    assert commands.run("token", added) == 0
    shown = capsys.readouterr()
    token = shown.out.strip()
    key = ring.holder(token)
    assert key is not None
    assert (key.name, key.scopes) == ("the desk", ("read", "write:rules", "reports"))
    assert key.requests_per_minute == 9
    assert key.expires_at is not None
    assert token not in shown.err


def test_keys_are_listed_without_tokens_and_revoked(
    ring: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    key, token = ring.create({"name": "grafana", "scopes": ["read"]})
    assert commands.run("token", ["list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "deployment  deployment  admin  no expiry  the stage's rate"
    assert second == f"{key.key_id}  grafana  read  no expiry  600 requests a minute"
    assert commands.run("token", ["revoke", key.key_id]) == 0
    assert ring.holder(token) is None
    assert commands.run("token", ["revoke", key.key_id]) == 1
    assert f"there is no key {key.key_id}" in capsys.readouterr().err


def test_a_start_says_how_many_stored_keys_open_the_api(
    ring: KeyRing, emulated: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_command, "_ring", lambda dynamodb, environment: ring)

    def said() -> str | None:
        return token_command.kept(emulated.clients.dynamodb, {})

    assert said() is None
    ring.create({"name": "grafana", "scopes": ["read"]})
    assert said() == "1 stored key opens the API besides this token: python -m local token list"
    ring.create({"name": "the desk", "scopes": ["admin"]})
    assert (said() or "").startswith("2 stored keys open the API")
    monkeypatch.setattr(ring, "has_expired", lambda key: key.name == "grafana")
    assert (said() or "").startswith("1 stored key opens")


def test_the_first_key_is_not_revoked_here(
    ring: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("token", ["revoke", "deployment"]) == 1
    assert "make token" in capsys.readouterr().err
    assert ring.holder(FIRST) is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--name", "a;b", "--scope", "read"], "--name: 'a;b' is not allowed; allowed: 1 to 64"),
        (["--name", "a", "--scope", "all"], "--scope: ['all'] is not allowed; allowed: a list"),
        (["--name", "a", "--scope", "read", "--expires", "soon"], "--expires: 'soon' is not"),
        (["--name", "a", "--scope", "read", "--requests-per-minute", "0"], "from 1 to 6000"),
    ],
)
def test_a_flag_at_fault_is_named(
    ring: KeyRing, capsys: pytest.CaptureFixture[str], given: list[str], said: str
) -> None:
    assert commands.run("token", ["add", *given]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        (["token"], "-m infra.deploy --stage dev  token"),
        (["token", "STAGE=prod"], "-m infra.deploy --stage prod  token"),
        (["token", "ARGS=list"], "-m local token list --stage dev"),
        (["token", "ARGS=list", "STAGE=prod"], "-m local token list --stage prod"),
    ],
)
def test_make_token_makes_the_first_key_and_with_arguments_the_others(
    given: list[str], runs: str
) -> None:
    outer = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS", "STAGE")
    done = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/bin/.run", *given],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={name: value for name, value in os.environ.items() if name not in outer},
    )  # fmt: skip
    assert runs.strip() in done.stdout.splitlines()[-1]
