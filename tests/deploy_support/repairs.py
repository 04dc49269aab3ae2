"""Patches a moto server so that Terraform and Chalice can deploy to it unchanged."""

from __future__ import annotations

import copy
import datetime
import json
import uuid
from typing import Any

from embedded_aws.emulator import inserts


def install() -> None:
    """Apply all patches to moto."""
    _take_swagger()
    _tag_workgroups()
    _keep_response_headers_policies()
    _heed_conditions()
    _run_no_functions()
    _keep_scaling()
    _tell_account_limits()
    _follow_undone_tables()
    inserts.install()


def as_openapi3(document: dict[str, Any]) -> dict[str, Any]:
    """Return Chalice's Swagger 2.0 document with what moto's importer needs of OpenAPI 3."""
    document = copy.deepcopy(document)
    if document.pop("swagger", None):
        document["openapi"] = "3.0.1"
    document["info"].setdefault("description", "")
    for methods in document["paths"].values():
        for method in methods.values():
            integration = method.get("x-amazon-apigateway-integration")
            if integration is not None:
                integration.setdefault("uri", "")
                integration.setdefault("httpMethod", "POST")
    return document


def _take_swagger() -> None:
    from moto.apigateway.models import APIGatewayBackend

    imported, put = APIGatewayBackend.import_rest_api, APIGatewayBackend.put_rest_api

    def import_rest_api(self: Any, api_doc: dict[str, Any], fail_on_warnings: bool) -> Any:
        made = imported(self, as_openapi3(api_doc), fail_on_warnings)
        _take_authorizers(self, made, api_doc)
        return made

    def put_rest_api(
        self: Any,
        function_id: str,
        api_doc: dict[str, Any],
        fail_on_warnings: bool,
        mode: str = "merge",
    ) -> Any:
        if mode == "overwrite":  # on AWS an import resets the gateway's answers
            self.get_rest_api(function_id).gateway_responses.clear()
        made = put(self, function_id, as_openapi3(api_doc), fail_on_warnings, mode)
        _take_authorizers(self, made, api_doc)
        return made

    APIGatewayBackend.import_rest_api = import_rest_api
    APIGatewayBackend.put_rest_api = put_rest_api


def _take_authorizers(backend: Any, api: Any, api_doc: dict[str, Any]) -> None:
    """Create the authorizers of an API's definition, which moto ignores."""
    api.authorizers.clear()
    for name, scheme in api_doc.get("securityDefinitions", {}).items():
        given = scheme["x-amazon-apigateway-authorizer"]
        backend.create_authorizer(
            api.id,
            name,
            given["type"].upper(),
            authorizer_uri=given["authorizerUri"],
            identity_source=f"method.request.header.{scheme['name']}",
            authorizer_result_ttl=given.get("authorizerResultTtlInSeconds", 300),
        )


def _tag_workgroups() -> None:
    from moto.athena.models import AthenaBackend

    def list_tags_for_resource(self: Any, arn: str) -> Any:
        return self.tagger.list_tags_for_resource(arn)

    AthenaBackend.list_tags_for_resource = list_tags_for_resource


def _keep_response_headers_policies() -> None:
    """Add CloudFront's response headers policies, which moto lacks."""
    from moto.cloudfront import responses, urls

    kept: dict[str, tuple[str, Any]] = {}

    def described(policy_id: str) -> Any:
        etag, config = kept[policy_id]
        policy = {
            "Id": policy_id,
            "LastModifiedTime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            "ResponseHeadersPolicyConfig": config,
        }
        return responses.ActionResult(
            {"ResponseHeadersPolicy": policy, "ResponseHeadersPolicyConfig": config, "ETag": etag}
        )

    def put(self: Any, policy_id: str) -> Any:
        kept[policy_id] = (uuid.uuid4().hex, self._get_param("ResponseHeadersPolicyConfig", {}))
        return described(policy_id)

    def delete(self: Any) -> Any:
        kept.pop(self._get_param("Id"), None)
        return responses.EmptyResult()

    answers = {
        "create_response_headers_policy": lambda self: put(self, str(uuid.uuid4())),
        "update_response_headers_policy": lambda self: put(self, self._get_param("Id")),
        "get_response_headers_policy": lambda self: described(self._get_param("Id")),
        "get_response_headers_policy_config": lambda self: described(self._get_param("Id")),
        "delete_response_headers_policy": delete,
    }
    for name, answer in answers.items():
        setattr(responses.CloudFrontResponse, name, answer)
    for path in ("$", "/(?P<Id>[^/]+)$", "/(?P<Id>[^/]+)/config$"):
        urls.url_paths["{0}/2020-05-31/response-headers-policy" + path] = (
            responses.CloudFrontResponse.dispatch
        )


