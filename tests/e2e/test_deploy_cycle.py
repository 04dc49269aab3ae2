"""The whole life of a stage: made by Terraform and Chalice, used, taken down.

Against an emulated AWS, which keeps all settings and stores all data, but runs no functions: the
local pollers and the local API stand in for Lambda and API Gateway. What stands is checked one
by one by the functions of `tests/deploy_support/*_checks.py`.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from chalicelib import settings
from chalicelib.api import routes
from chalicelib.domain.digests import Digest
from chalicelib.services.access import key_ring
from chalicelib.settings import configured
from infra.deploy import gateway, mappings
from tests.deploy_support import (
    alerts_through,
    collector_checks,
    data_checks,
    made_checks,
    operation_checks,
    policy_checks,
)
from tests.deploy_support.emulated_aws import ROOT, EmulatedAws
from tests.deploy_support.life import (
    FUNCTIONS,
    RESOURCES,
    SOURCES,
    Life,
    all_mappings,
    eventually,
    function_name,
    roles,
)
from tests.deploy_support.recorded_calls import Call
from tests.deploy_support.stage_life import STAGE, StageLife
from tests.deploy_support.standing import Standing
from tests.deploy_support.terraform_here import needs_terraform, running_provider, with_provider
from tests.deploy_support.ticks_through import (
    alerts_of,
    bodies,
    count_of,
    crowd,
    days_of,
    folded,
    judge_by_a_rule_that_is_gone,
    put_by_kinesis,
    put_by_sqs,
    tick,
)
from tests.oracles.crosses import crosses

ROWS = 150
"""Days of the recording that are replayed."""

DATA = ROOT / "tests" / "data" / "aapl-daily-2015-2017.csv"

TOKEN = [sys.executable, "-m", "local", "token"]

Check = Callable[[Life], None]


def checks_of(*modules: ModuleType) -> list[Check]:
    """The functions of modules that take the life alone."""
    return [
        found
        for module in modules
        for found in vars(module).values()
        if getattr(found, "__module__", "") == module.__name__
        and getattr(found, "__annotations__", {}) == {"life": "Life", "return": "None"}
    ]


STANDING = checks_of(made_checks, data_checks, operation_checks, policy_checks, collector_checks)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A stage whose first deployment is interrupted, and whose second continues it."""
    needs_terraform()
    aws = EmulatedAws()
    try:
        stage = StageLife(tmp_path_factory.mktemp("project"), aws)
        provided = with_provider(tmp_path_factory.mktemp("provider"), stage.environment)
        infra = stage.directory / "infra"
        with running_provider(provided, infra, stage.environment) as attached:
            stage.environment |= attached
            aws.fail_once("/restapis")
            broken = stage.deployment("--no-smoke", "deploy")
            deployed = stage.deployment("--no-smoke", "--code-only", "deploy")
            assert deployed.status == 0, deployed.errors[-4000:]
            yield Life(aws, stage, broken, deployed)
    finally:
        aws.stop()


# The deployment.


def test_deployment_that_breaks_off_says_what_is_done_and_how_to_go_on(life: Life) -> None:
    assert life.broken.status == 1
    said = life.broken.errors
    assert "step 7 of 13, chalice deploy" in said
    done = said.rpartition("Done and kept: ")[2]
    assert "terraform: apply" in done
    assert done.rstrip().endswith(f"make deploy STAGE={STAGE}")


@pytest.mark.parametrize("check", STANDING, ids=lambda check: check.__name__)
def test_stage(life: Life, check: Check) -> None:
    check(life)


@pytest.mark.parametrize("handler", SOURCES)
def test_mapping_has_the_settings_of_the_table(life: Life, handler: str) -> None:
    sources = configured(settings.load(life.outputs["environment"]))
    mapping, source = all_mappings(life)[handler], sources[handler]
    assert mapping["BatchSize"] == source.batch_size
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    if source.kind == "sqs":
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": source.maximum_concurrency}
    else:
        assert mapping["MaximumBatchingWindowInSeconds"] == source.window_seconds
        assert mapping["StartingPosition"] == source.starting_position
        assert mapping["BisectBatchOnFunctionError"] is source.bisect
        assert mapping["MaximumRetryAttempts"] == source.maximum_retries
        assert mapping["MaximumRecordAgeInSeconds"] == source.maximum_record_age_seconds
        assert mapping["ParallelizationFactor"] == source.parallelization
        destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        assert destination == life.outputs["failures_bucket_arn"]
    patterns = [
        json.loads(f["Pattern"]) for f in mapping.get("FilterCriteria", {}).get("Filters", [])
    ]
    assert patterns == list(source.filters)


