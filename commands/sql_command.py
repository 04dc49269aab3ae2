"""`python -m local sql "SELECT ..."`: runs a statement through Athena's API and prints the rows."""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TextIO

from chalicelib.services.reports.costs import requests_usd, scan_usd
from commands.outcomes import FAILED, INTERRUPTED, OK, USAGE, UsageError
from commands.target import add_flags, connect, find_running

_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NUMERIC = ("tinyint", "smallint", "integer", "bigint", "decimal", "float", "double")
_DESCRIPTION = """\
Runs one statement of Athena's SQL on the running system's archive, through Athena's API. Prints the
rows to stdout, and to stderr the state, bytes scanned, S3 requests, their cost on AWS, and time.
"""
_EXAMPLES = """\
examples:
  python -m local sql "SELECT symbol, count(*) AS ticks FROM raw_ticks GROUP BY symbol"
  python -m local sql "SELECT * FROM all_ticks WHERE symbol = ? LIMIT 5" --param AAPL
  echo "SHOW TABLES" | python -m local sql - --format csv

exit status: 0 done, 1 cancelled or the engine failed, 2 invalid statement, 130 interrupted.
"""

Row = tuple[str | None, ...]
"""A row of the result, in which None is null."""


class Requests(NamedTuple):
    """Requests that Athena would send to S3 for a statement."""

    lists: int
    gets: int


def sql(arguments: list[str]) -> int:
    """Run a statement, print its rows and return the exit status."""
    options = _parser().parse_args(arguments)
    statement = sys.stdin.read() if options.statement == "-" else options.statement
    if not statement.strip():
        raise UsageError("no statement; give one as the argument, or - to read it from stdin")
    facts = find_running(options)
    environment = facts["environment"]
    if "ATHENA_WORKGROUP" not in environment:
        raise UsageError("the running system has no Athena, or an older version started it")
    client = connect(facts)("athena")
    return run(
        client,
        environment["ATHENA_WORKGROUP"],
        environment["ATHENA_DATABASE"],
        statement,
        [literal(value) for value in options.param],
        options.format or ("table" if sys.stdout.isatty() else "csv"),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local sql",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("statement", metavar="STATEMENT", help="the statement, or - for stdin")
    parser.add_argument(
        "--format",
        choices=("table", "csv", "json"),
        help="default: table on a terminal, else csv",
    )
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="VALUE",
        help="value of the next ? in the statement: a number, or else a string; repeatable",
    )
    add_flags(parser)
    return parser


def literal(value: str) -> str:
    """Return an execution parameter as an SQL literal, as Athena expects."""
    return value if _NUMBER.fullmatch(value) else "'" + value.replace("'", "''") + "'"


def run(
    client: Any,
    workgroup: str,
    database: str,
    statement: str,
    parameters: Sequence[str],
    style: str,
) -> int:
    """Start the statement, wait for it and print its rows. Return the exit status."""
    from botocore.exceptions import ClientError

    request: dict[str, Any] = {"ExecutionParameters": list(parameters)} if parameters else {}
    try:
        number = client.start_query_execution(
            QueryString=statement,
            WorkGroup=workgroup,
            QueryExecutionContext={"Database": database},
            **request,
        )["QueryExecutionId"]
    except ClientError as error:
        raise UsageError(error.response["Error"]["Message"]) from error
    try:
        execution, requests = _ended(client, number)
    except KeyboardInterrupt:
        client.stop_query_execution(QueryExecutionId=number)
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    state, reason = _outcome(execution)
    if state == "FAILED" and not reason.startswith("INTERNAL_ERROR"):
        print(f"python -m local sql: {reason}", file=sys.stderr)
        return USAGE
    if state != "SUCCEEDED":
        print(f"python -m local sql: {state}: {reason}", file=sys.stderr)
        return FAILED
    show(client, number, style, sys.stdout)
    print(summary(execution, requests), file=sys.stderr)
    return OK


