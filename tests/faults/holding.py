"""A topic that holds alerts back, and a check of what became of each alert."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.digests import Digests
from chalicelib.bootstrap import Services
from chalicelib.domain.alerts import Alert
from chalicelib.domain.digests import Digest, digest_of
from chalicelib.services.delivery.receipts import receipts
from chalicelib.services.stores import Stores
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import make_alert

SNS = "sns"
QUARTERS: dict[str, Any] = {"digest": "every_15_minutes"}
ONE_IN_FIVE: dict[str, Any] = {"limit": {"messages": 1, "minutes": 5}}


def configure(services: Services, **fields: Any) -> None:
    """Have the topic hold back what these fields say."""
    services.channels.replace(SNS, {"name": "SNS topic", **fields})


def many_alerts(many: int, first: int = 0, **fields: Any) -> list[Alert]:
    """Alerts of several symbols and conditions."""
    return [
        make_alert(
            number / 1000,
            rule_id=f"r{number}",
            symbol=f"S{number % 7}",
            condition=("crossing_up", "less_than")[number % 2],
            **fields,
        )
        for number in range(first, first + many)
    ]


def data_of(message: dict[str, Any]) -> dict[str, Any]:
    """The JSON of a message that the topic took."""
    found: dict[str, Any] = json.loads(json.loads(message["Message"])["sqs"])
    return found


def is_digest(message: dict[str, Any]) -> bool:
    """Whether a message is a digest."""
    return "digest_id" in data_of(message)


def sent_alone(aws: Aws) -> Counter[str]:
    """The alert_ids of messages about one alert."""
    return Counter(data_of(one)["alert_id"] for one in aws.published if not is_digest(one))


def digests_sent(aws: Aws) -> Counter[Digest]:
    """The digests that were sent, each with as many alerts as it has members."""
    members = Digests(aws.dynamodb, SETTINGS.alerts_table)
    found: Counter[Digest] = Counter()
    for message in filter(is_digest, aws.published):
        data = data_of(message)
        digest = Digest(data["channel"], data["until"])
        assert data["alerts"] == len(list(members.members(digest)))
        assert data["alerts"] == sum(group["alerts"] for group in data["groups"])
        found[digest] += 1
    return found


def heads(aws: Aws) -> list[Digest]:
    """The digests that have a head."""
    keys = aws.tables["alerts"].items
    return [digest for symbol, place in keys if place == "#head" and (digest := digest_of(symbol))]


def check(aws: Aws, stores: Stores, alerts: Sequence[Alert], most_times: int = 1) -> None:
    """Each alert was sent alone or in one digest, its receipt says so, and no digest has anything
    else. Messages come at most this many times."""
    alone, digests = sent_alone(aws), digests_sent(aws)
    members: Counter[str] = Counter()
    store = Digests(aws.dynamodb, SETTINGS.alerts_table)
    for digest in digests:
        for member in store.members(digest):
            members[f"{member.symbol}|{member.timestamp}|{member.rule_id}"] += 1
    stored = stores.alerts.by_day(alerts[0].timestamp[:10], None, None, limit=10**6).rows
    told_of = {
        one.alert.alert_id: told
        for one, told in zip(stored, receipts(stores.alerts.digests, stored), strict=True)
    }
    for alert in alerts:
        (told,) = told_of[alert.alert_id]
        in_digests = members.pop(f"{alert.symbol}|{alert.timestamp}|{alert.rule_id}", 0)
        assert told.delivery.status == "sent", told
        assert (told.held_until is not None) == (in_digests == 1)
        assert bool(alone[alert.alert_id]) != bool(in_digests)
    assert not members, "members that are nobody's"
    assert max([*alone.values(), *digests.values()], default=0) <= most_times
