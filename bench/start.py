"""Cold starts: CPU of a fresh process from importing `app` to the end of the first invocation.

Each function is compared with chalice, botocore and the same clients alone.

The bare process imports chalice and botocore, makes the clients that the function uses and sends
empty requests in place of those of the first invocation. Both processes see what a function sees:
the unpacked Lambda zip and the runtime's libraries (package.py). Bias: both sides have compiled
files, but in Lambda only the runtime's libraries have them. The interpreter's own start counts on
neither side. The size of the zip is measured, too.

    python -m bench.start
    python -m bench.start --beside ../earlier    # compared with another checkout's app

With `--beside`, our app and that of the other checkout start in turn, with the same libraries.
The first invocation of compact needs a lake, so it is measured up to the service that it calls.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench import api_cpu, detect_cpu, feeds, ingest_cpu, package, stored
from bench.measuring import output_of, timed
from bench.our_app import OurApp, our_app

ROUNDS = 9
ROUNDS_BESIDE = 21
TARGET = 1.25
BESIDE_TARGET = 1.02
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

_SERVICE = """
import app
from chalicelib import bootstrap
bootstrap.get_services().{service}
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
    """Return the Python program that starts our function."""
    return _TIMED.format(body=_OURS.format(function=function))


def bare(function: str) -> str:
    """Return the Python program that starts only the libraries which the function uses."""
    services, calls = FUNCTIONS[function]
    return _TIMED.format(body=_BARE.format(services=services, calls="\n".join(calls)))


def cpu_ms(program: str, path: Sequence[Path], event: Path) -> float:
    """Return the CPU milliseconds of a fresh process. Raises RuntimeError with the process's output
    if it failed."""
    command = [sys.executable, "-S", "-c", program, str(event)]
    environment = {"PYTHONPATH": os.pathsep.join(map(str, path))}
    return float(output_of(command, path[0], environment, 60).split()[-1]) * 1000


def events(app: OurApp) -> dict[str, dict[str, Any]]:
    """Set up the endpoint's data, and return a small event for each function."""
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
    """Return the benchmark's results: each function's start, and the size of the zip."""
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
    """Return the result of one function's start. Our program and that of the bare libraries run in
    turn. The first round is not counted."""
    file = folder / f"{function}.json"
    file.write_text(json.dumps(event))
    programs = {"ours": (ours(function), path), "bare": (bare(function), path)}
    found = in_turn(programs, file, ROUNDS)
    return result(function, found["ours"], found["bare"])


def in_turn(
    programs: Mapping[str, tuple[str, Sequence[Path]]], event: Path, rounds: int
) -> dict[str, list[float]]:
    """Run programs in turn, each with its own import path. Return each program's CPU milliseconds
    by round. The first round is not counted."""
    found: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, (program, path) in programs.items():
            taken = cpu_ms(program, path, event)
            if number:
                found[name].append(taken)
    return found


def measure_beside(checkout: Path) -> list[dict[str, Any]]:
    """Return each function's start beside that of another checkout's app."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = package.unpack(package.build(folder), folder)
        paths = {"ours": path, "theirs": [package.with_app_of(checkout, path[0], folder), path[1]]}
        with our_app() as app:
            given = {ours(function): event for function, event in events(app).items()}
            given[_TIMED.format(body=_SERVICE.format(service="compact"))] = {}
            names = [*FUNCTIONS, "compact"]
            return [
                _beside(name, program, event, paths, folder)
                for name, (program, event) in zip(names, given.items(), strict=True)
            ]


def _beside(
    name: str, program: str, event: dict[str, Any], paths: dict[str, list[Path]], folder: Path
) -> dict[str, Any]:
    file = folder / "event.json"
    file.write_text(json.dumps(event))
    programs = {side: (program, path) for side, path in paths.items()}
    found = in_turn(programs, file, ROUNDS_BESIDE)
    return result(name, found["ours"], found["theirs"], BESIDE_TARGET, "the other checkout's")


def result(
    function: str,
    mine: list[float],
    theirs: list[float],
    target: float = TARGET,
    whose: str = "the bare libraries",
) -> dict[str, Any]:
    """Return the result of one function's start beside another program's, which `whose` names."""
    ratio = median(mine) / median(theirs)
    return {
        **timed(f"start_{'api' if function == 'app' else function}", "ms CPU", mine, None),
        "baseline": round(median(theirs)),
        "ratio": round(ratio, 3),
        "target": f"at most {target} times {whose}",
        "holds": ratio <= target,
    }


def zip_size(zipped: Path) -> dict[str, Any]:
    """Return the result for the zip's size, beside its limit."""
    megabytes = zipped.stat().st_size / 1e6
    return {
        "name": "lambda_zip",
        "value": round(megabytes, 2),
        "unit": "MB",
        "target": f"under {MOST_ZIP_MB:g} MB",
        "holds": megabytes < MOST_ZIP_MB,
    }


def main(arguments: Sequence[str]) -> int:
    """Print the results as JSON. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", allow_abbrev=False)
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another checkout")
    checkout = parser.parse_args(arguments).beside
    if checkout and not (checkout / "app.py").is_file():
        parser.error(f"--beside: {checkout} has no app.py")
    found = measure_beside(checkout) if checkout else measure()
    json.dump(found, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
