"""The cost of requests with a key: `python -m bench.key_cost --requests-per-minute 60`.

Capacity units and CPU are counted over AWS in memory; waits are those of costs/pricing.py. Bias:
the CPU is this machine's, of one process, without Lambda's own overhead.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence

import msgspec
from chalice.app import AuthRequest
from rich.console import Console
from rich.table import Table

from bench.aws_calls import AwsCalls
from chalicelib.api import access
from chalicelib.bootstrap import Services
from costs.list_prices import Prices, prices
from costs.pricing import CPU_FACTOR, FULL_PROCESSOR_MB, OTHER_WAIT_MILLISECONDS, Line, total
from rigs.memory_aws.system import RESOURCES, SETTINGS, Aws
from rigs.memory_aws.transport import Transport

ROUNDS = 200
MILLION = 1_000_000
ARN = "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/dev/GET/quotes"


class Counts(msgspec.Struct, frozen=True):
    """The capacity units and CPU seconds of one policy request and of one counted request."""

    read_units: float
    write_units: float
    authorizer_cpu: float
    counter_cpu: float


def count() -> Counts:
    """Return what one policy request and one counted request use. Each is made ROUNDS times."""
    transport = Transport(Aws())
    services = Services(SETTINGS, clients=transport)
    key, token = services.keys.create({"name": "a key", "scopes": ["read"]})
    request = AuthRequest("TOKEN", f"Bearer {token}", ARN)
    calls = AwsCalls([transport.dynamodb])
    policies = _cpu(lambda: access.authorize(request, services.keys).to_dict(request))
    counters = _cpu(lambda: services.rate_limit.seconds_to_wait(key.key_id, 6000))
    return Counts(
        calls.by_operation["GetItem"].read_units / ROUNDS,
        calls.by_operation["UpdateItem"].write_units / ROUNDS,
        policies,
        counters,
    )


def _cpu(act: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(ROUNDS):
        act()
    return (time.process_time() - began) / ROUNDS


def lines(counts: Counts, requests_per_minute: float, listed: Prices) -> list[Line]:
    """Return USD per million requests that one key makes, spread evenly over time."""
    share = 1 / max(1, math.ceil(requests_per_minute / 60 * access.CACHE_SECONDS))
    usd = listed.of
    return [
        Line("authorizer: invocations", usd("lambda_request", MILLION) * share),
        Line("authorizer: GB-seconds", _lambda(counts.authorizer_cpu, "bearer_token", usd) * share),
        Line("authorizer: reads", usd("dynamodb_read_unit", counts.read_units * MILLION) * share),
        Line("counter: writes", usd("dynamodb_write_unit", counts.write_units * MILLION)),
        Line("counter: the API's GB-seconds", _lambda(counts.counter_cpu, "api_handler", usd)),
    ]


def _lambda(cpu: float, function: str, usd: Callable[[str, float], float]) -> float:
    """Return USD per million calls that take `cpu` seconds and one wait in a function."""
    memory = RESOURCES["functions"][function]["memory_mb"]
    seconds = cpu * CPU_FACTOR * FULL_PROCESSOR_MB / memory + OTHER_WAIT_MILLISECONDS / 1000
    return usd("lambda_gb_second", seconds * memory / 1024 * MILLION)


def main(arguments: Sequence[str]) -> int:
    """Print the costs as a table or as JSON. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.key_cost", allow_abbrev=False)
    parser.add_argument("--requests-per-minute", type=float, default=60.0, metavar="N")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    if options.requests_per_minute <= 0:
        parser.error("--requests-per-minute: allowed: a number above 0")
    found = lines(count(), options.requests_per_minute, prices())
    if options.json:
        print(json.dumps({line.what: line.usd for line in found}, indent=2))
    else:
        _show(found)
    return 0


def _show(found: Sequence[Line]) -> None:
    table = Table("for what", "USD a million requests")
    for line in found:
        table.add_row(line.what, f"{line.usd:.3f}")
    table.add_section()
    table.add_row("a key", f"{total(found):.3f}")
    table.add_row("API Gateway, with or without", f"{prices().of('api_request', MILLION):.3f}")
    Console(width=None if sys.stdout.isatty() else 100).print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
