"""The API of a running system: the clients of its README, hostile input, walks while ticks come."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pandas as pd
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import commands as local_commands
from rigs.running_system import System, running_system
from tests.api_support import wait_for_a_price
from tests.documents import commands
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/api.md", "docs/examples.md")
TEXTS = {name: (ROOT / name).read_text() for name in PAGES}
EXAMPLES = TEXTS["docs/examples.md"]
WRITTEN = "http://127.0.0.1:8000"
KNOWN = "ACME"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system("--symbols", KNOWN, "--interval", "0.5") as running:
        wait_for_a_price(running, KNOWN)
        yield running


def _here(text: str, system: System) -> str:
    """A command of the documentation, sent to this system and asking for what it has."""
    for symbol in ("AAPL", "MSFT"):
        text = text.replace(symbol, KNOWN)
    if "RUN_ID" in text:
        text = text.replace("RUN_ID", _finished_run(system))
    return text.replace(WRITTEN, system.api)


@cache
def _finished_run(system: System) -> str:
    """The id of a report's run that has its rows."""
    headers = {"Authorization": f"Bearer {system.token}"}
    url = f"{system.api}/reports/quarantined"
    run_id = str(
        requests.post(url, json={}, headers=headers, timeout=PATIENCE_SECONDS).json()["run_id"]
    )
    for _ in range(100):
        if system.get(f"/reports/runs/{run_id}")["state"] == "succeeded":
            return run_id
        time.sleep(0.2)
    raise AssertionError(f"the run {run_id} does not end")


# Clients


def _addresses() -> list[str]:
    found = [re.findall(rf"{WRITTEN}/[^\s'\"`<>)]*", text) for text in TEXTS.values()]
    return sorted({address for addresses in found for address in addresses})


WRITTEN_TO = re.compile(r"/rules$|/keys$|/standby$|/symbols/\w+$|/reports/(?!runs/)\w+$")
"""Addresses that the documentation writes to; of these it is asked whether they are there."""


