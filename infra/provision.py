"""Creates the missing resources of `infra/resources.json` through boto3, without Terraform."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.lake import make_lake, unless_there
from infra.resources import Resources, environment

_log = logging.getLogger(__name__)
ACTIVE_SECONDS = 60.0


def provision(
    clients: Callable[[str], Any],
    resources: Resources,
    *,
    ingest: str,
    first_day: str | None = None,
) -> dict[str, str]:
    """Create missing resources. Return the environment variables that name all resources.

    The lake's projected partitions begin on `first_day`, by default on the day in lake.json.
    """
    dynamodb, kinesis, s3 = clients("dynamodb"), clients("kinesis"), clients("s3")
    sqs, sns = clients("sqs"), clients("sns")
    glue, athena = clients("glue"), clients("athena")
    with ThreadPoolExecutor(4) as pool:
        tables = pool.submit(_make_tables, dynamodb, resources)
        stream = pool.submit(_make_stream, kinesis, resources)
        buckets = pool.submit(_make_buckets, s3, resources)
        queues = pool.submit(_make_queues, sqs, resources)
        key = pool.submit(_find_key, clients("kms"), f"alias/{resources.prefix}")
        topic_arn = sns.create_topic(Name=resources.name("alerts"))["TopicArn"]
        lake = pool.submit(make_lake, glue, athena, resources, first_day)
        stream.result()
        buckets.result()
        _announce_failures(s3, sqs, resources, queues.result())
        return environment(
            resources,
            has_lake=_is_made(lake),
            ingest=ingest,
            queue_urls=queues.result(),
            topic_arn=topic_arn,
            stream_arns=tables.result(),
            channels_key=_key_or_none(key),
        )


def _is_made(lake: Future[None]) -> bool:
    """Return whether the lake exists; a user's own endpoint may lack Glue and Athena."""
    try:
        lake.result()
    except (BotoCoreError, ClientError) as error:
        _log.warning("SQL over the archive is not available: %s", error)
        return False
    return True


def _find_key(kms: Any, alias: str) -> str:
    """Return the alias of the key that encrypts channels' addresses. The key is never created: the
    embedded AWS has one, and on AWS a key costs 1 USD a month."""
    kms.describe_key(KeyId=alias)
    return alias


def _key_or_none(key: Future[str]) -> str:
    """Return the alias of the key; empty if the user's own endpoint has no key."""
    try:
        return key.result()
    except (BotoCoreError, ClientError) as error:
        _log.warning("only the SNS channel is available: %s", error)
        return ""


def _make_tables(dynamodb: Any, resources: Resources) -> dict[str, str]:
    """Create the tables. Return the ARN of each table's stream by the table's key."""
    for key, table in resources.tables.items():
        with unless_there():
            dynamodb.create_table(**_table(resources.name(key), table))
    return {key: _settle(dynamodb, resources.name(key), t) for key, t in resources.tables.items()}


def _table(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    keys = [table, *table.get("indexes", {}).values()]
    attributes = sorted({key[part] for key in keys for part in ("hash", "range") if part in key})
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table),
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes
        ],
    }
    if "stream" in table:
        request["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": table["stream"],
        }
    if "indexes" in table:
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": _key_schema(key),
                "Projection": {"ProjectionType": key.get("projection", "ALL")},
            }
            for index, key in table["indexes"].items()
        ]
    return request


def _key_schema(key: Mapping[str, Any]) -> list[dict[str, str]]:
    schema = [{"AttributeName": key["hash"], "KeyType": "HASH"}]
    if "range" in key:
        schema.append({"AttributeName": key["range"], "KeyType": "RANGE"})
    return schema


def _settle(dynamodb: Any, name: str, table: Mapping[str, Any]) -> str:
    deadline = time.monotonic() + ACTIVE_SECONDS
    while True:
        found = dynamodb.describe_table(TableName=name)["Table"]
        if found["TableStatus"] == "ACTIVE" or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    if "ttl" in table:
        _expire_by(dynamodb, name, table["ttl"])
    return str(found.get("LatestStreamArn", ""))


def _expire_by(dynamodb: Any, name: str, attribute: str) -> None:
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if ttl.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
        )


def _make_stream(kinesis: Any, resources: Resources) -> None:
    name = resources.name(resources.stream["key"])
    with unless_there():
        kinesis.create_stream(StreamName=name, ShardCount=resources.stream["shards"])
    kinesis.get_waiter("stream_exists").wait(
        StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": int(ACTIVE_SECONDS)}
    )


def _make_buckets(s3: Any, resources: Resources) -> None:
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    for key in resources.buckets:
        with unless_there():
            s3.create_bucket(
                Bucket=resources.name(key),
                **({"CreateBucketConfiguration": where} if where else {}),
            )


def _make_queues(sqs: Any, resources: Resources) -> dict[str, str]:
    """Create the queues, dead-letter queues first. Return their URLs by key."""
    urls: dict[str, str] = {}
    ordered = sorted(resources.queues.items(), key=lambda entry: "redrive_to" in entry[1])
    for key, queue in ordered:
        attributes = _queue_attributes(queue)
        if "redrive_to" in queue:
            attributes["RedrivePolicy"] = json.dumps(
                {
                    "deadLetterTargetArn": _queue_arn(sqs, urls[queue["redrive_to"]]),
                    "maxReceiveCount": queue["max_receive_count"],
                }
            )
        urls[key] = sqs.create_queue(QueueName=resources.name(key), Attributes=attributes)[
            "QueueUrl"
        ]
    return urls


def _announce_failures(s3: Any, sqs: Any, resources: Resources, urls: Mapping[str, str]) -> None:
    """Have the failures bucket notify the failures queue of new objects."""
    bucket, url = resources.name("failures"), urls["failures"]
    arn = _queue_arn(sqs, url)
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
        },
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )


def _queue_attributes(queue: Mapping[str, Any]) -> dict[str, str]:
    attributes = {}
    if queue.get("fifo"):
        attributes["FifoQueue"] = "true"
    if "visibility_seconds" in queue:
        attributes["VisibilityTimeout"] = str(queue["visibility_seconds"])
    if "retention_seconds" in queue:
        attributes["MessageRetentionPeriod"] = str(queue["retention_seconds"])
    return attributes


def _queue_arn(sqs: Any, url: str) -> str:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(attributes["Attributes"]["QueueArn"])
