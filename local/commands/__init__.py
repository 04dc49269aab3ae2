"""Commands for a running system: `python -m local <command>`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from local.commands.choosing import add_flags, connect, find_running
from local.commands.statuses import FAILED, INTERRUPTED, OK, USAGE
from local.errors import UsageError
from producer.errors import UsageError as ProducerUsageError
from producer.sinks.aws import why


def test_alert(arguments: list[str]) -> int:
    """Send one message to the alerts topic, as a rule does when it fires."""
    from chalicelib.adapters.topic import Topic
    from chalicelib.domain.deliveries import DeliveryError
    from chalicelib.domain.messages import compose_test

    parser = argparse.ArgumentParser(
        prog="python -m local test-alert",
        description="Sends one test message to the running system's topic; all subscribers get it.",
    )
    parser.add_argument("--symbol", default="TEST", help="the symbol in the message")
    add_flags(parser)
    options = parser.parse_args(arguments)
    facts = find_running(options)
    sns = connect(facts)("sns")
    arns = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    topic = next((arn for arn in arns if arn.endswith("-alerts")), None)
    if topic is None:
        print("python -m local test-alert: the system has no alerts topic", file=sys.stderr)
        return FAILED
    message = compose_test(options.symbol, datetime.now(UTC), str(facts.get("page") or ""))
    try:
        Topic(sns, topic).send(message)
    except DeliveryError as error:
        print(f"python -m local test-alert: {error}", file=sys.stderr)
        return FAILED
    subscribers = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    print(f"sent to {topic}, which has {len(subscribers)} subscription(s)")
    print(message.text)
    return OK


def redrive(arguments: list[str]) -> int:
    """Process dead-lettered batches and messages again."""
    from local.commands import redrive_command

    return redrive_command.redrive(arguments)


def rebuild(arguments: list[str]) -> int:
    """Compute bars and state again from prices."""
    from local.commands import rebuild_command

    return rebuild_command.rebuild(arguments)


def sql(arguments: list[str]) -> int:
    """Run an Athena SQL statement."""
    from local.commands import sql_command

    return sql_command.sql(arguments)


def forget(arguments: list[str]) -> int:
    """Delete the stored data of symbols."""
    from local.commands import forget_command

    return forget_command.forget(arguments)


def compact(arguments: list[str]) -> int:
    """Turn finished days of the raw archive into Parquet."""
    from local.commands import compact_command

    return compact_command.compact(arguments)


def env(arguments: list[str]) -> int:
    """Print how other programs reach the system's AWS."""
    from local.commands import env_command

    return env_command.env(arguments)


def token(arguments: list[str]) -> int:
    """Add, list and revoke keys of the API."""
    from local.commands import token_command

    return token_command.token(arguments)


def channels(arguments: list[str]) -> int:
    """List, add, change, test and delete channels."""
    from local.commands import channels_command

    return channels_command.channels(arguments)


def mutes(arguments: list[str]) -> int:
    """List, add and remove mutes."""
    from local.commands import mutes_command

    return mutes_command.mutes(arguments)


def rules(arguments: list[str]) -> int:
    """Plan, apply and export rules of a file."""
    from local.commands import rules_command

    return rules_command.rules(arguments)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "channels": channels,
    "compact": compact,
    "env": env,
    "forget": forget,
    "mutes": mutes,
    "rebuild": rebuild,
    "redrive": redrive,
    "rules": rules,
    "sql": sql,
    "test-alert": test_alert,
    "token": token,
}


def run(name: str, arguments: list[str]) -> int:
    """Run a command and return its exit status."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return COMMANDS[name](arguments)
    except (UsageError, ProducerUsageError) as error:
        return _fail(name, str(error), USAGE)
    except (BotoCoreError, ClientError) as error:
        return _fail(name, f"AWS: {why(error)}", FAILED)
    except KeyboardInterrupt:
        return _fail(name, "interrupted", INTERRUPTED)


def _fail(name: str, text: str, status: int) -> int:
    print(f"python -m local {name}: {text}", file=sys.stderr)
    return status
