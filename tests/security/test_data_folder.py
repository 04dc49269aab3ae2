"""The data folder: who can read it, and what a file in it that somebody else wrote can do."""

from __future__ import annotations

import ast
import os
import pickle
import sqlite3
import stat
import struct
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.glue.models import FakeDatabase, FakePartition, FakeTable
from moto.s3.models import FakeDeleteMarker, FakeKey
from moto.sqs.models import Message

from embedded_aws.data_directory import DataDirectory
from embedded_aws.emulator import database
from embedded_aws.emulator.inert_pickles import PickleError, read
from embedded_aws.errors import FolderError
from embedded_aws.event_sources.checkpoints import Checkpoints
from producer.errors import UsageError as ProducerUsageError
from producer.spool import Spool
from tests.local_support.aws import Emulator, emulator
from tests.local_support.system import ROOT, LocalSystem, run_local

BUCKET = "archive"
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_no_other_user_reads_the_folder_of_a_running_system(
    system: LocalSystem, data: Path
) -> None:
    assert mode(data) == 0o700
    modes = {path.name: mode(path) for path in data.iterdir()}
    assert {"aws.sqlite", "checkpoints.sqlite", "lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_files_of_earlier_versions_are_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "aws.sqlite").touch(0o644)
    DataDirectory(tmp_path).close()
    assert mode(tmp_path / "aws.sqlite") == 0o600


def test_another_users_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(FolderError, match="belongs to another user"):
        DataDirectory(tmp_path)


def test_another_users_spool_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ProducerUsageError, match=r"spool.db belongs to another user"):
        Spool(tmp_path / "spool.db", "s")


@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal"])
def test_a_log_beside_a_spool_that_is_not_ours_is_refused(tmp_path: Path, end: str) -> None:
    Spool(tmp_path / "spool.db", "s").close()
    (tmp_path / f"spool.db{end}").symlink_to(tmp_path / "another's")
    with pytest.raises(ProducerUsageError, match=f"spool.db{end} belongs to another user"):
        Spool(tmp_path / "spool.db", "s")


def test_a_log_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "spool.db-wal"
    log.touch()
    real = Path.lstat

    def owned(path: Path) -> os.stat_result:
        found = list(real(path))
        found[stat.ST_UID] += path == log
        return os.stat_result(found)

    monkeypatch.setattr(Path, "lstat", owned)
    with pytest.raises(ProducerUsageError, match=r"spool.db-wal belongs to another user"):
        Spool(tmp_path / "spool.db", "s")


def test_a_spool_where_anyone_may_replace_files_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ProducerUsageError, match="any user may replace files"):
        Spool(tmp_path / "spool.db", "s")
    tmp_path.chmod(0o1777)
    Spool(tmp_path / "spool.db", "s").close()


