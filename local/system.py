"""Starts and stops the whole system, which is this process and two children."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from commands import aws_environment, running_file
from commands.outcomes import UsageError
from embedded_aws.backlog import Waiting
from embedded_aws.connection_limits import allow_files
from embedded_aws.data_directory import DataDirectory
from embedded_aws.environment import point_at
from embedded_aws.errors import CheckpointsError, EmulatorError, FolderError
from embedded_aws.http_server import Server
from embedded_aws.process import EmulatorControl, EmulatorProcess
from local import producing
from local.arguments import Options
from local.chain import Chain, Start
from local.counters import Counters, Snapshot, count_metrics
from local.producing import Producer
from local.schedule import Schedule
from local.terminal import Addresses, PlainTerminal, Terminal
from producer.sinks.aws import why
from untrusted.printable import printable

POLLERS_STOP_SECONDS = 3.0
SWEEP_SECONDS = 30.0
"""Seconds between the emulator's deletions of expired items."""

_ALLOW = "; --allow-host NAME allows another"

_SLOW_IMPORTS = ("boto3", "chalicelib.bootstrap", "chalicelib.api.routes", "chalice.local")
_CHALICE = Path(__file__).resolve().parents[1] / ".chalice" / "base.json"


class StartError(Exception):
    """A part did not start. The text is one line, and the exit status is 1."""