# Later deployments.


def test_plain_chalice_deploy_keeps_the_mappings_and_their_settings(life: Life) -> None:
    before = all_mappings(life)
    outcome = life.stage.chalice("deploy", "--stage", STAGE)
    assert outcome.status == 0, outcome.errors
    after = all_mappings(life)
    sources = configured(settings.load(life.outputs["environment"]))
    for handler in SOURCES:
        assert after[handler]["UUID"] == before[handler]["UUID"]
        wanted = mappings.wanted(sources[handler], life.outputs["failures_bucket_arn"])
        assert wanted.items() <= after[handler].items()


@pytest.fixture(scope="module")
def packaged_again(life: Life) -> tuple[bytes, bytes]:
    """The package that the second deployment made from the first one's, and what `package` then
    builds without either."""
    found = (life.stage.directory / ".chalice" / "deployments").glob("*.zip")
    repacked = {str(path): path.read_bytes() for path in found}
    for path in repacked:
        Path(path).unlink()
    outcome = life.stage.deployment("package")
    assert outcome.status == 0, outcome.errors
    made = outcome.output.splitlines()[-1]
    return repacked[made], Path(made).read_bytes()


def test_package_built_again_has_the_same_bytes(packaged_again: tuple[bytes, bytes]) -> None:
    repacked, built = packaged_again
    assert len(built) < 5 * 1024 * 1024
    assert hashlib.sha256(repacked).hexdigest() == hashlib.sha256(built).hexdigest()


@pytest.mark.usefixtures("packaged_again")
def test_plan_of_the_same_sources_leaves_the_collector_alone(life: Life) -> None:
    """So that a second deployment sends no zip, nor touches role and schedule."""
    target = "-target=aws_cloudwatch_event_target.collector"
    given = ["-var=stage=dev", "-var=first_day=2026-11-22", "-var-file=stages/dev.tfvars"]
    infra = f"-chdir={life.stage.directory / 'infra'}"
    plan = ["terraform", infra, "plan", "-input=false", "-no-color", target, *given]
    outcome = life.stage.run(plan, {"TF_WORKSPACE": STAGE})
    assert outcome.status == 0, outcome.errors
    assert "aws_lambda_function.collector[0]: Refreshing state" in outcome.output
    assert re.findall(r"# (\S*collector\S*) (?:will|must) be", outcome.output) == []


def test_new_token_is_shown_once_and_only_its_hash_is_kept(life: Life) -> None:
    shown = life.stage.deployment("token")
    life.token = shown.output.strip()
    assert len(life.token) >= 40
    parameter = life.client("ssm").get_parameter(Name=life.outputs["token_parameter"])
    assert parameter["Parameter"]["Value"] == key_ring.fingerprint(life.token)
    state = (life.stage.directory / "infra").rglob("terraform.tfstate*")
    assert not [path for path in state if path.is_file() and life.token in path.read_text()]


def test_settings_put_the_gateways_answers_back_and_the_token_in_force(life: Life) -> None:
    assert life.stage.deployment("render").status == 0
    assert life.stage.chalice("deploy", "--stage", STAGE).status == 0
    outcome = life.stage.deployment("settings")
    assert outcome.status == 0, outcome.errors
    found = life.client("lambda").get_function_configuration(
        FunctionName=function_name("api_handler")
    )
    variables = found["Environment"]["Variables"]
    assert variables["WRITE_TOKEN_SHA256"] == key_ring.fingerprint(life.token)
    api = life.client("apigateway").get_rest_apis()["items"][0]["id"]
    kinds = life.client("apigateway").get_gateway_responses(restApiId=api)["items"]
    assert {kind["responseType"] for kind in kinds} >= set(gateway.STATUS)