def _heed_conditions() -> None:
    """Ignore a statement whose condition is not met. moto would deny the request.

    None of our conditions is met here: plain HTTP to the emulator stands for TLS, and no request
    comes from an AWS service.
    """
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    judge = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._statement.get("Condition"):
            return PermissionResult.NEUTRAL
        return judge(self, *args, **kwargs)

    IAMPolicyStatement.is_action_permitted = is_action_permitted


def _run_no_functions() -> None:
    """Keep moto from running mapped functions itself, in containers. It would remove the records
    that they read from a table's stream or a queue. Here the local pollers run the functions."""
    from moto.awslambda.models import LambdaBackend

    for name in ("send_dynamodb_items", "send_kinesis_message", "send_sqs_batch"):
        setattr(LambdaBackend, name, lambda *_, **__: False)


def _keep_scaling() -> None:
    """Let moto update a mapping's maximum concurrency, which it only accepts at creation. Refuse
    numbers outside of Lambda's 2 to 1000."""
    from moto.awslambda.exceptions import InvalidParameterValueException
    from moto.awslambda.models import LambdaBackend

    make, update = (
        LambdaBackend.create_event_source_mapping,
        LambdaBackend.update_event_source_mapping,
    )

    def check(spec: dict[str, Any]) -> None:
        number = (spec.get("ScalingConfig") or {}).get("MaximumConcurrency", 2)
        if not 2 <= number <= 1000:
            raise InvalidParameterValueException(f"MaximumConcurrency is {number}")

    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        check(spec)
        return make(self, spec)

    def update_event_source_mapping(self: Any, uuid: str, spec: dict[str, Any]) -> Any:
        check(spec)
        found = update(self, uuid, spec)
        if found and "ScalingConfig" in spec:
            found.scaling_config = spec["ScalingConfig"] or None
        return found

    LambdaBackend.create_event_source_mapping = create_event_source_mapping
    LambdaBackend.update_event_source_mapping = update_event_source_mapping


def _follow_undone_tables() -> None:
    """Let iterators survive an undone transaction, for which moto copies its tables and streams."""
    from moto.dynamodbstreams.models import ShardIterator

    read = ShardIterator.get

    def get(self: Any, limit: int = 1000) -> Any:
        tables = self.streams_backend.dynamodb.tables
        self.stream_shard = tables[self.stream_shard.table.name].stream_shard
        return read(self, limit)

    ShardIterator.get = get


def _tell_account_limits() -> None:
    """Add Lambda's GetAccountSettings, which moto lacks, for an account with 1,000 executions."""
    from moto.awslambda import urls
    from moto.awslambda.models import lambda_backends

    def account_settings(*_: Any) -> tuple[int, dict[str, str], str]:
        regions = [region for account in lambda_backends.values() for region in account.values()]
        functions = [found for region in regions for found in region.list_functions()]
        reserved = sum(int(found.reserved_concurrency or 0) for found in functions)
        limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000 - reserved}
        return 200, {}, json.dumps({"AccountLimit": limit})

    urls.url_paths["{0}/(?P<api_version>[^/]+)/account-settings/?$"] = account_settings
