"""A source of pushed prices: it has a session, waiting prices and gaps that history fills."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.times import from_text, to_text
from producer.backoff import Backoff
from producer.errors import SourceError
from producer.hours import Hours
from producer.hygiene import FUTURE_SECONDS
from producer.malformed import flaw_of
from producer.reasons import reason
from producer.sources.pushed.action_questions import ActionQuestions
from producer.sources.pushed.history import Timely, first_instant
from producer.sources.pushed.mender import Mender
from producer.sources.pushed.messages import Heard, MinuteVolume, Quote, Trade, named, out_of_bounds
from producer.sources.pushed.service import Service
from producer.sources.pushed.session import Session
from producer.sources.pushed.so_far import Listing, SessionsSoFar
from producer.sources.pushed.split_questions import SplitQuestions
from producer.sources.pushed.waiting import Waiting, thinned
from producer.status import Status
from producer.throttling import TokenBucket
from producer.watchlist import Watchlist
from producer.wire import WireTick

DEFAULT_INTERVAL_SECONDS = 1.0
_IDLE_SECONDS = 0.5
_FUTURE = timedelta(seconds=FUTURE_SECONDS)
_MINUTE = len("2026-11-20T15:30")


class Pushed:
    """Prices that a service pushes, and history for the minutes that the stream did not cover.

    Every `interval` seconds it gives the first, highest, lowest and last price of each symbol and
    minute since the last time. `now` returns monotonic seconds, `clock` the time of day; tests
    replace `make_session`.
    """

    recorded = False
    needs_hygiene = True

    def __init__(
        self,
        service: Service,
        watchlist: Watchlist,
        status: Status,
        hours: Hours,
        *,
        interval: float = DEFAULT_INTERVAL_SECONDS,
        history: bool = True,
        rng: random.Random | None = None,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        make_session: Callable[..., Session] = Session,
    ) -> None:
        self.name = service.name
        self._service = service
        self._watchlist = watchlist
        self._status = status
        self._hours = hours
        self._interval = interval
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._so_far = SessionsSoFar()
        self._listings: dict[str, Listing] = {}
        self._newest: dict[str, str] = {}
        self._latest = ""
        self._waiting = Waiting(self._made_room)
        rate = service.requests_per_second
        bucket = TokenBucket(rate, max(1.0, rate), now)
        self._mender = Mender(
            service.feed.service,
            Timely(service.history),
            status,
            bucket,
            backoff=lambda: Backoff(5.0, 300.0, self._rng),
            with_history=history,
            clock=clock,
            now=now,
            first=self._first_instant,
        )
        self._splits = self._asking(bucket)
        told = service.actions
        self._actions = told and ActionQuestions(status, told, bucket, self._mender.time)
        self._session = make_session(
            service.feed,
            status,
            self,
            quiet=self._all_closed,
            backoff=Backoff(1.0, 60.0, self._rng),
            now=now,
        )
        self._restart = Backoff(1.0, 60.0, self._rng)
        self._bars: queue.Queue[Sequence[WireTick]] = queue.Queue(8)
        self._fault: SourceError | None = None
        self._refused: set[str] = set()
        self.drops = watchlist.drops
        self.refuses = watchlist.refuses
        self.followed: Sequence[str] = ()

    def _asking(self, bucket: TokenBucket) -> SplitQuestions | None:
        listed, mender = self._service.split_today, self._mender
        if listed is None:
            return None
        return SplitQuestions(self._status, listed, bucket, mender.time, mender.fetch_again)

    def continue_after(self, latest: Mapping[str, str]) -> None:
        """See Continuing.continue_after."""
        self._mender.continue_after(latest)

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield prices and history as they arrive. Raises SourceError if the service refuses the
        keys."""
        self.follow()
        for name, loop in (("receiver", self._receive), ("history", self._mend)):
            threading.Thread(
                target=loop, args=(stop,), name=f"{self.name}-{name}", daemon=True
            ).start()
        while not stop.is_set():
            if self._fault is not None:
                raise self._fault
            self.follow()
            yield from self.gathered()
            stop.wait(self._interval)
        yield from self.gathered()

    def gathered(self) -> Iterator[Sequence[WireTick]]:
        """Yield the history and the prices that have arrived since the last call."""
        while True:
            try:
                bars = self._bars.get_nowait()
            except queue.Empty:
                break
            self._learn(bars)
            yield bars
        yield self._collected()

    def follow(self) -> None:
        """Follow the symbols that the watchlist has now."""
        symbols = [name for name in self._watchlist.symbols() if self._is_listed(name)]
        if symbols == self.followed:
            return
        self._mender.forget(self.drops)
        self._so_far.forget(self.drops)
        if self._splits is not None:
            self._splits.forget(self.drops)
        if self._actions is not None:
            self._actions.forget(self.drops)
        self.followed = symbols
        self._mender.follow(symbols)
        self._session.follow(symbols)
        if not symbols:
            self._status.say("no symbols are tracked")

    def _is_listed(self, symbol: str) -> bool:
        if symbol in self._listings:
            return True
        listing = self._service.listing(symbol)
        if listing is not None:
            self._listings[symbol] = listing
            return True
        if symbol not in self._refused:
            self._refused.add(symbol)
            service = self._service.feed.service
            self._status.problem(f"{symbol}: {service} has no such symbol; it is not followed")
        return False

    def mend(self, stop: threading.Event) -> bool:
        """Make one request: about a split, for history or for actions. Return False if nothing is
        due or the request for history failed, so that the caller waits."""
        if self._splits is not None and self._splits.ask(stop):
            return True
        found = self._mender.step(stop)
        if found is None and self._actions is not None:
            found = self._actions.ask(self._mender.with_days(), stop)
        if found is None:
            return False
        self._bars.put(found)
        return True

    def _mend(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if not self.mend(stop):
                stop.wait(_IDLE_SECONDS)

    def _first_instant(self, symbol: str) -> datetime:
        zone = self._listings[symbol].exchange_timezone
        return first_instant(symbol, zone, self._mender.time())

    def _receive(self, stop: threading.Event) -> None:
        """Run the session. If it ends for any reason but refused keys, start it again."""
        while not stop.is_set():
            try:
                self._session.run(stop)
            except SourceError as error:
                self._fault = error
                return
            except Exception as error:  # noqa: BLE001 - reported; the prices have to continue
                service = self._service.feed.service
                self._status.problem(
                    f"the receiver of {service}'s stream failed ({reason(error)}); it starts again",
                    error,
                )
                stop.wait(self._restart.failed())

    def flaw_of(self, heard: Heard) -> str | None:
        """See Listener.flaw_of. Times are compared with this machine's clock, numbers with ingest's
        bounds."""
        _, at = named(heard)
        return "in the future" if self._is_ahead(at) else out_of_bounds(heard)

    def _is_ahead(self, at: str) -> bool:
        """Return whether a time is more than `_FUTURE` ahead of the clock. Read the clock only if
        the time is after the last limit."""
        if at <= self._latest:
            return False
        self._latest = to_text(self._clock() + _FUTURE)
        return at > self._latest

    def complete(self, tick: WireTick) -> None:
        """See Completing.complete."""
        if tick.is_live:
            self._so_far.complete(tick)

    def take(self, heard: Heard) -> None:
        """See Listener.take."""
        self._waiting.put(heard)

    def lost(self, silent_seconds: float) -> None:
        """See Listener.lost."""
        self._mender.lost(silent_seconds)

    def live(self, symbols: frozenset[str]) -> None:
        """See Listener.live."""
        self._mender.live(symbols)

    def missed(self, symbol: str, trades: int) -> None:
        """See Listener.missed."""
        self._status.drop("missed by the stream", trades)
        now = self._mender.time()
        last = self._newest.get(symbol)
        self._mender.missing(symbol, min(now, from_text(last)) if last else now, now)

    def doubted(self, silent_seconds: float) -> None:
        """See Listener.doubted."""
        now = self._mender.time()
        for symbol in self.followed:
            self._mender.missing(symbol, now - timedelta(seconds=silent_seconds), now)

    def _made_room(self, oldest: Heard) -> None:
        """Let history fill the minutes since a price for which the queue had no room."""
        symbol, at = named(oldest)
        self._status.drop("no room")
        self._mender.missing(symbol, from_text(at), self._mender.time())

    def _learn(self, bars: Sequence[WireTick]) -> None:
        """Take prices and volumes from history.

        If history raises a volume that ticks have already stated, the difference would count for
        the running minute. So history is asked for that minute, too. Bars that ingest would refuse
        are ignored here; a later step drops and counts them.
        """
        sound = [bar for bar in bars if flaw_of(bar) is None]
        if self._splits is not None:
            self._splits.learn(sound)
        now = self._mender.time()
        for symbol in self._so_far.learn(sound):
            self._so_far.settle(symbol, to_text(now)[:_MINUTE])
            self._mender.missing(symbol, now, now)

    def _collected(self) -> list[WireTick]:
        ticks = []
        for heard in self._waiting.take():
            if isinstance(heard, MinuteVolume):
                self._compare(heard)
                continue
            symbol, at = named(heard)
            newest = self._newest.get(symbol, "")
            self._newest[symbol] = max(at, newest)
            tick = self._tick(heard)
            if tick is None:
                continue
            if at < newest and isinstance(heard, Trade):
                self._place(tick, newest)
            ticks.append(tick)
        kept = thinned(ticks)
        return kept if self._splits is None else self._splits.passing(kept)

    def _compare(self, told: MinuteVolume) -> None:
        """Let history fill a minute for which the service counts more volume than has arrived."""
        if self._so_far.lacks(told.symbol, told.at, told.volume):
            self._status.drop("missed by the stream")
            instant = from_text(told.at)
            self._mender.missing(told.symbol, instant, instant)

    def _place(self, tick: WireTick, newest: str) -> None:
        """Handle a trade that comes after later ones. In the same minute it gets the time of the
        newest trade; otherwise history fills its minute."""
        if tick.timestamp[:_MINUTE] == newest[:_MINUTE]:
            tick.timestamp = newest
        else:
            instant = from_text(tick.timestamp)
            self._mender.missing(tick.symbol, instant, instant)

    def _tick(self, heard: Trade | Quote) -> WireTick | None:
        if isinstance(heard, Quote):
            return heard.tick
        listing = self._listings.get(heard.symbol)
        return self._so_far.tick(heard, listing) if listing is not None else None

    def _all_closed(self) -> bool:
        now = self._clock()
        return not any(self._hours.is_open(name, now) for name in self.followed)