def _ended(client: Any, number: str) -> tuple[dict[str, Any], Requests | None]:
    """Wait until the execution ends. Return the execution and the counts of its requests to S3."""
    wait = _FIRST_WAIT
    while True:
        answer = client.get_query_execution(QueryExecutionId=number)
        execution: dict[str, Any] = answer["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution, _requests(answer["ResponseMetadata"]["HTTPHeaders"])
        time.sleep(wait)
        wait = min(_LONGEST_WAIT, wait * 1.5)


def _outcome(execution: dict[str, Any]) -> tuple[str, str]:
    status = execution["Status"]
    reason = str(status.get("StateChangeReason", ""))
    return status["State"], " ".join(reason.split())


def _requests(headers: Mapping[str, str]) -> Requests | None:
    """Return the requests to S3 that the embedded Athena counts in its answer's headers, if any."""
    found = [headers.get(f"x-ticktape-s3-{what}") for what in ("lists", "gets")]
    lists, gets = found
    return Requests(int(lists), int(gets)) if lists and gets else None


def summary(execution: dict[str, Any], requests: Requests | None) -> str:
    """Describe an execution: state, bytes scanned, requests to S3, their cost on AWS, and time."""
    statistics = execution["Statistics"]
    scanned = statistics["DataScannedInBytes"]
    usd = scan_usd(scanned) if execution["StatementType"] == "DML" else Decimal(0)
    parts = [
        execution["Status"]["State"],
        f"{size_text(scanned)} scanned ({usd:.5f} USD on AWS)",
    ]
    if requests is not None:
        of_s3 = requests_usd(requests.lists, requests.gets)
        counted = f"{requests.lists:,} LIST and {requests.gets:,} GET requests to S3"
        parts.append(f"{counted} ({of_s3:.5f} USD)")
    return ", ".join([*parts, f"{statistics['TotalExecutionTimeInMillis'] / 1000:.2f} s"])


def size_text(count: int) -> str:
    """Return a size as text: `999 bytes`, `1.5 MB`."""
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    power = min(4, (len(str(count)) - 1) // 3)
    return f"{count / 1000**power:.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def show(client: Any, number: str, style: str, to: TextIO) -> None:
    """Print a query's rows in the style `table`, `csv` or `json`."""
    columns, rows = _rows(client, number)
    if not columns:
        return
    {"table": _show_table, "csv": _show_csv, "json": _show_json}[style](columns, rows, to)


def _rows(client: Any, number: str) -> tuple[list[tuple[str, str]], Iterator[Row]]:
    """Return the columns' names and types, and an iterator over the rows without the header."""
    first = client.get_query_results(QueryExecutionId=number)
    described = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    columns = [(column["Name"], column["Type"]) for column in described]
    has_names = bool(columns) and columns[0][1] != "string"  # SHOW gives none
    return columns, _all_rows(client, number, first, skip=1 if has_names else 0)


def _all_rows(client: Any, number: str, page: dict[str, Any], skip: int) -> Iterator[Row]:
    while True:
        for row in page["ResultSet"]["Rows"][skip:]:
            yield tuple(datum.get("VarCharValue") for datum in row["Data"])
        if "NextToken" not in page:
            return
        skip = 0
        page = client.get_query_results(QueryExecutionId=number, NextToken=page["NextToken"])


def _show_csv(columns: Sequence[tuple[str, str]], rows: Iterator[Row], to: TextIO) -> None:
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    writer.writerows(rows)


def _show_json(columns: Sequence[tuple[str, str]], rows: Iterator[Row], to: TextIO) -> None:
    """Print a JSON array with one row per line. Numbers keep their digits."""
    separator = "[\n"
    for row in rows:
        members = (
            f"{json.dumps(name)}: {_json_value(value, kind)}"
            for (name, kind), value in zip(columns, row, strict=True)
        )
        to.write(separator + "{" + ", ".join(members) + "}")
        separator = ",\n"
    to.write("[]\n" if separator == "[\n" else "\n]\n")


def _json_value(value: str | None, kind: str) -> str:
    if value is None:
        return "null"
    plain = kind == "boolean" or (kind in _NUMERIC and value[-1].isdigit())
    return value if plain else json.dumps(value, ensure_ascii=False)


def _show_table(columns: Sequence[tuple[str, str]], rows: Iterator[Row], to: TextIO) -> None:
    lines = [[_cell(value) for value in row] for row in rows]
    names = [name for name, _ in columns]
    widths = [max(len(line[at]) for line in [names, *lines]) for at in range(len(columns))]
    right = [kind in _NUMERIC for _, kind in columns]
    rule = ["-" * width for width in widths]
    for line in [names, rule, *lines]:
        cells = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, right, strict=True)
        )
        to.write("  ".join(cells).rstrip() + "\n")
    to.write(f"({len(lines)} row{'' if len(lines) == 1 else 's'})\n")


def _cell(value: str | None) -> str:
    if value is None:
        return "NULL"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in value)
