"""A world in which containers run side by side and everything fails that may fail.

Each invocation is a thread that stops at each of its calls to AWS until its turn comes, so one
seed always gives the same course of events. Faults are drawn at each call.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import ReadTimeoutError

from chalicelib.bootstrap import Services
from rigs.memory_aws import inserts
from rigs.memory_aws.dynamodb import DynamoDB, Perform
from rigs.memory_aws.system import S3, SNS, SQS, Aws
from rigs.memory_aws.tables import error
from tests.factories import instant
from tests.faults.killing import Killed
from tests.faults.tracing import Trace


class Faults(msgspec.Struct, frozen=True):
    """The probability of each fault per call, and the most faults."""

    crash: float = 0.0
    refused: float = 0.0
    lost: float = 0.0
    withheld: float = 0.0
    most: int = 0


class World:
    """The stores, the clock, and the dice."""

    def __init__(
        self, settings: Any, seed: int, faults: Faults, page_items: int, warm: int = 0
    ) -> None:
        """`warm` containers at most live on for later invocations, as Lambda keeps them."""
        self.settings = settings
        self.warm = warm
        self._idle: list[Container] = []
        self.aws = Aws(page_items)
        self.dice = random.Random(seed)
        self.faults = faults
        self.left = faults.most
        self.trace = Trace(self.aws)
        self.seconds = 0.0
        self.invocations = 0

    def clock(self) -> datetime:
        """A little later at each look; leases end only when `wait` is called."""
        self.seconds += 0.001
        return instant(10**7 + self.seconds)

    def happens(self, rate: float) -> bool:
        """Return whether a fault of this rate occurs now."""
        comes = self.left > 0 and self.dice.random() < rate
        self.left -= comes
        return comes

    def wait(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.seconds += seconds

    def container(self) -> Container:
        """Return an idle container, or a new one."""
        if not self._idle or self.dice.random() < 0.1:
            return Container(self)
        return self._idle.pop(self.dice.randrange(len(self._idle)))

    def release(self, container: Container) -> None:
        """The container has done its work and may be used again."""
        self._idle.append(container)
        while len(self._idle) > self.warm:
            self._idle.pop(self.dice.randrange(len(self._idle)))

    def invoke(self, work: Callable[[Services, str], Any]) -> Invocation:
        """A container that is about to do `work` with its services and its request's id."""
        self.invocations += 1
        return Invocation(self, f"request-{self.invocations}", work)


class Container:
    """Services that live on between invocations, with all that they keep; one invocation at a
    time has it."""

    def __init__(self, world: World) -> None:
        self.invocation: Invocation | None = None
        clients = Clients(world.aws, self._call)
        self.services = Services(world.settings, world.clock, clients)

    def _call(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if self.invocation is None:
            raise AssertionError(f"{operation} outside of an invocation")
        return self.invocation.call(operation, request, perform)


class Invocation:
    """One run of a handler. `step` lets it go on to its next call; `failure` is what it raised."""

    def __init__(self, world: World, request_id: str, work: Callable[[Services, str], Any]) -> None:
        self.world = world
        self.request_id = request_id
        self.result: Any = None
        self.failure: BaseException | None = None
        self.done = False
        self._work = work
        self._dead = False
        self._waiting = threading.Lock()
        self._overlap = ""
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """To the next call, or to the end."""
        self._go.release()
        self._stopped.acquire()
        if self._overlap:
            raise AssertionError(f"{self._overlap} while another call waits for its turn")
        if self.done:
            self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        container = self.world.container()
        container.invocation = self
        try:
            self.result = self._work(container.services, self.request_id)
        except (Exception, Killed) as failure:  # noqa: BLE001 - who delivers looks at it
            self.failure = failure
        container.invocation = None
        if not self._dead:  # an error leaves a container as it is
            self.world.release(container)
        self.done = True
        self._stopped.release()

    def _turn(self) -> None:
        if self._dead:
            raise Killed
        self._stopped.release()
        self._go.acquire()

    def _die(self) -> None:
        self._dead = True
        raise Killed

    def call(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        """A call to AWS, which may fail, or be the last one."""
        if not self._waiting.acquire(blocking=False):
            self._overlap = operation
            raise Killed
        try:
            return self._in_turn(operation, request, perform)
        finally:
            self._waiting.release()

    def _in_turn(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        self._turn()
        happens, faults = self.world.happens, self.world.faults
        if happens(faults.crash):
            self._die()
        if happens(faults.refused):
            raise error(operation, "InternalServerError", 500)
        answer = self._performed(operation, request, perform)
        if happens(faults.crash):
            self._die()
        if happens(faults.lost):
            raise ReadTimeoutError(endpoint_url="https://aws.example")
        return answer

    def _performed(
        self, operation: str, request: dict[str, Any], perform: Perform
    ) -> dict[str, Any]:
        if operation == "BatchWriteItem":
            return self._written_one_by_one(request)
        if operation == "BatchExecuteStatement":
            return self._inserted_one_by_one(request)
        answer = perform()
        self.world.trace.performed(self.request_id, operation, request, answer)
        return answer

    def _written_one_by_one(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """In any order, others coming in between, and some of it not at all."""
        dice = self.world.dice
        unprocessed: dict[str, list[Any]] = {}
        for name, writes in request["RequestItems"].items():
            left = list(writes)
            dice.shuffle(left)
            for write in left:
                if self.world.happens(self.world.faults.withheld):
                    unprocessed.setdefault(name, []).append(write)
                    continue
                self.world.aws.tables[name].put(write["PutRequest"]["Item"])
                self.world.trace.put(name, write["PutRequest"]["Item"])
                if dice.random() < 0.3:
                    self._turn()
        return {"UnprocessedItems": unprocessed}

    def _inserted_one_by_one(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """In any order, others coming in between, and some refused for the load."""
        dice = self.world.dice
        numbers = list(range(len(request["Statements"])))
        dice.shuffle(numbers)
        responses: dict[int, Any] = {}
        for number in numbers:
            responses[number] = self._inserted(request["Statements"][number])
            if dice.random() < 0.3:
                self._turn()
        return {"Responses": [responses[number] for number in sorted(numbers)]}

    def _inserted(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        name, item = inserts.parsed(statement)
        if self.world.happens(self.world.faults.withheld):
            return inserts.refusal("ThrottlingError", name)
        response = inserts.inserted(self.world.aws.tables, statement)
        if "Error" not in response:
            self.world.trace.put(name, item)
        return response


class Clients:
    """One container's clients."""

    def __init__(self, aws: Aws, call: Any) -> None:
        self.around = call
        self.objects, self.published = aws.objects, aws.published
        self.messages = aws.messages
        self.dynamodb = DynamoDB(aws.tables, call, aws.dynamodb.page_items)
        self.s3 = S3(self)
        self.sns = SNS(self)
        self.sqs = SQS(self)
