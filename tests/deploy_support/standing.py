"""Starts and stops the process that emulates Lambda and API Gateway."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.deploy_support.emulated_aws import ROOT
from tests.deploy_support.life import Life, function_name
from tests.patience import PATIENCE_SECONDS


class Standing:
    """The process that emulates Lambda and API Gateway."""

    def __init__(self, life: Life, calls: Path) -> None:
        function = life.client("lambda").get_function_configuration(
            FunctionName=function_name("ingest_kinesis")
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy_support.standing_in", str(calls)],
            cwd=ROOT,
            env={
                **life.stage.environment,
                **function["Environment"]["Variables"],
                "AWS_ACCESS_KEY_ID": "function",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        word, _, port = self._process.stdout.readline().partition(" ")
        assert word == "ready"
        self.url = f"http://127.0.0.1:{int(port)}"
        self._token = life.token

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Send a request with the first key's token or another one. Return status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Authorization", f"Bearer {token or self._token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def stop(self) -> None:
        """End the process, which then writes its recorded calls."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE_SECONDS)  # the process compacts a day first
        self._process.stdout.close()
