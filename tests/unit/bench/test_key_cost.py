"""The cost of a request with a key, against a manual calculation."""

from __future__ import annotations

import pytest

from bench.key_cost import Counts, count, lines
from costs.list_prices import prices

READ_UNIT, WRITE_UNIT, INVOCATION, GB_SECOND = 0.125, 0.625, 0.2, 0.0000166667 * 1e6


@pytest.mark.parametrize(("requests_per_minute", "to_a_policy"), [(1, 1), (60, 3), (600, 30)])
def test_the_authorizer_is_paid_once_in_three_seconds_and_the_counter_each_time(
    requests_per_minute: float, to_a_policy: int
) -> None:
    counts = Counts(1, 1, authorizer_cpu=0.001, counter_cpu=0.0005)
    found = {line.what: line.usd for line in lines(counts, requests_per_minute, prices())}
    authorizer_seconds = 0.001 * 1.5 * 1769 / 512 + 0.006
    counter_seconds = 0.0005 * 1.5 * 1769 / 512 + 0.006
    assert found == {
        "authorizer: invocations": pytest.approx(INVOCATION / to_a_policy),
        "authorizer: GB-seconds": pytest.approx(authorizer_seconds / 2 * GB_SECOND / to_a_policy),
        "authorizer: reads": pytest.approx(READ_UNIT / to_a_policy),
        "counter: writes": pytest.approx(WRITE_UNIT),
        "counter: the API's GB-seconds": pytest.approx(counter_seconds / 2 * GB_SECOND),
    }


def test_a_policy_takes_one_read_unit_and_a_counted_request_one_write_unit() -> None:
    counted = count()
    assert (counted.read_units, counted.write_units) == (1, 1)
