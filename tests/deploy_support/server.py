"""Runs the emulated AWS of the deployment's tests: `python -m tests.deploy_support.server`.

It prints `ready PORT` once it answers, and ends when its standard input closes, which the test
holds. A POST to `/_fail` with the end of a path makes it refuse the next POST to such a path, once.
`/_asked` returns the actions that were requested with the deployer's key.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from tests.deploy_support import repairs

DEPLOYER = "deployer"
"""The access key id of the deployer. Functions and tests use other keys."""

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
_PREFIXES = {"monitoring": "cloudwatch"}


class Watched:
    """A WSGI application that records requests, and fails one request if told to."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._ends: list[str] = []
        self._asked: set[str] = set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, or refuse it."""
        path = environ["PATH_INFO"]
        if path == "/_fail":
            length = int(environ["CONTENT_LENGTH"])
            self._ends.append(environ["wsgi.input"].read(length).decode())
            start_response("204 No Content", [])
            return []
        if path == "/_asked":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(sorted(self._asked)).encode()]
        self._note(environ)
        for end in self._ends:
            if environ["REQUEST_METHOD"] == "POST" and path.endswith(end):
                self._ends.remove(end)
                start_response("400 Bad Request", [("x-amzn-ErrorType", "BadRequestException")])
                return [b'{"message": "refused by the test"}']
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer

    def _note(self, environ: dict[str, Any]) -> None:
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        action = _action(environ)
        if scope and scope[1] == DEPLOYER and action:
            self._asked.add(f"{_PREFIXES.get(scope[2], scope[2])}:{action}")


def _action(environ: dict[str, Any]) -> str:
    """Return the operation of a request in AWS's JSON and query protocols; empty for REST."""
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        return target.rpartition(".")[2]
    if "x-www-form-urlencoded" not in environ.get("CONTENT_TYPE", ""):
        return ""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return str(parse_qs(body.decode()).get("Action", [""])[0])


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """Serve requests until the parent process ends."""
    repairs.install()
    from moto import backends
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    modules = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules  # moto lists them per request
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = Watched(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print("ready", server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
