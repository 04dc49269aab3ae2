"""Checks what a deployment has to create: functions, the API and the page."""

from __future__ import annotations

import json
import re

from chalicelib.api import access, routes
from infra.deploy import gateway
from tests.deploy_support.emulated_aws import ROOT
from tests.deploy_support.life import FUNCTIONS, SOURCES, Life, all_mappings, function_name
from tests.deploy_support.stage_life import STAGE


def next_deployment_takes_over_what_the_broken_one_left(life: Life) -> None:
    assert "it belongs to no deployment" in life.deployed.errors
    assert set(all_mappings(life)) == set(SOURCES)
    apis = life.client("apigateway").get_rest_apis()["items"]
    assert [api["name"] for api in apis] == ["ticktape"]


def mappings_are_made_with_all_their_settings(life: Life) -> None:
    """Check that the step after Chalice found no setting of a mapping to change."""
    told = life.deployed.errors.partition("event source settings")[2]
    assert [handler for handler in SOURCES if f"{handler}: unchanged" not in told] == []


def fixed_costs_are_said_before_they_arise(life: Life) -> None:
    before, _, after = life.broken.errors.partition("fixed:")
    assert re.match(r" 1\d\.\d\d USD a month", after)
    assert "1 Kinesis shards" in before


def every_function_has_its_role_memory_timeout_and_environment(life: Life) -> None:
    client = life.client("lambda")
    listed = client.list_functions(MaxItems=50)["Functions"]
    made = {found["FunctionName"] for found in listed}
    assert made == {*map(function_name, FUNCTIONS), function_name("collector")}
    expected = life.stage.configuration()["environment_variables"]
    for key, function in FUNCTIONS.items():
        found = client.get_function_configuration(FunctionName=function_name(key))
        assert found["Role"].endswith(f":role/ticktape-{STAGE}-{key}")
        assert found["MemorySize"] == function["memory_mb"]
        assert found["Timeout"] == function["timeout_seconds"]
        assert found["TracingConfig"] == {"Mode": "Active"}
        assert found["Architectures"] == ["arm64"]
        assert found["Environment"]["Variables"] == expected
        tags = client.list_tags(Resource=found["FunctionArn"])["Tags"]
        assert life.outputs["tags"].items() <= tags.items()


def api_alone_has_executions_of_its_own(life: Life) -> None:
    client = life.client("lambda")
    found = {
        name: client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        for name in map(function_name, FUNCTIONS)
    }
    assert {name: count for name, count in found.items() if count} == {
        function_name("api_handler"): 50
    }
    assert "the API has 50 reserved executions, which are" in life.deployed.errors


def api_has_every_route_with_its_preflight(life: Life) -> None:
    client = life.client("apigateway")
    api = client.get_rest_apis()["items"][0]
    items = client.get_resources(restApiId=api["id"], limit=500)["items"]
    found = {(item["path"], method) for item in items for method in item.get("resourceMethods", {})}
    expected = {(route.path, route.method) for route in routes.ROUTES}
    assert expected <= found
    assert {(path, "OPTIONS") for path, _ in expected} <= found
    assert [stage["stageName"] for stage in client.get_stages(restApiId=api["id"])["item"]] == [
        STAGE
    ]


def authorizer_is_asked_again_within_five_seconds(life: Life) -> None:
    client = life.client("apigateway")
    api = client.get_rest_apis()["items"][0]
    (authorizer,) = client.get_authorizers(restApiId=api["id"])["items"]
    assert authorizer["authorizerResultTtlInSeconds"] == access.CACHE_SECONDS < 5
    assert authorizer["type"] == "TOKEN"
    assert authorizer["identitySource"] == "method.request.header.Authorization"
    assert function_name("bearer_token") in authorizer["authorizerUri"]


def gateway_answers_in_our_shape_and_for_the_pages_origin(life: Life) -> None:
    client = life.client("apigateway")
    api = client.get_rest_apis()["items"][0]
    found = {
        item["responseType"]: item
        for item in client.get_gateway_responses(restApiId=api["id"])["items"]
    }
    page = life.outputs["page"]["url"]
    for kind, status in gateway.STATUS.items():
        assert found[kind]["statusCode"] == str(status)
        headers = found[kind]["responseParameters"]
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == f"'{page}'"
        body = json.loads(found[kind]["responseTemplates"]["application/json"])
        assert body["status"] == status
    settings_ = client.get_stage(restApiId=api["id"], stageName=STAGE)["methodSettings"]
    rates = {
        methods: (found["throttlingRateLimit"], found["throttlingBurstLimit"])
        for methods, found in settings_.items()
    }
    assert rates == {
        "*/*": (50.0, 100),
        "~1health/GET": (10.0, 20),  # AWS: health/GET
        "~1mutes~1signed/POST": (2.0, 10),
    }


def page_is_uploaded_with_the_address_of_its_api(life: Life) -> None:
    s3, bucket = life.client("s3"), life.outputs["page"]["bucket"]
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    files = {p for p in (ROOT / "frontend").rglob("*") if p.is_file()}
    files = {p for p in files if not p.name.endswith((".d.ts", ".gz"))}
    assert {item["Key"] for item in listed} == {
        "config.json",
        *(path.relative_to(ROOT / "frontend").as_posix() for path in files),
    }
    config = json.load(s3.get_object(Bucket=bucket, Key="config.json")["Body"])
    assert config["api"].startswith("https://")
    assert config["api"].endswith(f".amazonaws.com/{STAGE}")
    assert config["averages"] == [5, 20]
    script = s3.get_object(Bucket=bucket, Key="js/main.js")
    assert script["ContentType"] == "text/javascript"
    assert script["CacheControl"] == "no-cache"


def unconfirmed_subscriptions_are_told(life: Life) -> None:
    pending = life.client("sns").list_subscriptions()["Subscriptions"]
    assert {item["Endpoint"] for item in pending} == {
        "operations@example.com",
        "alerts@example.com",
    }
    told = life.stage.deployment("test-alert")
    assert "published" in told.output + told.errors
    assert "alerts@example.com" in told.output + told.errors
