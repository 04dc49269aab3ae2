"""The emulated AWS of the deployment's tests: `python -m tests.deploy_support.server`.

Prints `ready PORT` once it answers; ends with its standard input, which the test holds. A POST
to `/_fail` with a path's end makes the next POST to such a path fail with 500, once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Any

from tests.deploy_support import repairs


class Failing:
    """A WSGI application that fails where it was told to, once."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._ends: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, or fail it."""
        path = environ["PATH_INFO"]
        if path == "/_fail":
            length = int(environ["CONTENT_LENGTH"])
            self._ends.append(environ["wsgi.input"].read(length).decode())
            start_response("204 No Content", [])
            return []
        for end in self._ends:
            if environ["REQUEST_METHOD"] == "POST" and path.endswith(end):
                self._ends.remove(end)
                start_response("400 Bad Request", [("x-amzn-ErrorType", "BadRequestException")])
                return [b'{"message": "refused by the test"}']
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    """Serve until the parent goes."""
    repairs.install()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application = Failing(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print("ready", server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
