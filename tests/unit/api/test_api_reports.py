"""The routes of the reports: parameters are checked and bound, runs are answered and paged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chalicelib.services.reports.files import all_reports
from tests.api_support import TOKEN, Client, FakeServices
from tests.fake_lake import FAILED, FINISHED, OTHER, RUNNING

HEADERS = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def client(services: FakeServices) -> Client:
    return Client(services)


def test_each_report_is_listed_with_its_parameters(client: Client) -> None:
    listed = {one["name"]: one for one in client.get("/reports").json["reports"]}
    assert list(listed) == [report.name for report in all_reports()]
    gaps = {one["name"]: one for one in listed["gaps"]["parameters"]}
    assert gaps["symbol"]["required"]
    assert gaps["symbol"]["default"] is None
    assert gaps["start"]["default"] == "2026-11-13"
    assert gaps["minutes"]["default"] == 10
    assert gaps["minutes"]["allowed"] == "a number from 0 to 1440"


def test_values_are_bound_and_no_part_of_the_statement(
    client: Client, services: FakeServices
) -> None:
    given = {"symbol": "aapl", "minutes": 2.5, "start": "2026-11-01", "end": "2026-11-02"}
    answer = client.send("POST", "/reports/gaps", {"parameters": given}, HEADERS)
    assert answer.status == 202
    assert answer.headers["location"] == f"runs/{answer.json['run_id']}"
    assert answer.json["parameters"] == given | {"symbol": "AAPL"}
    [(sql, values, reuse)] = services.lake.started
    assert values == ("AAPL", "2026-11-01", "2026-11-02", Decimal("2.5"))
    assert sql.count("?") == len(values)
    assert "AAPL" not in sql
    assert reuse == 5


def test_the_age_of_a_result_that_may_stand_for_a_new_one_is_passed_on(
    client: Client, services: FakeServices
) -> None:
    client.send("POST", "/reports/top_movers", {"max_age_minutes": 0}, HEADERS)
    assert services.lake.started[0][2] == 0


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("gaps", {"parameters": {}}, "symbol", "it has to be given"),
    ("gaps", {"parameters": {"symbol": "A'; DROP"}}, "symbol", "A-Z"),
    ("gaps", {"parameters": {"symbol": "A", "minutes": "1441"}}, "minutes", "from 0 to 1440"),
    ("gaps", {"parameters": {"symbol": "A", "minutes": "NaN"}}, "minutes", "from 0 to 1440"),
    ("gaps", {"parameters": {"symbol": "A", "minutes": True}}, "minutes", "from 0 to 1440"),
    ("crosses", {"parameters": {"symbol": "A", "fast": 20, "slow": 20}}, "slow", "above fast"),
    ("crosses", {"parameters": {"symbol": "A", "fast": 1.5}}, "fast", "a whole number from 1"),
    ("crosses", {"parameters": {"symbol": "A", "interval": "1h"}}, "interval", "tick, 1d"),
    ("top_movers", {"parameters": {"start": "20261101"}}, "start", "such as 2026-11-20"),
    ("top_movers", {"parameters": {"start": "2026-11-30"}}, "end", "a date later than start"),
    ("top_movers", {"parameters": {"limit": 0}}, "limit", "from 1 to 1000"),
    ("top_movers", {"parameters": {"limt": 1}}, "limt", "start, end, direction, limit"),
    ("top_movers", {"parameters": []}, "parameters", "an object"),
    ("top_movers", {"sql": "SELECT 1"}, "sql", "parameters, max_age_minutes"),
    ("top_movers", {"max_age_minutes": 10_081}, "max_age_minutes", "from 0 to 10080"),
]


@pytest.mark.parametrize(("name", "body", "field", "allowed"), BAD)
def test_disallowed_values_are_named(
    client: Client,
    services: FakeServices,
    name: str,
    body: dict[str, Any],
    field: str,
    allowed: str,
) -> None:
    answer = client.send("POST", f"/reports/{name}", body, HEADERS)
    assert answer.status == 400
    assert answer.json["field"] == field
    assert allowed in answer.json["allowed"]
    assert services.lake.started == []


def test_running_needs_the_token_and_a_report_that_there_is(client: Client) -> None:
    plain = {"content-type": "application/json"}
    assert client.send("POST", "/reports/top_movers", {}, plain).status == 401
    answer = client.send("POST", "/reports/none", {}, HEADERS)
    assert answer.status == 404
    assert answer.json["type"].endswith("unknown-report")


def test_a_finished_run_has_typed_rows_price_and_link(client: Client) -> None:
    run = client.get(f"/reports/runs/{FINISHED}").json
    assert run["state"] == "succeeded"
    assert run["parameters"] == {"start": "2026-11-01", "end": "2026-11-22"}
    assert run["price_usd"] == Decimal("0.00013")  # 26 MB of the $5 a TB
    assert (
        run["lists"] == 2 * 24 * 3 * 2 + 1 + 1
    )  # two days of arrivals, a day and a year of Parquet
    assert run["lists_usd"] == Decimal("0.00145")
    assert run["result_url"].endswith(f"results/{FINISHED}.csv?900")
    assert run["result_url_expires_at"] == "2026-11-20T16:15:00.000000Z"
    assert run["rows"] == [
        {"symbol": "AAPL", "sessions": 2, "average_volume": 15_000_000},
        {"symbol": "A,B", "sessions": 1, "average_volume": None},
        {"symbol": "MSFT", "sessions": 3, "average_volume": None},
    ]


def test_rows_come_in_pages_and_as_csv(client: Client) -> None:
    first = client.get(f"/reports/runs/{FINISHED}?limit=2&format=csv")
    assert first.body.decode().splitlines() == [
        "symbol,sessions,average_volume", "AAPL,2,15000000.0", '"A,B",1,'
    ]  # fmt: skip
    token = client.get(f"/reports/runs/{FINISHED}?limit=2").json["next_page_token"]
    assert token in first.headers["link"]
    rest = client.get(f"/reports/runs/{FINISHED}?page_token={token}").json
    assert [row["symbol"] for row in rest["rows"]] == ["MSFT"]
    assert rest["next_page_token"] is None


def test_csv_without_a_limit_has_every_row(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.reports.reports.MOST_ROWS", 2)  # two pages of Athena's
    whole = client.get(f"/reports/runs/{FINISHED}?format=csv")
    assert [row["symbol"] for row in whole.rows] == ["AAPL", "A,B", "MSFT"]
    assert "link" not in whole.headers


def test_a_run_without_rows_says_why(client: Client) -> None:
    running, failed = (client.get(f"/reports/runs/{run}").json for run in (RUNNING, FAILED))
    assert (running["state"], running["rows"]) == ("running", [])
    assert (failed["state"], failed["reason"]) == ("cancelled", "Bytes scanned limit was exceeded")
    assert (failed["price_usd"], failed["lists"], failed["lists_usd"]) == (0, 0, 0)
    refused = client.get(f"/reports/runs/{FAILED}?format=csv")
    assert refused.status == 409
    assert "Bytes scanned limit" in refused.json["detail"]


@pytest.mark.parametrize("run_id", [OTHER, "nothing", "11111111-1111-1111-1111-111111111111"])
def test_only_runs_of_reports_are_answered(client: Client, run_id: str) -> None:
    answer = client.get(f"/reports/runs/{run_id}")
    assert answer.status == 404
    assert answer.json["type"].endswith("unknown-run")
