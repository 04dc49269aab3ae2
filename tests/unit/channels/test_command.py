"""`python -m local channels` over tables in memory."""

from __future__ import annotations

import io
from typing import Any

import pytest

import commands
from chalicelib.adapters.channels import Channels
from commands import channels_command, target
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport

ADDRESS = "tgram://123456789:a-token-nobody-may-see/1"
SECRET = "a-secret-of-forty-characters-or-thereabouts"
ENVIRONMENT = {"RULES_TABLE": "rules", "ALERTS_TABLE": "alerts", "CHANNELS_KEY": "alias/test"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """What the system that the command finds runs on."""
    made = Aws()
    transport = Transport(made)
    monkeypatch.setattr(target, "find_running", lambda _: {"environment": ENVIRONMENT})
    monkeypatch.setattr(target, "connect", lambda _: lambda service: getattr(transport, service))
    return made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, given: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    return commands.run("channels", list(arguments))


def test_a_channel_is_added_listed_tested_and_deleted_without_showing_its_address(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "add", "--name", "phone", "--default", given=f"{ADDRESS}\n") == 0
    channel_id = capsys.readouterr().out.split()[0]
    assert run(monkeypatch, "list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "sns  SNS topic  Amazon SNS  default",
        f"{channel_id}  phone  Telegram  default",
    ]
    assert run(monkeypatch, "test", channel_id) == 0
    assert "recorded the test alert" in capsys.readouterr().out
    (alert,) = alerts_of(aws)
    assert (alert["condition"]["S"], alert["channels"]["S"]) == ("test", channel_id)
    assert run(monkeypatch, "delete", channel_id) == 0
    assert run(monkeypatch, "delete", channel_id) == 1
    shown = capsys.readouterr()
    assert "there is no channel" in shown.err
    assert ADDRESS not in repr(vars(aws.tables["rules"]))


def test_a_channel_is_added_without_pictures(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "add", "--name", "phone", "--no-picture", given=f"{ADDRESS}\n") == 0
    channel = Channels(aws.dynamodb, "rules").table().entries[-1]
    assert (channel.service, channel.picture) == ("Telegram", False)


def test_limit_digest_and_quiet_hours_are_set_shown_and_switched_off(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = ("--quiet", "mon,tue 22:00-07:00 Europe/Berlin", "--quiet", "sun 00:00-00:00 UTC")
    set_up = ("--limit", "5/10", "--digest", "08:00@Europe/Berlin", *quiet)
    assert run(monkeypatch, "add", "--name", "phone", *set_up, given=f"{ADDRESS}\n") == 0
    told = capsys.readouterr().out.strip()
    channel_id = told.split()[0]
    assert told.endswith(
        "limit 5/10  digest 08:00@Europe/Berlin  quiet mon,tue 22:00-07:00 Europe/Berlin"
        "  quiet sun 00:00-00:00 UTC"
    )
    assert run(monkeypatch, "change", channel_id, "--digest", "at_close", "--quiet", "none") == 0
    assert capsys.readouterr().out.strip().endswith("limit 5/10  digest at_close")
    assert run(monkeypatch, "change", "sns", "--limit", "1/60") == 0
    assert capsys.readouterr().out == "sns  SNS topic  Amazon SNS  default  limit 1/60\n"
    off = ("--limit", "none", "--digest", "as_it_happens")
    assert run(monkeypatch, "change", "sns", *off) == 0
    assert capsys.readouterr().out == "sns  SNS topic  Amazon SNS  default\n"


@pytest.mark.parametrize(
    ("flags", "field"),
    [
        (("--limit", "many"), "limit"),
        (("--limit", "0/10"), "limit.messages"),
        (("--digest", "weekly"), "digest"),
        (("--digest", "8@UTC"), "digest.daily_at"),
        (("--quiet", "nights"), "quiet_hours"),
        (("--quiet", "mon 22:00-7:00 UTC"), "quiet_hours.end"),
    ],
)
def test_a_flag_that_is_wrong_is_refused_with_the_field(
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, str],
    field: str,
) -> None:
    assert run(monkeypatch, "change", "sns", *flags) == 2
    assert f"{field}: " in capsys.readouterr().err


def alerts_of(aws: Aws) -> list[Any]:
    found = aws.dynamodb.query(
        TableName="alerts",
        KeyConditionExpression="symbol = :s",
        ExpressionAttributeValues={":s": {"S": "TEST"}},
    )
    items: list[Any] = found["Items"]
    return items


@pytest.mark.usefixtures("aws")
def test_a_webhook_reads_its_secret_from_the_next_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = f"https://hooks.example/x\n{SECRET}\n"
    assert run(monkeypatch, "add", "--name", "desk", given=given) == 0
    shown = capsys.readouterr().out
    assert "desk  webhook" in shown
    assert SECRET not in shown


@pytest.mark.usefixtures("aws")
def test_refusal_ends_with_status_2_and_shows_no_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = "dbus://a-token-nobody-may-see\n"
    assert run(monkeypatch, "add", "--name", "desk", given=given) == 2
    shown = capsys.readouterr().err
    assert "address" in shown
    assert "a-token-nobody-may-see" not in shown


def test_a_start_says_which_stored_channels_get_alerts(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have come with a data folder that somebody else made."""

    def said() -> str | None:
        return channels_command.kept(Transport(aws).dynamodb, ENVIRONMENT)

    assert said() is None
    run(monkeypatch, "add", "--name", "phone", given=f"{ADDRESS}\n")
    assert said() == "1 stored channel gets alerts (Telegram): python -m local channels list"
    run(monkeypatch, "add", "--name", "desk", given=f"https://hooks.example/a\n{SECRET}\n")
    assert (said() or "").startswith("2 stored channels get alerts (Telegram, webhook)")
    run(monkeypatch, "add", "--name", "late", "--digest", "at_close", given=f"{ADDRESS}\n")
    services, held = "Telegram, webhook", "1 of them with limits, digests or quiet hours"
    assert (said() or "").startswith(f"3 stored channels get alerts ({services}), {held}: ")