@pytest.mark.parametrize("name", ["lock", "aws.sqlite", "checkpoints.sqlite", "aws.sqlite-wal"])
@pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to], ids=["symbolic", "hard"])
def test_a_link_in_a_folder_has_no_other_file_overwritten(
    tmp_path: Path, name: str, make: Any
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    given = tmp_path / "given"
    given.mkdir()
    make(given / name, precious)
    with pytest.raises(FolderError, match=f"{name} is a link"):
        DataDirectory(given)
    assert precious.read_text() == "mine"


def hot_journal(database: Path, super_journal: Path | None = None) -> Path:
    """Write a journal that SQLite rolls back on opening the database, deleting the
    super-journal."""
    with sqlite3.connect(database) as made:
        made.execute("CREATE TABLE planted (a)")
        made.execute("DROP TABLE planted")
    made.close()
    content = database.read_bytes()
    page_bytes = struct.unpack(">H", content[16:18])[0]
    pages = len(content) // page_bytes
    head = JOURNAL_MAGIC + struct.pack(">5I", 0, 7, pages, 512, page_bytes)
    tail = b""
    if super_journal is not None:
        name = bytes(super_journal)
        lock_page = 0x40000000 // page_bytes + 1
        sums = struct.pack(">2I", len(name), sum(name))
        tail = struct.pack(">I", lock_page) + name + sums + JOURNAL_MAGIC
    journal = database.with_name(database.name + "-journal")
    journal.write_bytes(head.ljust(512, b"\0") + tail)
    return journal


def test_sqlite_deletes_what_a_journal_names(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    hot_journal(tmp_path / "x.sqlite", precious)
    with sqlite3.connect(tmp_path / "x.sqlite") as opened:
        opened.execute("SELECT * FROM sqlite_master")
    opened.close()
    assert not precious.exists()  # so the tests below show something


def open_all(path: Path) -> None:
    """Open a data folder and its files as a start does."""
    folder = DataDirectory(path)
    Checkpoints(folder.checkpoints).close()
    database.connect(folder.emulator).close()
    folder.close()


@pytest.mark.parametrize("name", ["aws.sqlite", "checkpoints.sqlite"])
def test_a_journal_in_a_folder_has_no_other_file_deleted(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    given = tmp_path / "given"
    given.mkdir()
    journal = hot_journal(given / name, precious)
    with pytest.raises(FolderError, match=f"{name}-journal would have SQLite delete another file"):
        open_all(given)
    assert precious.read_text() == "mine"
    assert journal.exists()


@pytest.mark.parametrize("is_link", [False, True])
def test_a_journal_beside_a_spool_has_no_other_file_deleted(tmp_path: Path, is_link: bool) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    hot_journal(tmp_path / "given.db", precious)
    spool = tmp_path / ("link.db" if is_link else "given.db")
    if is_link:
        spool.symlink_to(tmp_path / "given.db")
    with pytest.raises(ProducerUsageError, match=r"given.db-journal would have SQLite"):
        Spool(spool, "s")
    assert precious.read_text() == "mine"


def test_a_journal_that_a_crash_left_beside_a_spool_is_rolled_back(tmp_path: Path) -> None:
    journal = hot_journal(tmp_path / "spool.db")
    Spool(tmp_path / "spool.db", "s").close()
    assert not journal.exists()


def test_a_journal_that_a_crash_left_is_is_rolled_back(tmp_path: Path) -> None:
    journal = hot_journal(tmp_path / "checkpoints.sqlite")
    (tmp_path / "aws.sqlite-journal").touch()
    open_all(tmp_path)
    assert not journal.exists()


def test_files_of_other_names_keep_their_modes(tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.touch()
    script.chmod(0o755)
    DataDirectory(tmp_path).close()
    assert mode(script) == 0o755


def test_another_programs_database_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "aws.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE places (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(database.DatabaseError, match="not a Ticktape database"):
        database.connect(path)
    assert path.read_bytes() == before


class Planted:
    """An object that runs a command when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.command = f"touch {proof}"

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def make_file(path: Path, written_as: str, **rows: list[tuple[Any, ...]]) -> None:
    """A data folder's file of a format, with rows by table."""
    made = database.connect(path)
    database.put_meta(made, "format", written_as)
    for table, values in rows.items():
        for row in values:
            made.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    made.close()


PLACE = '["123456789012", "us-east-1"]'


def planted(proof: Path) -> dict[str, list[tuple[Any, ...]]]:
    """A row with a live pickle for each table that had pickles."""
    raw = pickle.dumps(Planted(proof))
    assert pickle.loads(raw) == 0
    proof.unlink()
    return {
        "objects": [(BUCKET, "planted", raw, None)],
        "messages": [("queue", "planted", 1, raw)],
        "glue_databases": [(PLACE, raw)],
        "glue_partitions": [("lake/ticks", "['1']", raw)],
    }


def test_a_planted_pickle_runs_nothing_when_it_is_read(tmp_path: Path) -> None:
    proof, path = tmp_path / "proof", tmp_path / "aws.sqlite"
    make_file(path, str(database.FORMAT), **planted(proof))
    with emulator(path) as aws:
        fails(aws, "s3", "list_objects_v2", Bucket=BUCKET)
        aws("s3").create_bucket(Bucket=BUCKET)
        fails(aws, "s3", "get_object", Bucket=BUCKET, Key="planted")
        fails(aws, "s3", "list_objects_v2", Bucket=BUCKET)
        fails(aws, "sqs", "create_queue", QueueName="queue")
        fails(aws, "glue", "get_databases")
    assert not proof.exists()


def fails(aws: Emulator, service: str, name: str, **request: str) -> None:
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    vars(aws.clients)["_config"] = config
    with pytest.raises(ClientError):
        getattr(aws(service), name)(**request)


@pytest.mark.parametrize("table", ["objects", "messages", "glue_databases", "glue_partitions"])
def test_a_planted_pickle_runs_nothing_when_an_earlier_versions_file_is_converted(
    tmp_path: Path, table: str
) -> None:
    proof, path = tmp_path / "proof", tmp_path / "aws.sqlite"
    make_file(path, "1", **{table: planted(proof)[table]})
    with pytest.raises(database.DatabaseError, match=f"{table}: .* cannot be read"):
        database.connect(path)
    assert not proof.exists()


def older_key(name: str, body: bytes) -> FakeKey:
    key = FakeKey(name, body, "123456789012", "us-east-1", bucket_name=BUCKET, is_versioned=True)
    key._metadata["Content-Encoding"] = "gzip"
    return key


def older_lake() -> tuple[OrderedDict[str, Any], FakePartition]:
    base = FakeDatabase("lake", {"Name": "lake"}, "123456789012")
    columns = [{"Name": "symbol", "Type": "string"}]
    description = {
        "Name": "ticks",
        "StorageDescriptor": {"Columns": columns, "Location": "s3://archive/ticks/"},
        "PartitionKeys": [{"Name": "date", "Type": "string"}],
        "Parameters": {"projection.enabled": "false"},
    }
    table = FakeTable("lake", "ticks", description, "123456789012")
    table.update({**description, "Parameters": {"projection.enabled": "true"}})
    base.tables["ticks"] = table
    partition = FakePartition("lake", "ticks", {"Values": ["2024-01-02"]})
    return OrderedDict(lake=base), partition


def test_a_folder_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "aws.sqlite"
    key = older_key("raw/a", b"body \x00\xff")
    gone = [older_key("raw/b", b"old"), FakeDeleteMarker(older_key("raw/b", b"old"))]
    large = older_key("raw/large", bytes(range(256)) * 3000)
    message = Message("m1", '{"symbol": "A"}')
    message.message_attributes = {"alert": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    message.group_id, message.sequence_number = "A", "7"
    message.mark_sent()
    lake, partition = older_lake()
    make_file(
        path,
        "1",
        objects=[
            (BUCKET, "raw/a", pickle.dumps([key]), None),
            (BUCKET, "raw/b", pickle.dumps(gone), None),
            (BUCKET, "raw/large", pickle.dumps([large]), None),
        ],
        messages=[("queue.fifo", "m1", 1, pickle.dumps(message))],
        glue_databases=[(PLACE, pickle.dumps(lake))],
        glue_partitions=[("lake/ticks", "['2024-01-02']", pickle.dumps(partition))],
    )
    for _ in range(2):  # converted, then read again
        with emulator(path) as aws:
            look_at_older(aws, key, large)
    with sqlite3.connect(path) as kept:
        assert kept.execute("SELECT value FROM meta WHERE name = 'format'").fetchone() == ("2",)
    kept.close()


def look_at_older(aws: Emulator, key: FakeKey, large: FakeKey) -> None:
    s3, sqs, glue = aws("s3"), aws("sqs"), aws("glue")
    s3.create_bucket(Bucket=BUCKET)
    found = s3.get_object(Bucket=BUCKET, Key="raw/a")
    assert found["Body"].read() == key.value
    assert (found["ETag"], found["ContentEncoding"]) == (key.etag, "gzip")
    assert found["LastModified"].replace(tzinfo=None) == key.last_modified.replace(microsecond=0)
    assert s3.get_object(Bucket=BUCKET, Key="raw/large")["Body"].read() == large.value
    names = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert names == ["raw/a", "raw/large"]
    url = sqs.create_queue(QueueName="queue.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    (message,) = sqs.receive_message(
        QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"], VisibilityTimeout=0
    )["Messages"]
    assert message["Body"] == '{"symbol": "A"}'
    assert message["MessageAttributes"]["alert"]["BinaryValue"] == b"\x00\xff"
    assert message["Attributes"]["MessageGroupId"] == "A"
    table = glue.get_table(DatabaseName="lake", Name="ticks")["Table"]
    assert table["Parameters"] == {"projection.enabled": "true"}
    versions = glue.get_table_versions(DatabaseName="lake", TableName="ticks")["TableVersions"]
    assert len(versions) == 2
    (partition,) = glue.get_partitions(DatabaseName="lake", TableName="ticks")["Partitions"]
    assert partition["Values"] == ["2024-01-02"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"no pickle", b"\x80\x05.", b"\x80\x05Nb.", b"cos\nsystem\n(S'x'\ntR.", b"\x80\x05}"],
)
def test_foreign_pickles_are_refused(raw: bytes) -> None:
    with pytest.raises(PickleError):
        read(raw)


def test_a_time_is_read_to_the_microsecond() -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, 456789)  # noqa: DTZ001
    assert read(pickle.dumps(moment)) == moment


def test_nothing_of_ours_imports_what_runs_code_when_it_reads() -> None:
    found = []
    for folder in (
        "embedded_aws",
        "untrusted",
        "local",
        "commands",
        "producer",
        "chalicelib",
        "infra",
    ):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [one.name for one in ast.walk(node) if isinstance(one, ast.alias)]
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"} & {*names}:
                    found.append(str(path))
    assert found == []


@pytest.mark.parametrize("name", ["aws.sqlite", "checkpoints.sqlite"])
def test_names_in_a_given_database_do_not_command_the_terminal(tmp_path: Path, name: str) -> None:
    hostile = "x\x1b]0;owned\x07\x1b[2J\u202e\nsecond line"
    tmp_path.chmod(0o700)
    with sqlite3.connect(tmp_path / name) as made:
        made.execute("CREATE TABLE a (b)")
        made.execute("PRAGMA writable_schema = ON")
        entry = ("table", hostile, hostile, 2, "CREATE TABLE broken(")
        made.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", entry)
    made.close()
    ports = ("--api-port", "0", "--page-port", "0")
    done = run_local(*ports, "--source", "none", "--seconds", "1", "--data", str(tmp_path))
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if "malformed database schema" in line]
    assert said, done.stderr
    assert all(line.isprintable() for line in done.stderr.splitlines())
    assert "]0;owned[2J second line" in said[0]
