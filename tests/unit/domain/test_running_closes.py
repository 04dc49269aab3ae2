"""Running closes are a list of closes, with sums that cost the same whatever their length."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.running_closes import RunningCloses
from chalicelib.domain.signals import average_side

PRICES = st.decimals(min_value="0.00000001", max_value=10**12, places=8)


@given(st.lists(PRICES, min_size=1, max_size=40), st.integers(1, 12))
def test_running_closes_are_what_a_list_of_the_same_closes_is(
    prices: list[Decimal], depth: int
) -> None:
    running, plain = RunningCloses(), list[Decimal]()
    for price in prices:
        running.keep(depth)
        running.append(price)
        plain = [*plain[-depth:], price]
        assert (list(running), len(running)) == (plain, len(plain))
        assert [running[-n] for n in range(1, len(plain) + 1)] == plain[::-1]
        assert (running[:-1], running[-2:], running[0]) == (plain[:-1], plain[-2:], plain[0])
        for slow in range(2, len(plain) + 1):
            assert running.total(slow) == sum(plain[-slow:])
            assert average_side(running, 1, slow) == average_side(plain, 1, slow)


def test_closes_that_are_not_kept_are_not_held() -> None:
    running = RunningCloses()
    for n in range(10_000):
        running.append(Decimal(n))
        running.keep(20)
    assert list(running) == [Decimal(n) for n in range(9_980, 10_000)]
    assert running.total(20) == sum(range(9_980, 10_000))
    assert len(running._closes) < 1_100