@pytest.mark.parametrize("address", _addresses())
def test_addresses_in_the_documentation_answer(system: System, address: str) -> None:
    now = int(time.time() * 1000)
    filled = address.replace("${__timeFrom}", str(now - 3_600_000)).replace("${__timeTo}", str(now))
    method = "OPTIONS" if WRITTEN_TO.search(address) else "GET"
    answer = requests.request(method, _here(filled, system), timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200, answer.text


def test_grafana_finds_rows_under_its_root_selector(system: System) -> None:
    written = next(address for address in _addresses() if "__timeFrom" in address)
    now = int(time.time() * 1000)
    filled = written.replace("${__timeFrom}", str(now - 600_000)).replace("${__timeTo}", str(now))
    rows = requests.get(_here(filled, system), timeout=PATIENCE_SECONDS).json()["prices"]
    assert rows
    assert {"timestamp", "open", "high", "low", "close", "volume"} <= rows[0].keys()


def _curls() -> list[str]:
    lines = [line.strip() for text in TEXTS.values() for line in text.splitlines()]
    return sorted({line for line in lines if line.startswith("curl 'http")})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", _curls())
def test_the_curl_lines_of_the_documentation_work(system: System, command: str) -> None:
    shell = ["bash", "-c", _here(command, system) + " --silent --fail-with-body"]
    done = subprocess.run(shell, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stdout
    if "format=csv" in command:
        assert done.stdout.startswith(b"date,reason,records")
    else:
        assert isinstance(json.loads(done.stdout), dict)


def test_the_quality_of_a_series_counts_its_minutes(system: System) -> None:
    start = int(time.time() - 3600) * 1000
    path = f"/quality/{KNOWN}?start={start}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:  # history may still arrive
        found = system.get(path)
        reach = f"start={found['start']}&end={found['end']}"
        rows = system.get(f"/prices/{KNOWN}?interval=1m&{reach}")["prices"]
        if found["delays"]["ticks"] and system.get(path)["gaps"] == found["gaps"]:
            break
        assert time.monotonic() < deadline, found
    minutes = {row["timestamp"] for row in rows}
    missing = sum(gap["minutes"] for gap in found["gaps"] if gap["filled_by"] is None)
    assert (found["calendar"], found["received"]) == ("24/7", len(minutes))
    assert found["expected"] == found["received"] + missing


def test_pandas_reads_a_series_in_one_line(system: System) -> None:
    """The very call of the documentation, but for the address."""
    call = 'parse_dates=["timestamp"], index_col=0)'
    assert call in TEXTS["README.md"]
    assert call in TEXTS["docs/api.md"]
    end = int(time.time() * 1000)
    url = f"{system.api}/prices/{KNOWN}?interval=1m&end={end}&format=csv"
    bars = pd.read_csv(url, parse_dates=["timestamp"], index_col=0)
    rows = system.get(f"/prices/{KNOWN}?interval=1m&end={end}&limit=max")["prices"]
    assert len(bars) == len(rows)
    assert list(bars.columns) == ["open", "high", "low", "close", "volume", "closed"]
    assert isinstance(bars.index, pd.DatetimeIndex)
    assert str(bars.index.tz) == "UTC"
    assert bars.index.is_monotonic_increasing
    assert float(bars["close"].iloc[0]) == rows[0]["close"]
    assert bool(bars["closed"].iloc[0]) is True


def _blocks(language: str) -> str:
    """All code of one language on the page of examples."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", EXAMPLES, re.DOTALL))


def test_the_python_examples_run_as_one_notebook(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API", system.api)
    monkeypatch.setenv("TOKEN", system.token)
    names: dict[str, Any] = {}
    exec(_here(_blocks("python"), system), names)
    assert isinstance(names["days"].index, pd.DatetimeIndex)
    assert list(names["closes"].columns) == [KNOWN]
    newest = int(time.time() * 1000)
    stored = system.get(f"/prices/{KNOWN}?interval=1m&limit=max&end={newest}")["prices"]
    assert 0 <= len(stored) - len(names["minutes"]) <= 10


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_shell_examples_write_what_they_say(system: System, tmp_path: Path) -> None:
    commands = _here(_blocks("sh"), system).replace("the-token", system.token)
    commands = commands.replace("curl ", "curl --silent --fail-with-body ")
    done = subprocess.run(
        ["bash", "-ec", commands], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "prices.csv").read_text().startswith("timestamp,symbol,open,")


def test_the_query_in_excels_example_answers_with_csv(system: System) -> None:
    path = re.findall(r'RelativePath = "([^"]+)"', EXAMPLES)[0]
    query = dict(re.findall(r'(\w+) = "([^"]+)"', re.findall(r"Query = \[(.*?)\]", EXAMPLES)[0]))
    headers = {"Authorization": f"Bearer {system.token}"}
    url = f"{system.api}/{_here(path, system)}"
    answer = requests.get(url, params=query, headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200
    assert {"timestamp", "close"} <= set(answer.text.splitlines()[0].split(","))


def _local_commands() -> list[str]:
    """Commands of the documentation to a running system."""
    found = [line for _, line in commands() if re.match(r"\S+ -m local [a-z]", line)]
    ends = ("--stage", "forget", "revoke", "channels add", "channels test", "channels delete")
    changes = (*ends, "channels change", "mutes add", "mutes remove", "local rules")
    return sorted({line for line in found if not any(word in line for word in changes)})


@pytest.mark.parametrize("line", _local_commands())
def test_the_commands_to_a_running_system_work(system: System, line: str) -> None:
    words = shlex.split(_here(line, system), comments=True)
    done = subprocess.run(
        [sys.executable, *words[1:], "--api", system.api],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


RULES = f"""
[variables]
level = 1

[rules.from-git]
symbol = "{KNOWN}"
interval = "1d"
when = "close > ${{level}} and not close[1] > ${{level}}"

[rules.noted]
symbol = "{KNOWN}"
condition = "every_record"
notify = false
"""


def test_rules_in_git_are_applied_twice_and_refused_after_a_conflict(
    system: System,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Commands run in this process, which finds the system as a terminal does; the other writer is
    the API's."""
    monkeypatch.chdir(tmp_path)
    file, exported = tmp_path / "rules.toml", tmp_path / "exported.toml"
    rules, key = f"{system.api}/rules", {"Authorization": f"Bearer {system.token}"}

    def run(*arguments: str) -> tuple[int, str]:
        with patch.dict(os.environ):
            status = local_commands.run("rules", [*arguments, "--api", system.api])
        shown = capsys.readouterr()
        return status, shown.out + shown.err

    def planned(*arguments: str) -> tuple[str, str]:
        status, said = run("plan", *arguments)
        assert status == 0, said
        return said, said.split("Plan ")[-1].strip()

    def deployed() -> set[str]:
        return {rule["rule_id"] for rule in system.get("/rules")["rules"] if not rule["default"]}

    file.write_text(RULES)
    said, plan = planned()
    assert f"+ from-git  {KNOWN} 1d  close > 1 and not close[1] > 1" in said
    other = {"symbol": KNOWN, "condition": "greater_than", "value": 10**9}
    made = requests.post(rules, json=other, headers=key, timeout=PATIENCE_SECONDS).json()["rule_id"]
    status, said = run("apply", "--plan", plan)
    assert (status, deployed()) == (1, {made}), said
    assert "the file or the stored rules have changed" in said
    assert run("apply", "--plan", planned()[1])[0] == 0
    assert deployed() == {made, "from-git", "noted"}

    file.write_text(RULES.partition("[rules.noted]")[0].replace("level = 1", "level = 2"))
    said, plan = planned()
    assert "when: close > 1 and not close[1] > 1 -> close > 2 and not close[1] > 2" in said
    assert "0 to add, 1 to change, 1 to delete; 1 made elsewhere is left alone" in said
    requests.delete(f"{rules}/{made}", headers=key, timeout=PATIENCE_SECONDS)
    assert run("apply", "--plan", plan)[0] == 1
    assert run("apply", "--yes")[0] == 0
    assert deployed() == {"from-git"}
    assert run("export", "--out", str(exported))[0] == 0
    assert exported.read_text().startswith("[rules.from-git]\n")
    assert "no changes. Plan" in planned(str(exported))[0]
    requests.delete(f"{rules}/from-git", headers=key, timeout=PATIENCE_SECONDS)


def test_answers_are_gzipped_where_that_is_asked_for(system: System) -> None:
    address = f"{system.api}/prices/{KNOWN}?interval=1m&limit=300&end={int(time.time() - 3600)}000"
    plain = requests.get(address, headers={"Accept-Encoding": "identity"}, timeout=PATIENCE_SECONDS)
    packed = requests.get(
        address, timeout=PATIENCE_SECONDS, stream=True, headers={"Accept-Encoding": "gzip"}
    )
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    raw = packed.raw.read(decode_content=False)
    assert len(raw) < len(plain.content) / 3
    assert json.loads(gzip.decompress(raw))["prices"] == plain.json()["prices"]


def test_a_browser_of_another_origin_learns_the_allowed_origin(system: System) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    preflight = requests.options(f"{system.api}/rules/x", headers=headers, timeout=PATIENCE_SECONDS)
    assert {"PUT", "GET", "DELETE"} <= set(
        preflight.headers["Access-Control-Allow-Methods"].split(",")
    )
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    paths = ("/health", "/quotes", "/nowhere", "/rules/x")
    answers = [
        requests.get(system.api + path, headers=headers, timeout=PATIENCE_SECONDS) for path in paths
    ]
    for answer in (
        preflight,
        *answers,
        requests.post(f"{system.api}/rules", timeout=PATIENCE_SECONDS),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == system.page
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_the_printed_token_writes_and_another_does_not(system: System) -> None:
    rule = {"symbol": KNOWN, "condition": "greater_than", "value": 1e9}
    statuses = [
        requests.post(
            f"{system.api}/rules", json=rule, headers=headers, timeout=PATIENCE_SECONDS
        ).status_code
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Bearer {system.token}"},
        )
    ]
    assert statuses == [401, 401, 201]


# Hostile input

LONG = "A" * 20_000
HOSTILE: list[tuple[str, str, dict[str, str], bytes, set[int]]] = [
    ("GET", "/prices/';DROP%20TABLE%20prices;--", {}, b"", {400}),
    ("GET", "/prices/%24%7Bjndi:ldap:%2F%2Fx%7D", {}, b"", {400}),
    ("GET", "/prices/%00", {}, b"", {400}),
    ("GET", "/prices/..%2F..%2Fetc%2Fpasswd", {}, b"", {400}),
    ("GET", "/prices/../../etc/passwd", {}, b"", {404}),
    ("GET", f"/prices/{LONG}", {}, b"", {400}),
    ("GET", f"/prices/{KNOWN}?start={LONG}", {}, b"", {400}),
    ("GET", "/" + "a/" * 5000, {}, b"", {404}),
    ("GET", f"/{LONG * 4}", {}, b"", {400, 404, 414}),
    ("GET", "/nowhere", {}, b"", {404}),
    ("GET", "/nowhere", {"Authorization": "Bearer wrong"}, b"", {404}),
    ("GET", "/nowhere", {"Authorization": "Bearer \xe4"}, b"", {404}),
    ("GET", "//prices/ACME", {}, b"", {200, 404}),
    ("GET", "/", {}, b"", {404}),
    ("GET", f"/prices/{KNOWN}?limit=%F0%9F%92%A9", {}, b"", {400}),
    ("GET", f"/prices/{KNOWN}?limit[]=5", {}, b"", {400}),
    ("GET", f"/prices/{KNOWN}?limit[$gt]=5", {}, b"", {400}),
    ("GET", f"/prices/{KNOWN}?&&&=&=&limit=1", {}, b"", {200, 400}),
    ("GET", f"/prices/{KNOWN}?limit=1#fragment", {}, b"", {200, 400}),
    ("GET", "/quotes?symbols=" + ",".join(f"S{n}" for n in range(10_000)), {}, b"", {400, 414}),
    ("GET", "/quotes?symbols=" + ",".join(f"S{n}" for n in range(100)), {}, b"", {200}),
    ("GET", f"/prices/{KNOWN}", {"X-Forwarded-For": "127.0.0.1, evil\x0b"}, b"", {200, 400}),
    ("GET", "/health", {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil"}, b"", {200}),
    ("GET", "/health", {"If-None-Match": '"' + LONG}, b"", {200}),
    ("GET", f"/prices/{KNOWN}", {"If-None-Match": ',,,W/W/"'}, b"", {200}),
    ("GET", "/health", {"Accept": "application/xml"}, b"", {200}),
    ("GET", "/health", {"Content-Type": "\xff/\xfe"}, b"", {200}),
    ("GET", "/health", {f"X-{n}": "x" for n in range(300)}, b"", {200, 400, 431}),
    ("GET", "/health", {"Content-Length": "x"}, b"", {400}),
    ("GET", "/health", {"Content-Length": "-5"}, b"", {400}),
    ("POST", "/rules", {"Content-Length": "99999999999"}, b"", {400, 401, 413}),
    ("POST", "/rules", {"Transfer-Encoding": "chunked"}, b"0\r\n\r\n", {400, 401, 411}),
    ("POST", "/rules", {"Authorization": ""}, b"{}", {401}),
    ("POST", "/rules", {"Authorization": "Bearer " + LONG}, b"{}", {401}),
    ("POST", "/rules", {"Authorization": "Bearer \xff\xfe"}, b"{}", {401}),
    ("POST", "/rules", {"Authorization": "Basic YTpi"}, b"{}", {401}),
    ("POST", "/rules", {"Authorization": "TOKEN"}, b"[" * 60_000, {400}),
    ("POST", "/rules", {"Authorization": "TOKEN"}, b"\x00\xff" * 100, {400}),
    ("POST", "/rules", {"Authorization": "TOKEN"}, b'{"symbol": "ACME"', {400}),
    ("POST", "/rules", {"Authorization": "TOKEN"}, b"1e9999", {400}),
    ("POST", "/rules", {"Authorization": "TOKEN"}, b" " * (MEGABYTE // 10), {413}),
    ("POST", "/rules", {"Authorization": "TOKEN", "Content-Type": "text/xml"}, b"<a/>", {415}),
    ("POST", "/rules/preview", {}, b'{"symbol": "<script>", "condition": "crossing"}', {400}),
    ("PUT", "/symbols/%3Cimg%3E", {"Authorization": "TOKEN"}, b"", {400}),
    ("DELETE", "/prices/ACME", {"Authorization": "TOKEN"}, b"", {405}),
    ("PATCH", "/rules/x", {"Authorization": "TOKEN"}, b"{}", {405}),
    ("TRACE", "/health", {}, b"", {405}),
    ("FOO", "/health", {}, b"", {405}),
    ("CONNECT", "/health", {}, b"", {405}),
]
TELLTALE = (b"Traceback", b"botocore", b"chalice", b"site-packages", b"ticktape-local", b"arn:")


def _send_raw(
    system: System, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Exactly these bytes, which no client library would send."""
    given = {"Host": "localhost", "Content-Type": "application/json", "Connection": "close"}
    given |= {
        name: value.replace("TOKEN", f"Bearer {system.token}") for name, value in headers.items()
    }
    given.setdefault("Content-Length", str(len(body)))
    if "Transfer-Encoding" in given:
        del given["Content-Length"]
    head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    address = urlsplit(system.api)
    with socket.create_connection(
        (address.hostname or "", address.port or 0), timeout=PATIENCE_SECONDS
    ) as raw:
        raw.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
        response = http.client.HTTPResponse(raw, method=method)
        response.begin()
        return response.status, response.msg, response.read()


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "statuses"),
    HOSTILE,
    ids=[f"{number}-{case[0]} {case[1][:30]}" for number, case in enumerate(HOSTILE)],
)
def test_hostile_input_is_answered_with_a_refusal(
    system: System,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    statuses: set[int],
) -> None:
    status, received, content = _send_raw(system, method, path, headers, body)
    assert status in statuses, content[:300]
    if status >= 400:
        assert received.get_content_type() == "application/problem+json"
        assert json.loads(content)["status"] == status
    assert not any(word in content for word in TELLTALE)
    assert system.token.encode() not in content


def test_a_request_cannot_be_smuggled_in_a_header(system: System) -> None:
    """A line break inside of a value ends the header: no second answer, no echo."""
    sent = {"X-Forwarded-For": "1\r\nX-Injected: yes"}
    status, received, content = _send_raw(system, "GET", "/health", sent, b"")
    assert status == 200
    assert "X-Injected" not in received
    assert b"yes" not in content


# Walks


def _walk(system: System, query: str, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    token = ""
    for _ in range(400):
        page = system.get(f"{query}&limit={limit}&page_token={token}")
        rows += page["prices"]
        token = page["next_page_token"]
        if token is None:
            return rows
    raise AssertionError("the walk does not end")


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    interval=st.sampled_from(["tick", "1m", "5m", "1h"]),
    sort=st.sampled_from(["asc", "desc"]),
    limit=st.integers(7, 200),
    minutes=st.integers(3, 60),
)
def test_a_walk_has_every_row_once_while_the_simulator_writes(
    system: System, interval: str, sort: str, limit: int, minutes: int
) -> None:
    start = int((time.time() - 60 * minutes) * 1000)
    query = f"/prices/{KNOWN}?interval={interval}&sort={sort}&start={start}"
    before = [row["timestamp"] for row in system.get(f"{query}&limit=5000")["prices"]]
    walked = [row["timestamp"] for row in _walk(system, query, limit)]
    after = [row["timestamp"] for row in system.get(f"{query}&limit=5000")["prices"]]
    assert walked == sorted(set(walked), reverse=sort == "desc")
    assert set(before) <= set(walked) <= set(after)


def test_csv_pages_follow_their_links(system: System) -> None:
    end = int(time.time() * 1000) - 120_000
    whole = f"{system.api}/prices/{KNOWN}?interval=1m&format=csv&limit=500&end={end}"
    want = requests.get(whole, timeout=PATIENCE_SECONDS)
    address, rows = whole.replace("limit=500", "limit=60"), []
    for _ in range(60):
        answer = requests.get(address, timeout=PATIENCE_SECONDS)
        rows += list(pd.read_csv(io.StringIO(answer.text))["timestamp"])
        if "next" not in answer.links or len(rows) >= 500:
            break
        address = requests.compat.urljoin(address, answer.links["next"]["url"])
    assert rows[:500] == list(pd.read_csv(io.StringIO(want.text))["timestamp"])[: len(rows)]
