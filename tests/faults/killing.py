"""A process that dies at a call to AWS: at botocore's events, where the network would be.

Before: the request never leaves. After: AWS has done what was asked, and the answer is lost.
"""

from __future__ import annotations

import threading
from typing import Any, Literal

Moment = Literal["before", "after"]
CLIENTS = ("dynamodb", "s3", "sns", "sqs")


class Killed(BaseException):
    """The process is gone; nothing in it may catch this."""


class Calls:
    """Counts the calls of some botocore clients, and kills at one of them.

    Once killed, every later call dies too: the threads of a dead process do nothing more.
    `names` are the operations called, `published` the alert_ids that SNS has accepted.
    """

    def __init__(self, clients: Any) -> None:
        self.names: list[str] = []
        self.published: list[str] = []
        self._lock = threading.Lock()
        self._kill: tuple[int, Moment] | None = None
        self._killed = False
        for name in CLIENTS:
            events = getattr(clients, name).meta.events
            events.register_first("before-call", self._before)
            events.register_first("after-call", self._after)
        clients.sns.meta.events.register("provide-client-params.sns.Publish", self._note)

    def forget(self) -> None:
        """Restart the count; nothing is killed until requested."""
        self.names.clear()
        self.published.clear()
        self._kill, self._killed = None, False

    def kill_at(self, number: int, moment: Moment) -> None:
        """Die at the call with this number, counted from 0."""
        self.names.clear()
        self._kill, self._killed = (number, moment), False

    def kill_no_more(self) -> None:
        """The dead process is replaced."""
        self._kill, self._killed = None, False

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        with self._lock:
            self._die_if_dead()
            number = context["number"] = len(self.names)
            self.names.append(model.name)
            if self._kill == (number, "before"):
                self._die()

    def _note(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["alert_id"] = params["MessageAttributes"]["alert_id"]["StringValue"]

    def _after(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        with self._lock:
            if "alert_id" in context and http_response.status_code < 300:
                self.published.append(context["alert_id"])
            self._die_if_dead()
            if self._kill == (context["number"], "after"):
                self._die()

    def _die_if_dead(self) -> None:
        if self._killed:
            raise Killed

    def _die(self) -> None:
        self._killed = True
        raise Killed
