"""Alerts that somebody else has put into the table, over AWS in memory."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from chalicelib.bootstrap import Services
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import at, make_alert

DAY = at(0)[:10]


@pytest.mark.parametrize(
    "planted",
    [
        {"price": {"S": "1"}},
        {"price": {"N": "many"}},
        {"values": {"M": {"fast": {"S": "1"}}}},
        {"message": {"N": "1"}},
        {"exchange_timezone": {"N": "1"}},
        {"timestamp": {"S": "soon"}},
    ],
    ids=lambda planted: next(iter(planted)),
)
def test_an_alert_that_cannot_be_read_is_left_out_and_logged(
    planted: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    aws = Aws()
    services = Services(SETTINGS, clients=aws)
    first, second = make_alert(timestamp=at(1)), make_alert(timestamp=at(2))
    services.stores.alerts.record_all([first, second], None)
    table = SETTINGS.alerts_table
    items = aws.dynamodb.query(
        TableName=table,
        KeyConditionExpression="symbol = :s",
        ExpressionAttributeValues={":s": {"S": first.symbol}},
    )["Items"]
    (item,) = [one for one in items if one["timestamp"] == {"S": at(1)}]
    aws.dynamodb.put_item(TableName=table, Item=item | planted)
    alerts = services.stores.alerts
    with caplog.at_level(logging.WARNING, "ticktape.stores"):
        by_day = alerts.by_day(DAY, None, None, limit=10).rows
        by_symbol = alerts.by_symbol(first.symbol, None, None, limit=10).rows
    assert [one.alert for one in by_day] == [one.alert for one in by_symbol] == [second]
    assert alerts.find(first.alert_id) is None
    assert f"the alert {{'S': '{first.symbol}'}}" in caplog.messages[0]


def test_a_page_of_alerts_that_cannot_be_read_leads_to_the_next_one() -> None:
    aws = Aws()
    alerts = Services(SETTINGS, clients=aws).stores.alerts
    alerts.record_all([make_alert(timestamp=at(n)) for n in range(3)], None)
    for n in range(2):
        key = {"symbol": {"S": "AAPL"}, "timestamp_rule": {"S": f"{at(n)}#{make_alert().rule_id}"}}
        aws.dynamodb.update_item(
            TableName=SETTINGS.alerts_table,
            Key=key,
            UpdateExpression="SET price = :p",
            ExpressionAttributeValues={":p": {"S": "1"}},
        )
    page = alerts.by_symbol("AAPL", None, None, limit=2)
    assert page.rows == ()
    assert page.next_key
    following = alerts.by_symbol("AAPL", None, None, limit=2, after_key=page.next_key)
    assert [one.alert.timestamp for one in following.rows] == [at(2)]
