"""Loads the API with sixteen clients for half a minute while the pipeline runs.

Clients, API, pollers, producer and the embedded AWS share this machine's cores. So the figures show
how the local system holds up; in a deployment each request has its own Lambda. Requests are those
of the page: quotes, the live end of a series, ranges, indicators, alerts. Answers are read
completely; any status but 200 or 304 is an error.
"""

from __future__ import annotations

import http.client
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

from rigs.running_system import running_system

CLIENTS = 16
SECONDS = 30.0
WARM_UP_SECONDS = 3.0
SYMBOLS = ("ACME", "GLOBEX", "INITECH", "UMBRELLA", "HOOLI")
REQUESTS: dict[str, tuple[int, str]] = {
    "quotes": (6, "/quotes?symbols={all}"),
    "latest": (4, "/prices/{symbol}/latest"),
    "1m, last 60": (4, "/prices/{symbol}?interval=1m&sort=desc&limit=60"),
    "ticks, last 100": (2, "/prices/{symbol}?interval=tick&sort=desc&limit=100"),
    "auto, 1 day": (2, "/prices/{symbol}?period=1d"),
    "days, 1 year": (1, "/prices/{symbol}?interval=1d&period=1y"),
    "indicators": (1, "/indicators/{symbol}?sma=5,20&interval=5m&sort=desc&limit=60"),
    "alerts": (2, "/alerts?symbol={symbol}&sort=desc&limit=50"),
}

Sample = tuple[str, float, bool]


def measure() -> list[dict[str, Any]]:
    """Return requests per second, errors, and percentiles in milliseconds (of all requests and by
    kind)."""
    with running_system("--no-page", "--symbols", ",".join(SYMBOLS)) as system:
        while not system.get(f"/quotes?symbols={SYMBOLS[0]}")["quotes"]:
            time.sleep(0.3)
        _run(system.api, WARM_UP_SECONDS)
        samples = _run(system.api, SECONDS)
    errors = sum(not good for _, _, good in samples)
    by_kind: dict[str, list[float]] = defaultdict(list)
    for kind, seconds, _ in samples:
        by_kind[kind].append(seconds)
    everything = [seconds for _, seconds, _ in samples]
    rate = {
        "name": f"API, {CLIENTS} clients",
        "value": round(len(samples) / SECONDS, 1),
        "unit": "requests/s",
    }
    wrong = {
        "name": f"API, {CLIENTS} clients: errors",
        "value": errors,
        "unit": f"of {len(samples)}",
        "target": 0,
        "holds": errors == 0,
    }
    kinds = [_percentiles(f"API, {kind}", by_kind[kind]) for kind in REQUESTS if by_kind[kind]]
    return [rate, wrong, _percentiles("API, all", everything), *kinds]


def _percentiles(name: str, seconds: Sequence[float]) -> dict[str, Any]:
    """Return the median (as value), p95 and p99 of requests in milliseconds."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    p50, p95, p99 = (round(cuts[at] * 1000, 1) for at in (49, 94, 98))
    return {"name": name, "value": p50, "p95": p95, "p99": p99, "unit": "ms"}


def _run(api: str, seconds: float) -> list[Sample]:
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        runs = [pool.submit(_client, api, random.Random(number), end) for number in range(CLIENTS)]
        return [sample for run in runs for sample in run.result()]


def _client(api: str, choose: random.Random, end: float) -> list[Sample]:
    """Send requests on one connection until `end`, each after the previous answer. Return the
    samples."""
    kinds = list(REQUESTS)
    weights = [REQUESTS[kind][0] for kind in kinds]
    samples: list[Sample] = []
    connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=30)
    while time.monotonic() < end:
        kind = choose.choices(kinds, weights)[0]
        path = REQUESTS[kind][1].format(symbol=choose.choice(SYMBOLS), all=",".join(SYMBOLS))
        start = time.perf_counter()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            good = answer.status in (200, 304)
        except (OSError, http.client.HTTPException):
            good = False
            connection.close()
        samples.append((kind, time.perf_counter() - start, good))
    connection.close()
    return samples