class System:
    """All parts of the system. Call `start`, then always `stop`. `ended` asks for the stop."""

    def __init__(self, options: Options) -> None:
        self.ended = threading.Event()
        self.exit_status = 0
        self._options = options
        self._closing = ExitStack()
        self._working: list[Callable[[], Any]] = []
        self._token = secrets.token_urlsafe(24)
        self._users_aws = aws_environment.user_endpoint(os.environ) is not None
        self._counters = Counters()
        self._given_up: Callable[[], int] = lambda: 0
        self._backlog: Callable[[], Waiting] | None = None
        self._waiting: Waiting | None = None
        self._producer_down: Callable[[], bool] = lambda: False
        self._terminal = _terminal(self._snapshot)

    def start(self) -> None:
        """Start everything.

        Raises UsageError or StartError, or EndedError if `ended` is set before AWS answers. `stop`
        then stops the started parts.
        """
        self._terminal.note("Starting Ticktape; this takes a few seconds.")
        running_file.folder()  # raises before anything starts
        allow_files()
        api = self._bind("--api-port", self._options.api_port)
        page = self._bind("--page-port", self._options.page_port) if self._options.page else None
        data = self._open_data()
        emulator = self._start_emulator(data)
        for name in _SLOW_IMPORTS:  # while the emulator starts
            importlib.import_module(name)
        self._point_at_aws(emulator)
        environment, clients = self._provision(page.address if page else "", emulator)
        environment |= self._start_push(page, emulator, clients, environment["STATE_TABLE"])
        app = _load_app()
        addresses = self._addresses(api, page)
        self._tell_commands(addresses, environment, clients, emulator)
        self._serve(app, api, page)
        self._subscribe(clients, environment)
        self._start_mappings(app, environment, clients, data, emulator)
        self._start_schedule(app)
        self._start_producer(environment)
        self._tell_kept(clients, environment)
        self._terminal.ready(addresses)

    def stop(self) -> None:
        """Stop the started parts in reverse order.

        A part that hangs may cut this short, so the running file is removed first.
        """
        self.ended.set()
        running_file.remove()
        if self._producer_down() and not self.exit_status:
            self.exit_status = 1
        self._closing.close()
        self.tell_end()

    def tell_end(self) -> None:
        """Show the last state, if it is not shown yet."""
        self._backlog = None  # the emulator may be stopped, or hang
        self._terminal.close()

    def _stop_working(self) -> None:
        """Stop producer and pollers in parallel, and show the last state. Interrupted batches are
        delivered again."""
        with ThreadPoolExecutor() as pool:
            for stop in self._working:
                pool.submit(stop)
        self._look_at_backlog()  # while the emulator still answers
        logging.disable(logging.CRITICAL)  # an interrupted handler logs nothing useful
        self.tell_end()

    def _bind(self, flag: str, port: int) -> Server:
        try:
            server = Server(port, self._options.allow_hosts, advice=_ALLOW)
        except OSError as error:
            raise UsageError(f"{flag} {port}: {error.strerror}") from error
        self._closing.callback(server.stop)
        return server

    def _open_data(self) -> DataDirectory | None:
        if self._options.data is None:
            return None
        try:
            data = DataDirectory(self._options.data)
        except FolderError as error:
            raise UsageError(f"--data {error}") from error
        self._closing.callback(data.close)
        return data

    def _start_emulator(self, data: DataDirectory | None) -> EmulatorProcess | None:
        if self._users_aws:
            return None
        database = data.emulator if data else None
        emulator = EmulatorProcess(self._options.aws_port, database, SWEEP_SECONDS)
        self._closing.callback(emulator.stop)
        return emulator

    def _point_at_aws(self, emulator: EmulatorProcess | None) -> None:
        if emulator is None:
            aws_environment.keep_users(os.environ)
            return
        try:
            emulator.wait_until_ready(self.ended)
        except EmulatorError as error:
            raise StartError(f"embedded AWS did not start: {error}") from error
        threading.Thread(target=self._watch, args=(emulator,), daemon=True).start()
        for handler in logging.getLogger().handlers:
            handler.addFilter(emulator.filter)
        point_at(os.environ, emulator.endpoint, emulator.keys)

    def _watch(self, emulator: EmulatorProcess) -> None:
        why = emulator.wait()
        self._fail(why)

    def _provision(
        self, page_address: str, emulator: EmulatorProcess | None
    ) -> tuple[dict[str, str], Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        from embedded_aws.clients import Clients
        from infra import lake, lifecycle_rules, provision, resources

        clients, wanted = Clients(os.environ), resources.load()
        try:
            today = datetime.now(UTC).date()
            day = lake.first_day(clients("s3"), wanted.name("archive"), today)
            made = provision.provision(clients, wanted, ingest=self._options.ingest, first_day=day)
            if emulator is not None:
                lifecycle_rules.put_rules(clients("s3"), wanted)
        except (BotoCoreError, ClientError) as error:
            raise StartError(f"AWS at {os.environ['AWS_ENDPOINT_URL']}: {why(error)}") from error
        environment = {
            **made,
            "ALERTS": self._options.crosses,
            "READ_ACCESS": "open",
            "CORS_ORIGIN": page_address,
            "PAGE_URL": page_address,
            "WRITE_TOKEN_SHA256": hashlib.sha256(self._token.encode()).hexdigest(),
        }
        os.environ.update(environment)
        count_metrics(self._counters)
        return environment, clients

    def _start_push(
        self, page: Server | None, emulator: EmulatorProcess | None, clients: Any, table: str
    ) -> dict[str, str]:
        """Start the event API that pushes prices to the page, and return its variables; none if
        page or push is off, or on a user's own endpoint."""
        if emulator is None or page is None or not self._options.push:
            return {}
        from chalicelib.domain.push_channels import NAMESPACE
        from embedded_aws.event_api import EventApi

        api = EventApi(emulator.keys, [NAMESPACE], [page.address])
        api.start()
        self._closing.callback(api.stop)
        variables = {
            "STATE_STREAM_ARN": clients("dynamodb").describe_table(TableName=table)["Table"][
                "LatestStreamArn"
            ],
            "PUSH_URL": api.url,
            "PUSH_SOCKET": api.socket,
            "PUSH_KEY": api.key,
        }
        os.environ.update(variables)
        return variables

    def _serve(self, app: ModuleType, api: Server, page: Server | None) -> None:
        from chalicelib.api.bodies import MAX_BYTES
        from chalicelib.api.problems import denied, of_status
        from chalicelib.settings import load
        from embedded_aws.api_gateway import api_server
        from infra.deploy.gateway import DENIED
        from infra.page_files import shared_settings
        from local import page_server

        compress_from = json.loads(_CHALICE.read_text()).get("minimum_compression_size")
        _, template = denied(*DENIED)
        api.start(
            api_server.handler(
                app.app, of_status, compress_from, denied=template, longest_body=MAX_BYTES
            )
        )
        if page is not None:
            config = {"stage": "local", **shared_settings(load(os.environ))}
            page.start(page_server.handler(api.address, config))

    def _subscribe(self, clients: Any, environment: dict[str, str]) -> None:
        from embedded_aws import subscriber
        from local import notifications

        server = Server(0, advice=_ALLOW)
        self._closing.callback(server.stop)
        path = subscriber.secret_path()
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        server.start(subscriber.handler(notifications.shown(self._terminal.alert), path, endpoint))
        clients("sns").subscribe(
            TopicArn=environment["ALERTS_TOPIC_ARN"],
            Protocol="http",
            Endpoint=server.address + path,
        )

    def _start_mappings(
        self,
        app: ModuleType,
        environment: dict[str, str],
        clients: Any,
        data: DataDirectory | None,
        emulator: EmulatorProcess | None,
    ) -> None:
        from embedded_aws.event_sources.checkpoints import Checkpoints
        from infra import resources
        from local import mappings

        try:
            checkpoints = Checkpoints(data.checkpoints if data else None, self._fail)
        except CheckpointsError as error:
            raise StartError(str(error)) from error.__cause__
        self._closing.callback(checkpoints.close)
        control = EmulatorControl(emulator.port, emulator.keys) if emulator else None
        made = mappings.make(app, environment, resources.load(), clients, checkpoints, control)
        self._given_up = made.given_up
        self._backlog = made.backlog()
        self._working.append(lambda: made.stop(POLLERS_STOP_SECONDS))
        self._closing.callback(self._stop_working)
        made.start()

    def _start_schedule(self, app: ModuleType) -> None:
        schedule = Schedule(app.compact, os.environ["AWS_DEFAULT_REGION"], self._terminal.note)
        self._working.append(schedule.stop)
        schedule.start()

    def _start_producer(self, environment: dict[str, str]) -> None:
        commands = producing.commands(self._options, environment)
        if not commands:
            return
        chain = Chain(
            [self._starting(command) for command in commands],
            failing=self._producer_failed,
            ended=self._producer_ended,
        )
        self._working.append(chain.stop)
        self._producer_down = lambda: chain.is_down
        chain.start()

    def _starting(self, command: producing.Command) -> Start:
        def start(ended: Callable[[int], None]) -> Producer:
            return Producer(
                command, status=self._counters.produced, said=self._producer_said, ended=ended
            )

        return start

    def _addresses(self, api: Server, page: Server | None) -> Addresses:
        return Addresses(
            page=page.address if page else None,
            api=api.address,
            aws=os.environ["AWS_ENDPOINT_URL"],
            token=self._token,
            data=self._data_said(),
        )

    def _tell_commands(
        self,
        addresses: Addresses,
        environment: dict[str, str],
        clients: Any,
        emulator: EmulatorProcess | None,
    ) -> None:
        """Write the running file. The API starts later, since its clients may look for the file."""
        from infra import resources

        data = self._options.data
        facts = {
            "region": os.environ["AWS_REGION"],
            "data": None if data is None else str(data.resolve()),
            "access_key": emulator.keys.access_key if emulator else None,
            "secret_key": emulator.keys.secret_key if emulator else None,
            "environment": environment,
            "sinks": resources.sinks(resources.load(), clients("sqs")),
        }
        running_file.write({**msgspec.to_builtins(addresses), **facts})

    def _tell_kept(self, clients: Any, environment: dict[str, str]) -> None:
        from local import kept_notes

        for note in kept_notes.notes(clients("dynamodb"), environment):
            self._terminal.note(note)

    def _data_said(self) -> str:
        if self._users_aws:
            return "in the AWS that AWS_ENDPOINT_URL names"
        return str(self._options.data or "in memory only")

    def _producer_said(self, event: str, message: str) -> None:
        if event == "problem":
            print(printable(message), file=sys.stderr, flush=True)
        else:
            self._terminal.note(f"producer: {message}")

    def _producer_failed(self, how: str, seconds: float) -> None:
        self._counters.producer_is_down(seconds)
        text = f"the producer {how}; restarting it in {seconds:.0f} s"
        print(text, file=sys.stderr, flush=True)

    def _producer_ended(self, status: int) -> None:
        if status == producing.USAGE:
            self.exit_status = status
            self.ended.set()

    def _snapshot(self) -> Snapshot:
        now = self._counters.snapshot()
        self._look_at_backlog()
        waiting = self._waiting
        return msgspec.structs.replace(
            now,
            given_up=self._given_up(),
            waiting=waiting.count if waiting else None,
            lag_seconds=waiting.age_seconds(time.time()) if waiting else 0.0,
            stopped=self.ended.is_set(),
        )

    def _look_at_backlog(self) -> None:
        if backlog := self._backlog:
            self._waiting = backlog()

    def _fail(self, why: str) -> None:
        if self.ended.is_set():
            return
        logging.disable(logging.CRITICAL)  # later failures are a consequence of this one
        print(f"python -m local: {why}", file=sys.stderr, flush=True)
        self.exit_status = 1
        self.ended.set()


def _terminal(snapshot: Callable[[], Snapshot]) -> Terminal:
    """Return a live panel if stdout is a terminal, else plain lines."""
    if sys.stdout.isatty():
        from local.live_terminal import LiveTerminal

        return LiveTerminal(snapshot)
    return PlainTerminal(snapshot, sys.stdout)


def _load_app() -> ModuleType:
    """Import the app's module. Its log goes to stderr like ours; Chalice would use stdout."""
    app = importlib.import_module("app")
    log = logging.getLogger(app.app.app_name)
    log.handlers.clear()
    log.propagate = True
    logging.getLogger("ticktape.audit").propagate = False  # not for the terminal
    return app
