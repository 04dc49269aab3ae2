"""The product's services over AWS in memory: containers that stay warm, faults, and what is noted.

One invocation runs at a time, except where a fault names another that comes in between.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
from botocore.exceptions import ReadTimeoutError

from chalicelib import bootstrap
from chalicelib.adapters import dynamodb
from chalicelib.bootstrap import Services
from chalicelib.domain import detection
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.services.bars import closes, kept_closes
from chalicelib.services.detect import detect
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.inserts import parsed, refusal
from rigs.memory_aws.system import SETTINGS, Aws
from rigs.memory_aws.tables import error
from tests.faults.killing import Killed
from tests.faults.outbox import even_pauses, is_mark
from tests.faults.tracing import stamps
from tests.faults.world import Clients
from tests.model.reference_alerts import Step
from tests.sequential import one_call_at_a_time

FAST, SLOW = 2, 4
SMALL = msgspec.structs.replace(SETTINGS, sma_fast=FAST, sma_slow=SLOW, prices_ttl_days=10_000)
"""Nothing expires: the markets' days lie months apart, and what has expired is not the model's."""


class Fault(msgspec.Struct, frozen=True):
    """A fault at a call to `target`, after `skip` calls."""

    target: str
    kind: str
    skip: int

    def __repr__(self) -> str:
        return f"Fault({self.target!r}, {self.kind!r}, {self.skip})"


class Invocation:
    """One run of a handler: what it has called, and what it moved detection on by."""

    def __init__(self, name: str, meanwhile: Callable[[], None]) -> None:
        self.name = name
        self.meanwhile = meanwhile
        self.dead = False
        self.read_at = 0
        self.advanced: dict[str, tuple[Step, int]] = {}


class Container:
    """Services that live on between invocations, with all that they keep."""

    def __init__(self, lab: Lab) -> None:
        self.services = Services(SMALL, lambda: lab.now, Clients(lab.aws, lab.call))
        stores = self.services.stores
        prices: Any = _Reads(stores.prices, lab)
        self.services.__dict__["stores"] = msgspec.structs.replace(stores, prices=prices)


class _Reads:
    """The prices, noting when each read began."""

    def __init__(self, prices: Any, lab: Lab) -> None:
        self._prices = prices
        self._lab = lab

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prices, name)

    def ticks(self, *given: Any, **named: Any) -> Any:
        """See PriceStore."""
        self._lab.running[-1].read_at = self._lab.moment
        return self._prices.ticks(*given, **named)


class Lab:
    """The stores, the clocks and the containers.

    now: the wall clock, as far as the prices have come; seconds: the containers' own clock.
    steps: by symbol, what detection moved on by, in order; missed: ticks that it passed over
    although they had been stored before it read. unmarked: messages that went out in an invocation
    that did not mark them.
    """

    def __init__(self, containers: int, page_items: int) -> None:
        self.aws = Aws(page_items)
        self.now = datetime(2020, 1, 1, tzinfo=UTC)
        self.seconds = 1000.0
        self.moment = 0
        self._faults: list[Fault] = []
        self.running: list[Invocation] = []
        self.steps: dict[str, list[Step]] = defaultdict(list)
        self.stepped_at: dict[str, list[float]] = defaultdict(list)
        self.missed: list[tuple[str, str]] = []
        self.unmarked: Counter[str] = Counter()
        self._written: dict[tuple[str, str], int] = {}
        self._reached: dict[str, str] = {}
        self._invoked = 0
        self.containers = [Container(self) for _ in range(containers)]

    def restart(self, number: int) -> None:
        """A new container in the place of one."""
        self.containers[number] = Container(self)

    def expect(self, faults: Sequence[Fault]) -> None:
        """These are going to happen, in place of what has not happened yet."""
        self._faults = list(faults)

    def wait(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)

    def invoke(
        self,
        number: int,
        work: Callable[[Services, str], Any],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Any:
        """Return a handler's answer in this container; None if it failed or died."""
        self._invoked += 1
        invocation = Invocation(f"request-{self._invoked}", meanwhile)
        self.running.append(invocation)
        try:
            return work(self.containers[number].services, invocation.name)
        except (Exception, Killed):  # noqa: BLE001 - Lambda delivers again
            return None
        finally:
            self.running.pop()
            if invocation.dead:
                self.restart(number)

    def call(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        """A call to AWS, which may fail, or be the last one of its container."""
        invocation = self.running[-1]
        if invocation.dead:
            raise Killed
        kind = self._comes(_target(operation, request))
        if kind == "meanwhile":
            invocation.meanwhile()
        if kind == "die before":
            self._die(invocation)
        if kind == "refuse":
            raise error(operation, "InternalServerError", 500)
        answer = self._performed(operation, request, perform, withhold=kind == "withhold")
        self._note(invocation, operation, request)
        if kind == "die after":
            self._die(invocation)
        if kind == "lose answer":
            raise ReadTimeoutError(endpoint_url="https://aws.example")
        return answer

    def _comes(self, target: str) -> str:
        """The kind of the fault that comes at this call; empty where none does."""
        place = next((n for n, one in enumerate(self._faults) if one.target == target), None)
        if place is None:
            return ""
        found = self._faults.pop(place)
        if not found.skip:
            return found.kind
        self._faults.insert(place, msgspec.structs.replace(found, skip=found.skip - 1))
        return ""

    @staticmethod
    def _die(invocation: Invocation) -> None:
        invocation.dead = True
        raise Killed

    def _performed(
        self, operation: str, request: dict[str, Any], perform: Perform, *, withhold: bool
    ) -> dict[str, Any]:
        if withhold and operation == "BatchWriteItem":
            ((name, writes),) = request["RequestItems"].items()
            request["RequestItems"] = {name: writes[:1]}
            return {**perform(), "UnprocessedItems": {name: writes[1:]}}
        if withhold and operation == "BatchExecuteStatement":
            statements = request["Statements"]
            request["Statements"] = statements[:1]
            refused = [refusal("ThrottlingError", parsed(one)[0]) for one in statements[1:]]
            return {"Responses": [*perform()["Responses"], *refused]}
        return perform()

    def _note(self, invocation: Invocation, operation: str, request: dict[str, Any]) -> None:
        """Record what a call has done."""
        self.moment += 1
        table = request.get("TableName")
        if operation == "BatchWriteItem":
            for write in request["RequestItems"].get("prices", []):
                self._note_prices(write["PutRequest"]["Item"])
        elif operation == "PutItem" and table == "prices":
            self._note_prices(request["Item"])
        elif operation == "PutItem" and table == "state":
            self._note_step(invocation, request["Item"])
        elif operation == "Publish":
            self.unmarked[request["MessageAttributes"]["alert_id"]["StringValue"]] += 1
        elif is_mark(operation, request):
            key = request["Key"]
            item = self.aws.tables["alerts"].items[key["symbol"]["S"], key["timestamp_rule"]["S"]]
            self.unmarked[item["alert_id"]["S"]] -= 1

    def _note_prices(self, item: Any) -> None:
        for stamp in stamps(item):
            self._written.setdefault((item["symbol"]["S"], stamp), self.moment)

    def _note_step(self, invocation: Invocation, item: Any) -> None:
        symbol, last = item["symbol"]["S"], item["timestamp"]["S"]
        before = self._reached.get(symbol, "")
        if last <= before:
            return
        step, read_at = invocation.advanced[symbol]
        found = {tick.timestamp for tick in step.ticks}
        self.missed += [
            (symbol, stamp)
            for (written, stamp), moment in self._written.items()
            if written == symbol
            and before < stamp <= last
            and moment <= read_at
            and stamp not in found
        ]
        self.steps[symbol].append(step)
        self.stepped_at[symbol].append(self.seconds)
        self._reached[symbol] = last

    def advance(
        self, real: Callable[..., Any], state: Any, ticks: Any, watch: Any, *more: Any
    ) -> Any:
        """Detection's own step, noted; it counts once the state has been written."""
        outcome = real(state, ticks, watch, *more)
        invocation = self.running[-1]
        taken: tuple[Tick, ...] = tuple(ticks[: outcome.taken])
        rules: tuple[Rule, ...] = tuple(watch.rules)
        step = Step(taken, rules, self.now, state.last.price if state.last else None)
        invocation.advanced[state.symbol] = step, invocation.read_at
        return outcome

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """One call at a time, no pauses, and the clocks of this lab."""
        clock = SimpleNamespace(monotonic=lambda: self.seconds, sleep=lambda seconds: None)
        real = detection.advance

        def advance(*given: Any) -> Any:
            return self.advance(real, *given)

        with ExitStack() as stack:
            for module in (bootstrap, closes, detect, dynamodb, kept_closes):
                stack.enter_context(mock.patch.object(module, "time", clock))
            stack.enter_context(one_call_at_a_time())
            stack.enter_context(even_pauses())
            stack.enter_context(mock.patch.object(detect, "advance", advance))
            yield


def _target(operation: str, request: Mapping[str, Any]) -> str:
    """The table that a call is for, or the operation of one for no table."""
    if operation == "BatchExecuteStatement":
        return parsed(request["Statements"][0])[0]
    table = request.get("TableName") or next(iter(request.get("RequestItems", {})), operation)
    return str(table)
