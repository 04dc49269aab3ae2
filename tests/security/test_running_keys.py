"""A key of a running system, from its creation by command to its revocation."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from tests.local_support.system import LocalSystem, run_local
from tests.patience import PATIENCE_SECONDS

RULE = {"symbol": "AAPL", "condition": "crossing_up", "value": 1e6}
REFUSED_SECONDS = 5.0


def ask(system: LocalSystem, method: str, path: str, token: str, body: Any = None) -> Any:
    """Status, headers and JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{system.api_port}{path}"
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.headers, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.load(error)


def command(system: LocalSystem, *arguments: str) -> str:
    """The standard output of `python -m local token`."""
    api = f"http://127.0.0.1:{system.api_port}"
    done = run_local("token", *arguments, "--api", api)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_key_writes_what_its_scope_permits_until_it_is_revoked(system: LocalSystem) -> None:
    scope = ("--scope", "write:rules", "--requests-per-minute", "3")
    token = command(system, "add", "--name", "the desk", *scope)
    status, _, made = ask(system, "POST", "/rules", token, RULE)
    assert status == 201
    status, headers, problem = ask(system, "PUT", "/symbols/AAPL", token)
    assert (status, headers["Content-Type"]) == (403, "application/problem+json")
    assert "it has: write:rules" in problem["detail"]
    (line,) = [one for one in command(system, "list").splitlines() if "the desk" in one]
    command(system, "revoke", line.split()[0])
    revoked = time.monotonic()
    while (status := ask(system, "DELETE", f"/rules/{made['rule_id']}", token)[0]) != 401:
        assert status in (204, 404, 429)
        assert time.monotonic() - revoked < REFUSED_SECONDS + PATIENCE_SECONDS
        time.sleep(0.2)
    assert token not in system.output()


def test_a_key_above_its_rate_gets_429_with_cors_and_retry_after(
    system: LocalSystem,
) -> None:
    limited = ("--scope", "admin", "--requests-per-minute", "1")
    token = command(system, "add", "--name", "limited", *limited)
    answers = [ask(system, "GET", "/keys", token) for _ in range(3)]  # a minute may turn between
    refused = [headers for status, headers, _ in answers if status == 429]
    assert refused
    assert 1 <= int(refused[0]["Retry-After"]) <= 60
    assert "Retry-After" in refused[0]["Access-Control-Expose-Headers"]
