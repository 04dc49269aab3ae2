"""The simulator's prices: a pure function of seed, symbol and instant.

A session is a UTC day. From day to day log prices move by mean-reverting steps with a gap
overnight. Within a day they follow a Brownian bridge from open to close over the day's minutes.
Within a minute they follow another bridge. Highs and lows are drawn from the law of a bridge's
extremes, and the path is reflected at them. So finer prices never leave the range of the coarser
bar, and a bar can be computed without the prices inside it. This makes history cheap, and it
matches what a live run showed.

Extremes: for a bridge from a to b of variance v, P(max > m) = exp(-2(m-a)(m-b)/v) (Borodin and
Salminen, Handbook of Brownian Motion, part II, 1.1.8).
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import accumulate
from random import Random
from statistics import NormalDist

import msgspec

MINUTES = 1440
DAY_SECONDS = 86_400
_FIRST_DAY = 18_993  # 2022-01-01, in days since 1970: the walk's first day
_PULL = 0.99
_DAY_SIGMA = 0.018
_GAP_SIGMA = 0.006
_BRIDGE_SIGMA = 0.018
_SHOCK_CHANCE = 0.3
_SHOCK_MINUTES = 3
_STEPS = 256  # per minute
_normal = NormalDist().inv_cdf


class Day(msgspec.Struct, frozen=True):
    """One session: log prices, shares, and a jump by `shock` from minute `shock_at` on. `low` and
    `high` hold for the whole session, including the jump."""

    previous_close: float
    open: float
    close: float
    high: float
    low: float
    volume: int
    shock: float
    shock_at: int


class Minutes(msgspec.Struct, frozen=True):
    """The minutes of a session, as log prices and shares.

    `knots` are the prices at the 1,441 edges of the minutes, `highs` and `lows` each minute's
    extremes. `highest`, `lowest` and `volumes` are the extremes and the volume from midnight to
    each edge.
    """

    knots: list[float]
    highs: list[float]
    lows: list[float]
    highest: list[float]
    lowest: list[float]
    volumes: list[int]


def _draw(rng: Random) -> float:
    return _normal(min(max(rng.random(), 1e-12), 1 - 1e-12))


def _extremes(rng: Random, a: float, b: float, variance: float) -> tuple[float, float]:
    """Draw the random low and high of a bridge from a to b."""
    up = math.sqrt((a - b) ** 2 - 2 * variance * math.log(1 - rng.random()))
    down = math.sqrt((a - b) ** 2 - 2 * variance * math.log(1 - rng.random()))
    return (a + b - down) / 2, (a + b + up) / 2


def _reflect(value: float, low: float, high: float) -> float:
    """Reflect a value at the bounds until it lies in [low, high]."""
    for _ in range(4):
        if value > high:
            value = 2 * high - value
        elif value < low:
            value = 2 * low - value
        else:
            return value
    return min(max(value, low), high)


def activity(minute: float) -> float:
    """Return the share of the day's variance (and mean volume) that lies before a minute. It grows
    fastest near midnight (U-shaped activity)."""
    x = minute / MINUTES
    return 0.6 * x + 1.6 * ((x - 0.5) ** 3 + 0.125)


_ACTIVITY = [activity(minute) for minute in range(MINUTES + 1)]


def _midpoints(first: int, last: int) -> list[tuple[int, int, int]]:
    """Halve a range of indexes repeatedly. Return (left, middle, right) of each halving, the
    coarsest halving first."""
    order, row = [], [(first, last)]
    while row:
        finer = []
        for left, right in row:
            middle = (left + right) // 2
            if left < middle < right:
                order.append((left, middle, right))
                finer += [(left, middle), (middle, right)]
        row = finer
    return order


_DAY_HALVINGS = _midpoints(0, MINUTES)
_MINUTE_HALVINGS = _midpoints(0, _STEPS)


class SimulatedPath:
    """The simulated prices of one symbol. Instants are epoch seconds; days are counted since
    1970."""

    def __init__(self, seed: int, symbol: str) -> None:
        self._name = f"{seed}|{symbol}"
        rng = Random(self._name)  # noqa: S311 - a simulation
        self._base = math.log(rng.uniform(45, 420))
        self._mean_volume = rng.uniform(2e6, 6e7)
        self._calm = rng.uniform(0.7, 1.5)
        self._days: list[Day] = []
        self._rng = Random(self._name + "|days")  # noqa: S311
        self.minutes = lru_cache(maxsize=4)(self._make_minutes)
        self._inside = lru_cache(maxsize=2)(self._make_inside)

    def day(self, number: int) -> Day:
        """Return the session of a day. Days are generated once, in order. Raises ValueError for a
        day before 2022, where the walk begins."""
        if number < _FIRST_DAY:
            raise ValueError("the simulator's prices begin on 2022-01-01")
        while len(self._days) <= number - _FIRST_DAY:
            self._days.append(self._next_day())
        return self._days[number - _FIRST_DAY]

    def _next_day(self) -> Day:
        rng, calm = self._rng, self._calm
        previous = self._days[-1].close if self._days else self._base
        start = previous + _draw(rng) * _GAP_SIGMA * calm
        drift = (self._base - start) * (1 - _PULL)
        end = start + drift + _draw(rng) * _DAY_SIGMA * calm
        low, high = _extremes(rng, start, end, (_BRIDGE_SIGMA * calm) ** 2)
        shocked = rng.random() < _SHOCK_CHANCE
        size = rng.uniform(0.07, 0.10) * (1 if rng.random() < 0.5 else -1)
        shock_at = rng.randrange(60, MINUTES - 60)
        volume = self._mean_volume * math.exp(0.35 * _draw(rng)) * (2.2 if shocked else 1)
        shock = size - (end - previous) / 2 if shocked else 0.0
        return Day(
            previous_close=previous,
            open=start,
            close=end + shock,
            high=high + max(shock, 0.0),
            low=low + min(shock, 0.0),
            volume=int(volume),
            shock=shock,
            shock_at=shock_at,
        )

    def _make_minutes(self, number: int) -> Minutes:
        day = self.day(number)
        rng = Random(f"{self._name}|{number}")  # noqa: S311
        knots = self._knots(day, rng)
        variance = (_BRIDGE_SIGMA * self._calm) ** 2
        highs, lows = [], []
        for minute in range(MINUTES):
            span = variance * (_ACTIVITY[minute + 1] - _ACTIVITY[minute])
            low, high = _extremes(rng, knots[minute], knots[minute + 1], span)
            lows.append(max(low, day.low))
            highs.append(min(high, day.high))
        return Minutes(
            knots=knots,
            highs=highs,
            lows=lows,
            highest=[day.open, *accumulate(highs, max, initial=day.open)][1:],
            lowest=[day.open, *accumulate(lows, min, initial=day.open)][1:],
            volumes=self._volumes(day, rng),
        )

    def _knots(self, day: Day, rng: Random) -> list[float]:
        """Generate the log prices at the edges of the day's minutes. They are a bridge, by midpoint
        displacement in activity time, with the jump added."""
        low, high = day.low - min(day.shock, 0.0), day.high - max(day.shock, 0.0)
        sigma = _BRIDGE_SIGMA * self._calm
        knots = [0.0] * (MINUTES + 1)
        knots[0], knots[MINUTES] = day.open, day.close - day.shock
        for left, middle, right in _DAY_HALVINGS:
            before = _ACTIVITY[middle] - _ACTIVITY[left]
            after = _ACTIVITY[right] - _ACTIVITY[middle]
            whole = before + after
            mean = (knots[left] * after + knots[right] * before) / whole
            value = mean + _draw(rng) * sigma * math.sqrt(before * after / whole)
            knots[middle] = _reflect(value, low, high)
        if day.shock:
            for minute in range(day.shock_at, MINUTES + 1):
                share = min((minute - day.shock_at) / _SHOCK_MINUTES, 1.0)
                knots[minute] += day.shock * share
        return knots

    def _volumes(self, day: Day, rng: Random) -> list[int]:
        """Return the shares traded from midnight to each minute's edge. The last number is the
        day's."""
        weights = [
            (_ACTIVITY[minute + 1] - _ACTIVITY[minute]) * (0.3 - math.log(1 - rng.random()))
            for minute in range(MINUTES)
        ]
        if day.shock:
            for minute in range(day.shock_at, min(day.shock_at + 15, MINUTES)):
                weights[minute] *= 6
        total = sum(weights)
        passed = list(accumulate(weights, initial=0.0))[:MINUTES]
        return [*(int(day.volume * part / total) for part in passed), day.volume]

    def _make_inside(self, number: int, minute: int) -> list[float]:
        """Return the path inside a minute: 257 log prices from the minute's start to its end."""
        minutes = self.minutes(number)
        low, high = minutes.lows[minute], minutes.highs[minute]
        rng = Random(f"{self._name}|{number}|{minute}")  # noqa: S311
        share = (_ACTIVITY[minute + 1] - _ACTIVITY[minute]) / _STEPS
        sigma = _BRIDGE_SIGMA * self._calm * math.sqrt(share)
        steps = [0.0] * (_STEPS + 1)
        steps[0], steps[_STEPS] = minutes.knots[minute], minutes.knots[minute + 1]
        for left, middle, right in _MINUTE_HALVINGS:
            mean = (steps[left] + steps[right]) / 2
            value = mean + _draw(rng) * sigma * math.sqrt((right - left) / 4)
            steps[middle] = _reflect(value, low, high)
        return steps

    def session_at(self, instant: float) -> tuple[Day, float, float, float, int]:
        """Return the day of an instant and the session's values so far. The values are the log
        price at the instant, the session's high and low, and its volume."""
        number, within = divmod(instant, DAY_SECONDS)
        minute, second = divmod(within, 60)
        at, index = int(number), int(minute)
        minutes, inside = self.minutes(at), self._inside(at, index)
        step, part = divmod(second / 60 * _STEPS, 1)
        passed = int(step)
        price = inside[passed] + (inside[passed + 1] - inside[passed]) * part
        seen = inside[: passed + 1]
        since, until = minutes.volumes[index], minutes.volumes[index + 1]
        volume = since + int((until - since) * second / 60)
        return (
            self.day(at),
            price,
            max(minutes.highest[index], price, *seen),
            min(minutes.lowest[index], price, *seen),
            volume,
        )
