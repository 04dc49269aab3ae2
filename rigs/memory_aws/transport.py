"""botocore's own clients over AWS in memory: requests are answered instead of sent.

Serialization, signing, events, parsing and errors are botocore's; only the network is missing.
"""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.adapters import json_wire
from rigs.memory_aws.system import Aws

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class _Raw(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Any:
        """Yield the body in one piece, in place of urllib3's method."""
        yield self.read()


class Transport:
    """Makes botocore clients that the adapters use, on AWS in memory. `aws` may be replaced by a
    fresh one."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.dynamodb = self._client("dynamodb", self._dynamodb)
        json_wire.install(self.dynamodb)
        self.s3 = self._client("s3", self._s3)
        self.sns = self._client("sns", self._sns)
        self.sqs = self._client("sqs", self._sqs)
        self.kms = aws.kms

    def _client(self, service: str, answer: Any) -> Any:
        client = botocore.session.get_session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url="http://127.0.0.1:9",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                parameter_validation=False,
                s3={"addressing_style": "path"},
            ),
        )
        client.meta.events.register("before-send", answer)
        return client

    def _dynamodb(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        call = getattr(self.aws.dynamodb, _CAPITAL.sub("_", operation).lower())
        given: Any = request.body
        try:
            return _answer(request, 200, json.dumps(call(**json.loads(given))))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            refusal = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code}
            if reasons := error.response.get("CancellationReasons"):
                refusal["CancellationReasons"] = reasons
            return _answer(request, status, json.dumps(refusal))

    def _s3(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        bucket, key = unquote(urlsplit(request.url).path).removeprefix("/").split("/", 1)
        body = request.body.read() if hasattr(request.body, "read") else request.body
        self.aws.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return _answer(request, 200, "")

    def _sqs(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        given: Any = request.body
        target = str(request.headers["X-Amz-Target"])
        asks = "GetQueueAttributes" in target
        call = self.aws.sqs.get_queue_attributes if asks else self.aws.sqs.send_message
        return _answer(request, 200, json.dumps(call(**json.loads(given))))

    def _sns(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        text: Any = request.body
        form = parse_qs(text.decode() if isinstance(text, bytes) else text)
        given = {name: values[0] for name, values in form.items()}
        try:
            number = self.aws.sns.publish(**given)["MessageId"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            refusal = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
            return _answer(request, status, refusal)
        xml = f"<PublishResponse><PublishResult><MessageId>{number}</MessageId></PublishResult>"
        return _answer(request, 200, xml + "</PublishResponse>")


def _answer(request: AWSPreparedRequest, status: int, body: str) -> AWSResponse:
    return AWSResponse(request.url, status, {}, _Raw(body.encode()))
