"""CPU per tick of detect, from Lambda's event to the handler's result.

It is compared with the baseline's second function, and measured with a thousand to a million stored
ticks.

Both sides query the same rows from the same endpoint, a separate process (see stored.py). The
baseline's day has DAY_TICKS ticks. Ours gets the event that AWS would deliver through its filter: a
symbol's newest item. Bias: of the thousand stream records of a batch the baseline gets SLICE, since
each costs the same. The endpoint is near and uses no TLS, which favours the side with more calls.
The averages cross equally often for both sides, as in the old designs' example. Ours reads the
states in each invocation, which a warm container would cache.

    python -m bench detect_cpu
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from bench import feeds, stored
from bench.aws_calls import AwsCalls
from bench.baseline import Baseline
from bench.measuring import alternate, beside, timed
from bench.null_aws import NullAws
from bench.our_app import TOPIC, our_app
from chalicelib import bootstrap
from chalicelib.adapters.clients import Clients
from chalicelib.adapters.state import to_item
from chalicelib.adapters.tick_items import unpack
from chalicelib.domain.detection import State, Watch, advance, rules_for
from chalicelib.domain.rules import default_rules
from chalicelib.domain.ticks import Tick
from rigs.invocations import LambdaContext

DAY_TICKS = 1_000
STORED = (1_000, 30_000, 1_000_000)
FEW, MANY = 1, 40
SLICE = 25
ROUNDS = 5
REPEATS = {FEW: 8, MANY: 1}
TARGET, FLAT = 10, 1.3
_BEFORE = 100
"""Ticks included in the state before a batch."""

Run = Callable[[], None]


def ticks_of(symbol: str, newest_age: int, count: int) -> Iterator[Tick]:
    """Yield the newest `count` rows of the stored table as ticks, the oldest first. The last tick
    has `newest_age` rows after it."""
    rows = stored.ticks(STORED[0])
    for age in range(newest_age + count - 1, newest_age - 1, -1):
        item = stored.tick_item(symbol, age, rows.when(STORED[0] - 1 - age))
        yield from (found.tick for found in unpack(item))


def state_before(symbol: str, new: int) -> dict[str, Any]:
    """Return the state item of a symbol, as it was before the symbol's newest `new` ticks."""
    rules = default_rules(5, 20, bootstrap.get_services().anomaly_percent)
    watch = Watch(rules_for(symbol, rules))
    ticks = list(ticks_of(symbol, new, _BEFORE))
    return to_item(advance(State(symbol=symbol), ticks, watch, lambda _tick: "").state)


def without_alerts(item: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a state item without its unsent alerts."""
    data = json.loads(item["data"]["S"])
    data.pop("p", None)
    return {**item, "data": {"S": json.dumps(data)}}


def trigger(symbol: str, new: int) -> dict[str, Any]:
    """Return a symbol's newest item. It says that the symbol's last `new` ticks are complete."""
    rows = stored.ticks(STORED[0])
    item = stored.tick_item(symbol, 0, rows.when(STORED[0] - 1))
    return {**item, "complete_from": {"S": rows.when(STORED[0] - new)}}


def forget_states() -> None:
    """Empty detect's cache of states, as in a new container."""
    vars(bootstrap.get_services()).pop("detect", None)


def our_case(app: Any, aws: NullAws, new: int, rows: int) -> Run:
    """Return our case: a batch with `new` ticks per symbol, over a table with `rows` rows per
    symbol."""
    event = feeds.stream_event([trigger(symbol, new) for symbol in feeds.SYMBOLS])
    states = [without_alerts(state_before(symbol, new)) for symbol in feeds.SYMBOLS]
    answer = {"Responses": {"state": states}, "UnprocessedKeys": {}}

    def run() -> None:
        aws.store("prices", rows)
        aws.answer("BatchGetItem", "state", answer)
        for _ in range(REPEATS[new]):
            forget_states()
            assert app.detect(event, LambdaContext()) == {"batchItemFailures": []}

    return run


def their_case(baseline: Baseline, aws: NullAws) -> Run:
    """Return the baseline's case: SLICE stream records, each over a day of DAY_TICKS ticks."""
    rows = stored.ticks(DAY_TICKS)
    items = [stored.tick_item(symbol, 0, rows.when(DAY_TICKS - 1)) for symbol in feeds.SYMBOLS]
    event = feeds.stream_event(items[:SLICE])

    def run() -> None:
        aws.store("prices", DAY_TICKS)
        baseline.detect(event)

    return run


def counted(run: Run, calls: AwsCalls) -> tuple[int, float]:
    """Run a case and return its number of calls and its read units."""
    calls.forget()
    run()
    return calls.calls, sum(tally.read_units for tally in calls.by_operation.values())


def measure() -> list[dict[str, object]]:
    """Return the benchmark's results."""
    with our_app() as (app, aws, clients):
        baseline = Baseline("prices", "bars", "archive", TOPIC)
        cases = {f"{MANY} {rows}": our_case(app, aws, MANY, rows) for rows in STORED}
        cases[f"{FEW} {STORED[0]}"] = our_case(app, aws, FEW, STORED[0])
        cases["theirs"] = their_case(baseline, aws)
        ticks = {name: len(feeds.SYMBOLS) * MANY for name in cases}
        ticks[f"{FEW} {STORED[0]}"] = len(feeds.SYMBOLS) * FEW * REPEATS[FEW]
        ticks["theirs"] = SLICE
        found = alternate(cases, ROUNDS)
        used = count_all(cases, clients)
    per_tick = {name: [s / ticks[name] * 1e6 for s in found[name]] for name in cases}
    theirs = per_tick.pop("theirs")
    name, unit = "detect_cpu_per_tick", "µs CPU a tick"
    many = timed(name, unit, per_tick[f"{MANY} {STORED[0]}"])
    few = timed(f"{name}_one_a_symbol", unit, per_tick[f"{FEW} {STORED[0]}"])
    return [
        beside(many, theirs, TARGET),
        beside(few, theirs, None),
        *(flat(rows, per_tick, used) for rows in STORED[1:]),
    ]


def count_all(cases: dict[str, Run], clients: Clients) -> dict[str, tuple[int, float]]:
    """Return the calls and read units of our cases. Call this after the timing, since counting
    takes time too."""
    calls = AwsCalls([clients.dynamodb, clients.sns])
    return {name: counted(run, calls) for name, run in cases.items() if name != "theirs"}


def flat(
    rows: int, per_tick: dict[str, list[float]], used: dict[str, tuple[int, float]]
) -> dict[str, Any]:
    """Return the result of a longer table beside the shortest one: CPU, calls and read units."""
    few, many = f"{MANY} {STORED[0]}", f"{MANY} {rows}"
    ratio = median(per_tick[many]) / median(per_tick[few])
    unit = f"µs CPU a tick; {used[many][0]} calls, {used[many][1]:g} read units a batch"
    return {
        **timed(f"detect_cpu_per_tick_{rows}_stored", unit, per_tick[many]),
        "baseline": f"{median(per_tick[few]):.1f}; {used[few][0]} calls, {used[few][1]:g} units",
        "ratio": round(ratio, 2),
        "target": f"at most {FLAT} times {STORED[0]} stored, equal calls and units",
        "holds": ratio <= FLAT and used[many] == used[few],
    }
