"""Digests and mutes beside Prometheus's Alertmanager, whose groups and silences mean the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import requests

from chalicelib.domain.alerts import Alert
from rigs.ports import free_port
from tests.factories import at, make_alert
from tests.faults.holding import QUARTERS, data_of
from tests.patience import PATIENCE_SECONDS
from tests.unit.delivery.test_held_alerts import QUARTER, World

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".venv" / "oracles" / "usr" / "bin" / "prometheus-alertmanager"
PROGRAM = UNPACKED if UNPACKED.exists() else shutil.which("prometheus-alertmanager")
CONDITIONS = ("golden_cross", "death_cross", "change_percent")
HOUR = 3600.0

CONFIGURATION = """
route:
  receiver: hook
  group_by: [symbol, condition]
  group_wait: 500ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - url: http://127.0.0.1:{port}/
        send_resolved: false
"""


class Group(NamedTuple):
    """What a notification says of a symbol and a condition."""

    alerts: int
    first: str
    last: str


Groups = dict[tuple[str, str], Group]


class Alertmanager:
    """A running Alertmanager; `groups` are those that it has notified of."""

    def __init__(self, folder: Path) -> None:
        self.groups: Groups = {}
        self._changed = threading.Condition()
        self._hook = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._hook.daemon_threads = True
        self._thread = threading.Thread(target=self._hook.serve_forever, args=(0.05,))
        self._thread.start()
        configuration = folder / "alertmanager.yml"
        configuration.write_text(CONFIGURATION.format(port=self._hook.server_address[1]))
        port = free_port()
        self._api = f"http://127.0.0.1:{port}/api/v2"
        self._process = subprocess.Popen(
            [
                str(PROGRAM),
                f"--config.file={configuration}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)
        self._hook.shutdown()
        self._hook.server_close()
        self._thread.join()

    def post(self, alerts: list[Alert]) -> None:
        """Tell of alerts."""
        body = [
            {
                "labels": {
                    "alertname": alert.rule_id,
                    "rule": alert.rule_id,
                    "symbol": alert.symbol,
                    "condition": alert.condition,
                },
                "annotations": {"at": alert.timestamp},
            }
            for alert in alerts
        ]
        requests.post(f"{self._api}/alerts", json=body, timeout=PATIENCE_SECONDS).raise_for_status()

    def silence(self, label: str, value: str) -> str:
        """Silence what has a label; the silence's id."""
        now = time.time()
        body = {
            "matchers": [{"name": label, "value": value, "isRegex": False, "isEqual": True}],
            "startsAt": _rfc3339(now - 60),
            "endsAt": _rfc3339(now + 3600),
            "createdBy": "test",
            "comment": "mute",
        }
        answer = requests.post(f"{self._api}/silences", json=body, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return str(answer.json()["silenceID"])

    def expire(self, silence: str) -> None:
        """End a silence."""
        url = f"{self._api}/silence/{silence}"
        requests.delete(url, timeout=PATIENCE_SECONDS).raise_for_status()

    def wait_for(self, alerts: int) -> Groups:
        """The groups, once they have that many alerts in all."""

        def is_there() -> bool:
            return sum(group.alerts for group in self.groups.values()) >= alerts

        with self._changed:
            assert self._changed.wait_for(is_there, PATIENCE_SECONDS), self.groups
            return dict(self.groups)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                manager._take(said)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _take(self, said: dict[str, Any]) -> None:
        labels = said["groupLabels"]
        times = sorted(alert["annotations"]["at"] for alert in said["alerts"])
        with self._changed:
            key = labels["symbol"], labels["condition"]
            self.groups[key] = Group(len(times), times[0], times[-1])
            self._changed.notify_all()

    def _wait_until_it_answers(self) -> None:
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            assert self._process.poll() is None, "Alertmanager has ended"
            with suppress(requests.ConnectionError):
                if requests.get(f"{self._api}/status", timeout=PATIENCE_SECONDS).ok:
                    return
            time.sleep(0.05)
        raise AssertionError("Alertmanager does not answer")


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    if PROGRAM is None:
        pytest.skip("Alertmanager is not there; `make setup` gets it on Debian")
    made = Alertmanager(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def some_alerts(seed: int) -> list[Alert]:
    """Alerts of eight symbols and three conditions, in no order of symbols."""
    random = Random(seed)
    return [
        make_alert(
            number,
            rule_id=f"r{number}",
            symbol=f"S{random.randrange(8)}",
            condition=random.choice(CONDITIONS),
        )
        for number in range(60)
    ]


def groups_of(message: dict[str, Any]) -> Groups:
    """The groups of a digest."""
    return {
        (group["symbol"], group["condition"]): Group(group["alerts"], group["first"], group["last"])
        for group in data_of(message)["groups"]
    }


@pytest.mark.parametrize("muted", [{}, {"symbol": "S3"}, {"rule_id": "r7"}])
def test_a_digest_has_the_groups_of_alertmanager_without_what_is_muted(
    alertmanager: Alertmanager, muted: dict[str, str]
) -> None:
    """What a silence holds back is notified when it ends, as a mute's digest comes."""
    alerts = some_alerts(len(muted) + 5)
    world = World(**QUARTERS)
    silence = ""
    for field, value in muted.items():
        world.services.mutes.create({"until": at(HOUR), field: value})
        silence = alertmanager.silence("rule" if field == "rule_id" else field, value)
    held = [a for a in alerts if muted in ({"symbol": a.symbol}, {"rule_id": a.rule_id})]
    assert bool(held) == bool(muted)
    alertmanager.post(alerts)
    world.new(world.records(*alerts))
    world.until(QUARTER + 60)
    (digest,) = world.aws.published
    assert groups_of(digest) == alertmanager.wait_for(len(alerts) - len(held))
    if not muted:
        return
    before = dict(alertmanager.groups)
    alertmanager.expire(silence)
    world.until(HOUR + QUARTER + 60)
    _, later = world.aws.published
    after = alertmanager.wait_for(len(alerts))
    changed = {key: group for key, group in after.items() if before.get(key) != group}
    expected = groups_of(later)
    assert set(expected) == set(changed)
    for key, group in expected.items():  # Alertmanager repeats what a group already had
        assert changed[key].alerts == group.alerts + (before[key].alerts if key in before else 0)
