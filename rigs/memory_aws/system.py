"""AWS in memory as a whole, and the app's stores and services on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib.bootstrap import Services
from chalicelib.settings import Settings
from rigs.invocations import instant
from rigs.memory_aws.dynamodb import Around, Client, DynamoDB, Perform, directly
from rigs.memory_aws.tables import Table

RESOURCES = json.loads((Path(__file__).parents[2] / "infra" / "resources.json").read_text())

SETTINGS = Settings(
    stage="test",
    **{f"{name}_table": name for name in RESOURCES["tables"]},
    archive_bucket="archive",
    failures_bucket="failures",
    alerts_topic_arn="arn:aws:sns:us-east-1:123456789012:alerts",
    prices_stream_arn="arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/1",
    alerts_stream_arn="arn:aws:dynamodb:us-east-1:123456789012:table/alerts/stream/1",
    deliveries_queue="deliveries",
    deliveries_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/deliveries",
    deliveries_dead_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/deliveries-dead",
    channels_key="alias/test",
    read_access="open",
)


class _Service(Client):
    """A service other than DynamoDB. `aws` is the `Aws` whose contents it serves."""

    def __init__(self, aws: Any) -> None:
        self._aws = aws

    def _called(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        answer: dict[str, Any] = self._aws.around(operation, request, perform)
        return answer


class S3(_Service):
    """The client of buckets in memory."""

    def _put_object(self, request: dict[str, Any]) -> dict[str, Any]:
        self._aws.objects[request["Bucket"], request["Key"]] = request["Body"]
        return {}

    def _list_objects_v2(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the first page of the keys that begin with a prefix."""
        bucket, prefix = request["Bucket"], request["Prefix"]
        keys = [key for name, key in self._aws.objects if name == bucket and key.startswith(prefix)]
        found = [{"Key": key} for key in sorted(keys)[: request["MaxKeys"]]]
        return {"Contents": found, "KeyCount": len(found)}


class SNS(_Service):
    """The client of a topic in memory."""

    def _publish(self, request: dict[str, Any]) -> dict[str, Any]:
        self._aws.published.append(request)
        return {"MessageId": str(len(self._aws.published))}


class SQS(_Service):
    """The client of queues in memory. A queue is known by the name at the end of its URL."""

    def _get_queue_attributes(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the number of messages as the first requested attribute, and 0 as the others. No
        message is ever taken from a queue."""
        sent = len(self._aws.messages.get(request["QueueUrl"].rsplit("/", 1)[1], []))
        first, *others = request["AttributeNames"]
        return {"Attributes": {first: str(sent), **dict.fromkeys(others, "0")}}

    def _send_message(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["QueueUrl"].rsplit("/", 1)[1]
        self._aws.messages.setdefault(name, []).append(request)
        return {"MessageId": f"{name}-{len(self._aws.messages[name])}"}


class KMS:
    """The client of one key in memory. Encrypted texts cannot be read, and each is bound to its
    encryption context."""

    def encrypt(self, **request: Any) -> dict[str, Any]:
        """Return the encrypted text, which contains its encryption context."""
        told = [request["EncryptionContext"], request["Plaintext"].hex()]
        return {"CiphertextBlob": json.dumps(told).encode()[::-1], "KeyId": request["KeyId"]}

    def decrypt(self, **request: Any) -> dict[str, Any]:
        """Return the plain text. Raises ValueError for another encryption context."""
        context, plain = json.loads(request["CiphertextBlob"][::-1])
        if context != request["EncryptionContext"]:
            raise ValueError("another context")
        return {"Plaintext": bytes.fromhex(plain), "KeyId": request["KeyId"]}


class Aws:
    """All AWS resources in memory. `around` wraps every call and may be replaced."""

    def __init__(self, page_items: int = 1000) -> None:
        self.around: Around = directly
        self.tables = {name: Table(table) for name, table in RESOURCES["tables"].items()}
        self.objects: dict[tuple[str, str], bytes] = {}
        self.published: list[dict[str, Any]] = []
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.dynamodb = DynamoDB(self.tables, self._around, page_items)
        self.s3 = S3(self)
        self.sns = SNS(self)
        self.sqs = SQS(self)
        self.kms = KMS()

    def _around(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        return self.around(operation, request, perform)

    @property
    def stream(self) -> list[dict[str, Any]]:
        """Return the changes of the prices table so far."""
        return self.tables["prices"].stream

    @property
    def state_stream(self) -> list[dict[str, Any]]:
        """Return the changes of the state table so far."""
        return self.tables["state"].stream

    @property
    def alert_stream(self) -> list[dict[str, Any]]:
        """Return the changes of the alerts table so far."""
        return self.tables["alerts"].stream


def services_over(aws: Any, settings: Settings = SETTINGS) -> Services:
    """Return the app's services with their stores on `aws`. The time is 100 s after START."""
    return Services(settings, lambda: instant(100), aws)