def test_redrive_finds_the_stages_bucket_and_queues_in_its_outputs(life: Life) -> None:
    elsewhere = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    operator = {**elsewhere, "AWS_ACCESS_KEY_ID": "operator"}  # whoever deploys need not redrive
    redrive = [sys.executable, "-m", "local", "redrive", "--stage", STAGE]
    outcome = life.stage.run(redrive, operator)
    assert outcome.status == 0, outcome.errors
    assert "0 of 0 batches processed again" in outcome.output
    queues = {url.rsplit("/", 1)[1]: key for key, url in life.outputs["queues"].items()}
    assert queues == {f"ticktape-{STAGE}-{key}": key for key in RESOURCES["queues"]}
    assert life.outputs["environment"]["ACCOUNT_ID"] == life.outputs["account"] == "123456789012"


# Ticks through it.


@pytest.fixture(scope="module")
def standing(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """The stand-in, until the last test that uses it; then its calls are in `life.calls`."""
    calls = tmp_path_factory.mktemp("calls") / "calls.json"
    standing = Standing(life, calls)
    standing_calls[id(life)] = (standing, calls)
    yield standing
    _collect(life)


standing_calls: dict[int, tuple[Standing, Path]] = {}


def _collect(life: Life) -> None:
    """End the stand-in, once, and take its calls."""
    if id(life) in standing_calls:
        standing, calls = standing_calls.pop(id(life))
        standing.stop()
        life.calls = set(msgspec.json.decode(calls.read_bytes(), type=list[Call]))


def test_smoke_test_reads_its_tick_back_and_leaves_nothing(life: Life, standing: Standing) -> None:
    table = life.outputs["environment"]["SYMBOLS_TABLE"]
    key = {"list": {"S": "producers"}, "symbol": {"S": "collector"}}
    state = "market closed until 2099-01-05T14:30:00.000000Z"
    report = {**key, "state": {"S": state}, "time": {"S": "2099-01-03T00:00:00.000000Z"}}
    life.client("dynamodb").put_item(TableName=table, Item=report)
    outcome = life.stage.deployment(
        "--api-url", standing.url, "smoke", more={"TICKTAPE_TOKEN": life.token}
    )
    life.client("dynamodb").delete_item(TableName=table, Key=key)
    assert outcome.status == 0, outcome.errors
    assert "the API returns it" in outcome.output
    assert f"the markets of all its symbols are closed ({state})" in outcome.output
    assert life.client("dynamodb").scan(TableName=table)["Items"] == []


def test_recorded_prices_reach_the_api_through_stream_and_detection(
    life: Life, standing: Standing
) -> None:
    rows = DATA.read_text().splitlines()[: ROWS + 1]
    recording = life.stage.directory / "aapl.csv"
    recording.write_text("\n".join(rows) + "\n")
    replay = [
        "replay",
        str(recording),
        "--symbols",
        "AAPL",
        "--ticks-per-record",
        "200",
        "--alerts",
    ]
    outcome = life.stage.deployment("producer", *replay)
    assert outcome.status == 0, outcome.errors
    expected = crosses([row.split(",")[4] for row in rows[1:]], 5, 20)
    assert len(expected) >= 5
    found = eventually(lambda: alerts_of(standing, "AAPL", len(expected)))
    assert [a["condition"] for a in reversed(found)] == [cross.kind for cross in expected]
    prices = standing.ask("GET", "/prices/AAPL?interval=tick&limit=5000")[1]["prices"]
    assert len(prices) == ROWS
    assert prices[0]["timestamp"].startswith("2015-02-17")


def test_ticks_history_and_junk_by_queue_and_stream_land_where_they_belong(
    life: Life, standing: Standing
) -> None:
    put_by_kinesis(life, "KIN", *bodies("KIN"), "not json")
    put_by_sqs(life, "QUE", *bodies("QUE"), "not json either")
    for symbol in ("KIN", "QUE"):
        assert eventually(lambda s=symbol: count_of(standing, s) == 3)
    days = ["2025-12-29", "2025-12-30"]
    for sent in (days, [*days, "2025-12-31"]):  # inserted, then put again beside a new one
        put_by_kinesis(life, "KIN", folded("KIN", *sent))
        put_by_sqs(life, f"QUE{len(sent)}", folded("QUE", *sent))
        for symbol in ("KIN", "QUE"):
            wanted = f"{sent[-1]}T00:00:00.000000Z"
            assert eventually(lambda s=symbol, w=wanted: w in days_of(standing, s))
    archive = life.outputs["environment"]["ARCHIVE_BUCKET"]
    listed = life.client("s3").list_objects_v2(Bucket=archive, Prefix="quarantine/")
    assert listed["KeyCount"] == 2
    put_by_kinesis(life, "Y", crowd("Y"))
    put_by_sqs(life, "Z", crowd("Z"))
    for symbol in ("Y100", "Z100"):
        assert eventually(lambda s=symbol: count_of(standing, s) == 1)


def test_detection_bears_late_ticks_splits_rivals_and_a_lost_state(
    life: Life, standing: Standing
) -> None:
    judge_by_a_rule_that_is_gone(life, "KIN")
    late = tick("KIN", "2026-01-05T15:00:00.500000Z", 101)
    close = tick("KIN", "2026-01-05T20:59:00.000000Z", 102)
    split = tick("KIN", "2026-01-06T15:00:00.000000Z", 51, previous_close=51)
    put_by_kinesis(life, "KIN", *map(json.dumps, (late, close, split)))
    put_by_kinesis(life, "RIVAL", *bodies("RIVAL"))
    key = {"symbol": {"S": "AAPL"}}
    state = life.outputs["environment"]["STATE_TABLE"]
    moves = [tick("OLD", f"2026-01-{day:02}T15:00:00.000000Z", 110, previous_close=100,
                  mode="backfill") for day in (5, 6)]  # fmt: skip
    put_by_kinesis(life, "OLD", "\n".join(map(json.dumps, moves)))  # alerts that are only recorded
    assert eventually(lambda: len(standing.ask("GET", "/alerts?symbol=OLD")[1]["alerts"]) == 2)
    before = len(standing.ask("GET", "/alerts?symbol=AAPL&limit=100")[1]["alerts"])
    life.client("dynamodb").delete_item(TableName=state, Key=key)
    later = tick("AAPL", "2016-12-30T21:00:00.000000Z", 115, source="replay")
    put_by_kinesis(life, "AAPL", json.dumps(later))
    assert eventually(lambda: count_of(standing, "KIN") == 6)
    moved = tick("KIN", "2026-01-05T15:02:00.000000Z", 102, market_state="POST")
    put_by_kinesis(life, "KIN", json.dumps(moved))  # a bar without ticks is deleted
    minute = f"/prices/KIN?interval=1m&start={moved['timestamp']}&limit=1"
    assert eventually(lambda: standing.ask("GET", minute)[1]["prices"][0].get("extended"))
    assert eventually(lambda: count_of(standing, "RIVAL") == 3)
    assert eventually(lambda: standing.ask("GET", "/prices/AAPL/latest")[1]["price"] == 115)
    after = len(standing.ask("GET", "/alerts?symbol=AAPL&limit=100")[1]["alerts"])
    assert after >= before


def test_alerts_are_delivered_once_their_channel_takes_them(life: Life, standing: Standing) -> None:
    older = alerts_through.put_alert(life, "older", outbox=None)
    alerts_through.leave_pending(life, older)
    put_by_kinesis(life, "KIN", json.dumps(tick("KIN", "2026-01-06T15:00:10.000000Z", 51)))
    assert eventually(lambda: "notified_at" in alerts_through.stored(life, older))
    others = [
        alerts_through.put_alert(life, "claimed", claimed_until=alerts_through.FAR),
        alerts_through.put_alert(life, "claimed by a delivery", **alerts_through.claimed()),
    ]
    assert eventually(lambda: alerts_through.waiting(life, "DELIVERIES_QUEUE_URL") == 2)
    alerts_through.ask(life, others[1])
    assert eventually(lambda: alerts_through.waiting(life, "DELIVERIES_QUEUE_URL") == 3)
    with alerts_through.without_topic(life):
        alerts_through.put_alert(life, "refused")
        asked = alerts_through.put_alert(life, "asked", outbox="taken")
        alerts_through.ask(life, asked)
        assert eventually(lambda: alerts_through.waiting(life, "DELIVERIES_DEAD_QUEUE_URL") == 2)
    for alert in others:
        alerts_through.remove(life, alert)


def test_alerts_are_held_for_digests_and_sent_with_pictures(life: Life, standing: Standing) -> None:
    held_until = datetime.now(UTC) + timedelta(hours=12)
    digest = {"daily_at": f"{held_until:%H:%M}", "time_zone": "UTC"}
    nightly = add_channel(standing, name="nightly", digest=digest)
    phone = add_channel(standing, name="phone")
    held = alerts_through.put_alert(life, "held", (nightly,))
    pictured = alerts_through.put_alert(life, "pictured", (phone,))
    asked = alerts_through.put_alert(life, "asked with a picture", (phone,), outbox="taken")
    alerts_through.ask(life, asked, phone)
    past = alerts_through.put_digest(life, "2026-11-20T16:00:00.000000Z", "in a digest")
    empty = Digest("sns", "2026-11-20T17:00:00.000000Z")
    alerts_through.ask_by_agenda(life, empty)
    assert eventually(lambda: alerts_through.status(life, held, nightly) == "held")
    assert eventually(lambda: alerts_through.status(life, pictured, phone) == "waiting")
    assert eventually(lambda: alerts_through.status(life, asked, phone) == "waiting")
    assert eventually(lambda: alerts_through.status(life, past) == "sent")
    assert eventually(lambda: alerts_through.status(life, empty) == "dead")
    listed = standing.ask("GET", "/alerts?symbol=KIN&limit=100")[1]["alerts"]
    (shown,) = (one for one in listed if one["alert_id"] == held.alert_id)
    assert [one["channel"] for one in shown["held"]] == [nightly]
    for channel_id in (nightly, phone):
        assert standing.ask("DELETE", f"/channels/{channel_id}")[0] == 204


def add_channel(standing: Standing, **fields: object) -> str:
    """Add a channel to a host that does not exist; return its id."""
    given = {"kind": "apprise", "address": "ntfys://nobody.invalid/alerts", **fields}
    status, added = standing.ask("POST", "/channels", given)
    assert status == 201, added
    return str(added["channel_id"])


def test_every_route_of_the_api_answers(standing: Standing) -> None:
    rule = {"symbol": "AAPL", "condition": "crossing_up", "value": 200, "interval": "tick"}
    status, made = standing.ask("POST", "/rules", rule)
    assert status == 201, made
    (alert,) = standing.ask("GET", "/alerts?symbol=AAPL&limit=1")[1]["alerts"]
    status, started = standing.ask("POST", "/reports/top_movers", {})
    assert status == 202, started
    channel_id = add_channel(standing, name="phone")
    channel_path = f"/channels/{channel_id}"
    status, muted = standing.ask("POST", "/mutes", {"symbol": "MUTED", "until": "until_open"})
    assert status == 201, muted
    mute_path = f"/mutes/{muted['mute_id']}"
    asked = {
        ("POST", "/rules"): None,
        ("POST", "/mutes"): None,
        ("POST", "/mutes/signed"): None,  # which needs the link of a message
        ("GET", "/push"): None,  # this stage does not push prices
        ("POST", "/channels"): None,
        ("POST", "/channels/{channel_id}/test"): None,
        ("POST", "/reports/{name}"): None,
        ("POST", "/keys"): None,
        ("GET", "/reports/runs/{run_id}"): f"/reports/runs/{started['run_id']}",
        ("GET", "/prices"): "/prices?symbols=AAPL",
        ("GET", "/quotes"): "/quotes?symbols=AAPL",
        ("GET", "/indicators/{symbol}"): "/indicators/{symbol}?sma=5,20",
    }
    for route in routes.ROUTES:
        path = asked.get((route.method, route.path), route.path)
        if path is None or route.method == "DELETE":
            continue
        path = path.replace("{symbol}", "AAPL").replace("{rule_id}", made["rule_id"])
        path = path.replace("{alert_id}", alert["alert_id"])
        path = path.replace("{channel_id}", channel_id)
        body = rule if route.path.startswith("/rules") and route.method != "GET" else None
        body = {**rule, "period": "1y"} if route.path == "/rules/preview" else body
        body = {"name": "phone"} if route.path == "/channels/{channel_id}" else body
        body = {"source": "another"} if route.path == "/symbols/{symbol}" else body
        body = {"source": "another", "symbols": ["AAPL"]} if route.path == "/standby" else body
        body = None if route.method == "GET" else body
        status, answer = standing.ask(route.method, path, body)
        assert status < 300, (route, answer)
    status, tested = standing.ask("POST", f"{channel_path}/test")
    assert status == 202, tested
    assert eventually(lambda: attempts_of(standing, tested["alert_id"]) >= 2)
    assert standing.ask("GET", "/prices/NOBODY")[0] == 404
    for interval in ("1m", "1h", "1d"):
        assert standing.ask("GET", f"/prices/AAPL?interval={interval}")[0] == 200
    rule_path = f"/rules/{made['rule_id']}"
    for path in ("/symbols/AAPL", "/symbols/AAPL?data=true", rule_path, channel_path, mute_path):
        assert standing.ask("DELETE", path)[0] < 300


def attempts_of(standing: Standing, alert_id: str) -> int:
    """How often an alert was tried on its only channel."""
    deliveries = standing.ask("GET", f"/alerts/{alert_id}")[1]["deliveries"]
    return int(deliveries[0]["attempts"]) if deliveries else 0


def test_a_key_may_do_what_its_scopes_say_until_it_is_revoked(
    life: Life, standing: Standing
) -> None:
    key = {"name": "a reader", "scopes": ["read"], "requests_per_minute": 600}
    status, made = standing.ask("POST", "/keys", key)
    assert status == 201, made
    token = made["token"]
    assert standing.ask("GET", "/symbols", token=token)[0] == 200
    assert standing.ask("PUT", "/symbols/AAPL", token=token)[0] == 403
    listed = life.stage.run([*TOKEN, "list", "--stage", STAGE])
    assert listed.status == 0, listed.errors
    assert [line.split()[1] for line in listed.output.splitlines()] == ["deployment", "a"]
    added = life.stage.run([*TOKEN, "add", "--name", "b", "--scope", "read", "--stage", STAGE])
    assert standing.ask("GET", "/symbols", token=added.output.strip())[0] == 200
    assert standing.ask("DELETE", f"/keys/{made['key_id']}")[0] == 204
    assert eventually(lambda: standing.ask("GET", "/symbols", token=token)[0] == 401)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_may_do_what_it_did_and_nothing_else(
    life: Life, standing: Standing, function: str
) -> None:
    _collect(life)
    policy_checks.function_may_do_what_it_did_and_nothing_else(life, function)


# The end.


@pytest.mark.long
def test_destroy_keeps_data_unless_deletion_is_requested(life: Life) -> None:
    _collect(life)
    kept = life.stage.deployment("destroy")
    assert kept.status == 0, kept.errors[-3000:]
    tables = life.client("dynamodb").list_tables()["TableNames"]
    assert len(tables) == len(RESOURCES["tables"])
    buckets = {bucket["Name"] for bucket in life.client("s3").list_buckets()["Buckets"]}
    assert buckets == set(life.outputs["data_buckets"])
    for bucket in buckets:
        block = life.client("s3").get_public_access_block(Bucket=bucket)
        assert all(block["PublicAccessBlockConfiguration"].values())
    assert life.client("lambda").list_functions()["Functions"] == []
    assert roles(life) == []


def test_destroy_with_data_leaves_nothing(life: Life) -> None:
    gone = life.stage.deployment("--delete-data", "destroy")
    assert gone.status == 0, gone.errors[-3000:]
    left = {
        "alarms": life.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "apis": life.client("apigateway").get_rest_apis()["items"],
        "buckets": life.client("s3").list_buckets()["Buckets"],
        "dashboards": life.client("cloudwatch").list_dashboards()["DashboardEntries"],
        "databases": life.client("glue").get_databases()["DatabaseList"],
        "distributions": life.client("cloudfront")
        .list_distributions()["DistributionList"]
        .get("Items", []),
        "functions": life.client("lambda").list_functions()["Functions"],
        "log groups": life.client("logs").describe_log_groups()["logGroups"],
        "mappings": life.client("lambda").list_event_source_mappings()["EventSourceMappings"],
        "parameters": life.client("ssm").describe_parameters()["Parameters"],
        "queues": life.client("sqs").list_queues().get("QueueUrls", []),
        "roles": roles(life),
        "rules": life.client("events").list_rules()["Rules"],
        "streams": life.client("kinesis").list_streams()["StreamNames"],
        "tables": life.client("dynamodb").list_tables()["TableNames"],
        "topics": life.client("sns").list_topics()["Topics"],
    }
    assert {what: found for what, found in left.items() if found} == {}
    config = json.loads((life.stage.directory / ".chalice" / "config.json").read_text())
    assert STAGE not in config["stages"]


def test_deployers_policy_allows_all_that_was_asked_for(life: Life) -> None:
    policy_checks.deployers_policy_allows(life.aws.asked())
