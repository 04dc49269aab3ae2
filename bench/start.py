"""Cold starts: CPU of a fresh process from importing `app` to the end of the first invocation.

Each function is compared with chalice, botocore and the same clients alone.

The bare process imports chalice and botocore, makes the clients that the function uses and sends
the requests of its first invocation, with nothing in them. Both run with what a function sees: the
unpacked Lambda zip and the runtime's libraries (package.py). Bias: compiled files are there on both
sides, which in Lambda only the runtime's libraries have; the interpreter's own start is on neither.
Also: the size of the zip.

    python -m bench.start
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import api_cpu, detect_cpu, feeds, ingest_cpu, package, stored
from bench.measuring import median, p95
from bench.our_app import OurApp, our_app

ROUNDS = 9
TARGET = 1.25
MOST_ZIP_MB = 5.0

_TIMED = """
import time
began = time.process_time()
import json, sys
{body}
print(time.process_time() - began)
"""

_OURS = """
import app
with open(sys.argv[1]) as file:
    event = json.load(file)
class Context:
    aws_request_id = "request"
    get_remaining_time_in_millis = staticmethod(lambda: 60_000)
answer = app.{function}(event, Context())
assert answer.get("batchItemFailures", []) == [] and answer.get("statusCode", 200) == 200, answer
"""

_BARE = """
import chalice
import botocore.session
from botocore.config import Config
with open(sys.argv[1]) as file:
    event = json.load(file)
session = botocore.session.get_session()
config = Config(retries={{"mode": "standard", "total_max_attempts": 4}}, parameter_validation=False)
clients = {{name: session.create_client(name, config=config) for name in {services}}}
{calls}
"""

_DYNAMODB = 'clients["dynamodb"].'
_KEY = '{"symbol": {"S": "A"}}'
_GET_MANY = _DYNAMODB + 'batch_get_item(RequestItems={{"{0}": {{"Keys": []}}}})'
_QUERY = _DYNAMODB + 'query(TableName="none", KeyConditionExpression="a = :b")'

# The AWS calls of each function's first invocation.
FUNCTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ingest_kinesis": (
        ("dynamodb", "s3"),
        (
            _GET_MANY.format("none"),
            'clients["s3"].put_object(Bucket="archive", Key="a", Body=b"a")',
            _DYNAMODB + 'batch_write_item(RequestItems={"prices": []})',
        ),
    ),
    "detect": (
        ("dynamodb",),
        (
            _GET_MANY.format("none"),
            _QUERY,
            _QUERY,
            _DYNAMODB + f'put_item(TableName="state", Item={_KEY})',
        ),
    ),
    "app": (("dynamodb",), (_DYNAMODB + f'get_item(TableName="none", Key={_KEY})', _QUERY)),
}


def ours(function: str) -> str:
    """Return the program that starts our function."""
    return _TIMED.format(body=_OURS.format(function=function))


def bare(function: str) -> str:
    """Return the program that starts only the libraries."""
    services, calls = FUNCTIONS[function]
    return _TIMED.format(body=_BARE.format(services=services, calls="\n".join(calls)))


def cpu_ms(program: str, path: Sequence[Path], event: Path) -> float:
    """Return the CPU of a fresh process. Raises RuntimeError with its output if it failed."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, str(event)],
        cwd=path[0],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-600:])
    return float(done.stdout.split()[-1]) * 1000


def events(app: OurApp) -> dict[str, dict[str, Any]]:
    """Return a small event for each function; also sets up the endpoint's data."""
    ingest_cpu.seen(app.aws)
    app.aws.store("prices", stored.PAGE_ITEMS)
    app.aws.store("bars", stored.PAGE_ITEMS)
    symbol = feeds.SYMBOLS[0]
    state = detect_cpu.without_alerts(detect_cpu.state_before(symbol, 1))
    answer = {"Responses": {"state": [state]}, "UnprocessedKeys": {}}
    app.aws.answer("BatchGetItem", "state", answer)
    app.aws.answer("GetItem", "state", {"Item": state})
    return {
        "ingest_kinesis": feeds.kinesis_event(1),
        "detect": feeds.stream_event([detect_cpu.trigger(symbol, 1)]),
        "app": api_cpu.event("1m", 10),
    }


def measure() -> list[dict[str, Any]]:
    """Return the benchmark's results."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        zipped = package.build(folder)
        path = package.unpack(zipped, folder)
        with our_app() as app:
            starts = [
                start(function, event, path, folder) for function, event in events(app).items()
            ]
        return [*starts, zip_size(zipped)]


def start(function: str, event: dict[str, Any], path: list[Path], folder: Path) -> dict[str, Any]:
    """Measure one function's start, the two programs in turn; the first round is not counted."""
    file = folder / f"{function}.json"
    file.write_text(json.dumps(event))
    programs = {"ours": ours(function), "bare": bare(function)}
    found: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(ROUNDS + 1):
        for name, program in programs.items():
            taken = cpu_ms(program, path, file)
            if number:
                found[name].append(taken)
    return result(function, found["ours"], found["bare"])


def result(function: str, mine: list[float], theirs: list[float]) -> dict[str, Any]:
    """Return one function's start."""
    ratio = median(mine) / median(theirs)
    return {
        "name": f"start_{'api' if function == 'app' else function}",
        "value": round(median(mine)),
        "p95": round(p95(mine)),
        "unit": "ms CPU",
        "baseline": round(median(theirs)),
        "ratio": round(ratio, 2),
        "target": f"at most {TARGET} times the bare libraries",
        "holds": ratio <= TARGET,
    }


def zip_size(zipped: Path) -> dict[str, Any]:
    """Return the zip's size against the limit."""
    megabytes = zipped.stat().st_size / 1e6
    return {
        "name": "lambda_zip",
        "value": round(megabytes, 2),
        "unit": "MB",
        "target": f"under {MOST_ZIP_MB:g} MB",
        "holds": megabytes < MOST_ZIP_MB,
    }


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=2, ensure_ascii=False)
    print()
