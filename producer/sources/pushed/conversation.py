"""The conversation over one connection: subscriptions, acknowledgements, heartbeats, silence."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from producer.reasons import reason
from producer.sources.pushed import messages
from producer.sources.pushed.connection import Connection, Lost

if TYPE_CHECKING:
    from producer.sources.pushed.session import Session

_PACE_SECONDS = 0.3
"""The pause between two of our frames: Binance ends connections that send more than five a
second."""


class Conversation:
    """The state of the conversation over one connection."""

    def __init__(self, session: Session, now: float) -> None:
        self._session = session
        self._feed = session.feed
        self.heard_at = self._priced_at = now
        self._is_ready = not self._feed.greets
        self._subscribed: tuple[str, ...] = ()
        self._live: frozenset[str] = frozenset()
        self._due_at: float | None = None
        self._beat_at = now
        session.numbering.begin()

    def begin(self, socket: Connection) -> None:
        """Send the feed's opening frames, which precede subscriptions."""
        self.heard_at = self._priced_at = self._session.now()
        for frame in self._feed.opening():
            socket.send(frame)
        if not self._is_ready:
            self._due_at = self.heard_at + self._session.timings.acknowledgement

    def step(self, socket: Connection, stop: threading.Event) -> None:
        """Subscribe if the symbols have changed, then handle one frame.

        Raises Lost if the connection is closed, or if the service is mute or does not acknowledge.
        Raises Throttled or SourceError if the service refuses the connection.
        """
        self._subscribe(socket, stop)
        try:
            frame = socket.recv(self._session.timings.receive)
        except TimeoutError:
            frame = None
        except ConnectionClosed as closed:
            raise Lost(reason(closed)) from closed
        if frame is not None:
            self._hear(frame)
        if self._due_at is not None and self._session.now() >= self._due_at:
            seconds = self._session.timings.acknowledgement
            what = "the subscription was" if self._is_ready else "we were"
            raise Lost(f"{what} not acknowledged within {seconds:g} s")
        self._session.check_silence(self.heard_at, self._priced_at)

    def _subscribe(self, socket: Connection, stop: threading.Event) -> None:
        allowed = self._session.allowed()
        if not self._is_ready:
            return
        beat = self._feed.beat_seconds
        is_due = beat is not None and self._session.now() >= self._beat_at
        if allowed == self._subscribed and not is_due:
            return
        gone = [name for name in self._subscribed if name not in allowed]
        new = [name for name in allowed if is_due or name not in self._subscribed]
        frames = [*self._feed.unsubscribe(gone), *self._feed.subscribe(new)]
        for number, frame in enumerate(frames):
            if number and stop.wait(_PACE_SECONDS):
                return
            socket.send(frame)
        self._subscribed = allowed
        self._live &= frozenset(allowed)
        self._beat_at = self._session.now() + (beat or 0.0)
        if not self._feed.acknowledges:
            self._accept(frozenset(allowed))
        elif not self._live.issuperset(allowed):
            self._due_at = self._session.now() + self._session.timings.acknowledgement

    def _hear(self, frame: str | bytes) -> None:
        try:
            found = self._feed.read(frame)
        except messages.BadFrame as error:
            self._session.status.drop(f"bad frame: {error}")
            return
        if found:
            now = self._session.now()
            self._session.doubt(now - self.heard_at)
            self.heard_at = now
        for message in found:
            self._handle(message)

    def _handle(self, message: messages.Message) -> None:
        match message:
            case messages.Trade():
                self._priced(self._session.take_trade(message))
            case messages.Quote() | messages.MinuteVolume():
                self._priced(self._session.take(message))
            case messages.Newest():
                self._session.check_newest(message)
            case messages.Ready():
                self._is_ready, self._due_at = True, None
            case messages.Accepted():
                self._accept(message.symbols)
            case messages.Unknown():
                self._session.put_off(message.symbol, message.why)
                self._subscribed, self._due_at = tuple(self._live), None
            case messages.TooMany():
                self._session.limit(message)
                self._subscribed, self._due_at = tuple(self._live), None
            case messages.Refused():
                self._session.refuse(message)

    def _priced(self, is_taken: bool) -> None:
        if is_taken:
            self._priced_at = self.heard_at

    def _accept(self, symbols: frozenset[str]) -> None:
        if symbols.issuperset(self._subscribed):
            self._due_at = None
        new = symbols.intersection(self._subscribed) - self._live
        if new:
            self._live |= new
            self._session.become_live(new)
