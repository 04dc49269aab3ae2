"""Tables of Glue as Athena reads them: JSON lines, Parquet, partitions and views."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from botocore.exceptions import ClientError

from embedded_aws.athena.engine.requests import pages, parquet_gets
from tests.local_support.lake import PARQUET, PROJECTION, TICKS, Lake, ticks_of

TEXTS = {"symbol": "string", "price": "string", "n": "bigint", "more": "string"}


def make_raw(lake: Lake, name: str) -> None:
    """A table projected by date and hour, as raw_ticks is."""
    template = lake.address(f"{name}/date=${{date}}/hour=${{hour}}/")
    lake.make_table(
        name,
        {"symbol": "string", "price": "string"},
        {"date": "string", "hour": "string"},
        parameters={**PROJECTION, "storage.location.template": template},
    )


def test_lines_are_read_as_the_serde_reads_them(lake: Lake) -> None:
    lake.make_table("lines", TEXTS, {})
    lake.put_lines(
        "lines/a.json.gz",
        '{"symbol": "A", "price": 1.10, "n": 7, "more": {"x": [1, 2.50]}}',
        '{"SYMBOL": "B", "price": "1e2", "n": "8", "other": 1}',
        '{"symbol": "\\u00e9\\n", "price": null, "n": 1.5, "more": true}',
        "no JSON",
        '["C", 5.50]',
        "7",
        '{"symbol": "D", "price": 12345678901234567890.12345678}',
    )
    lake.put("lines/b.json", b'{"symbol": "E"}\n')
    lake.put("lines/_passed_over.json", b'{"symbol": "F"}\n')
    found = lake.rows("SELECT * FROM lines")
    assert found == [
        ["A", "1.10", "7", '{"x": [1, 2.50]}'],
        ["B", "1e2", "8", None],
        ["é\n", None, None, "true"],
        [None, None, None, None],
        ["C", "5.50", None, None],
        [None, None, None, None],
        ["D", "12345678901234567890.12345678", None, None],
        ["E", None, None, None],
    ]


def test_malformed_lines_and_names_follow_the_serdes_options(lake: Lake) -> None:
    lake.make_table("strict", TEXTS, {}, options={"case.insensitive": "FALSE"})
    lake.put("strict/a.json", b'{"Symbol": "B", "n": 1}\n')
    lake.put(
        "strict/odd.json", b'  {"n": 2, "symbol": "\\u00e9", "other": {"x": [1]}}\r\n["A"]\n7\n'
    )
    assert lake.rows("SELECT n, symbol FROM strict") == [
        ["1", None],
        ["2", "é"],
        [None, "A"],
        [None, None],
    ]
    lake.put("strict/b.json", b"no JSON\n{bad\n")
    assert lake.reason("SELECT symbol FROM strict").startswith("HIVE_CURSOR_ERROR: Row is not")


def test_a_table_without_objects_has_no_rows(lake: Lake) -> None:
    lake.make_table("empty_json", TEXTS, {})
    lake.make_table("empty_parquet", TICKS, {"date": "string"}, serde=PARQUET)
    assert lake.rows("SELECT * FROM empty_json") == []
    assert lake.rows("SELECT count(*) FROM empty_parquet WHERE date = 'x'") == [["0"]]


def test_projected_partitions_follow_from_the_tables_properties(lake: Lake) -> None:
    make_raw(lake, "raw")
    sizes = {
        f"date={day}/hour={hour}": lake.put_lines(
            f"raw/date={day}/hour={hour}/a.json.gz", {"symbol": f"{day}-{hour}", "price": 1}
        )
        for day, hour in [
            ("2024-01-02", "09"),
            ("2024-01-02", "10"),
            ("2024-01-03", "09"),
            ("2023-12-31", "09"),  # before the range
            ("2999-01-01", "09"),  # after now
            ("2024-01-02", "24"),  # no hour
            ("2024-01-02", "9"),  # of two digits
        ]
    }
    assert lake.rows("SELECT symbol, date, hour FROM raw ORDER BY 1") == [
        ["2024-01-02-09", "2024-01-02", "09"],
        ["2024-01-02-10", "2024-01-02", "10"],
        ["2024-01-03-09", "2024-01-03", "09"],
    ]
    one = sizes["date=2024-01-02/hour=09"]
    ten = sizes["date=2024-01-02/hour=10"]
    for condition, expected in {
        "date = '2024-01-02' AND hour = '09'": one,
        "date IN ('2024-01-02', '2024-01-04') AND symbol > ''": one + ten,
        "date BETWEEN '2024-01-02' AND '2024-01-02'": one + ten,
        "(date = '2024-01-02' AND hour >= '10') OR date > '2024-01-03'": ten,
        "symbol = '2024-01-02-09'": one + ten + sizes["date=2024-01-03/hour=09"],
    }.items():
        assert lake.scanned(f"SELECT count(price) FROM raw WHERE {condition}") == expected, (
            condition
        )
    assert lake.rows('SELECT * FROM "raw$partitions" ORDER BY 1, 2 LIMIT 1') == [
        ["2024-01-02", "09"]
    ]


def test_each_projected_partition_that_the_predicates_leave_is_a_list(lake: Lake) -> None:
    make_raw(lake, "listed")
    for day, hour in (("2024-01-02", "09"), ("2024-01-02", "10"), ("2024-01-03", "09")):
        for name in ("a", "b"):
            key = f"listed/date={day}/hour={hour}/{name}.json.gz"
            lake.put_lines(key, {"symbol": f"{day}-{hour}", "price": 1})
    ago = (datetime.now(UTC).date() - date(2024, 1, 1)).days
    for condition, lists, gets in [
        ("date = '2024-01-02' AND hour = '09'", 1, 2),
        ("date IN ('2024-01-02', '2024-02-04') AND symbol > ''", 48, 4),
        ("date < '2024-01-04'", 72, 6),
        ("(date = '2024-01-02' AND hour >= '10') OR date IN ('2024-01-03')", 14 + 24, 4),
        ("date < '2024-01-01'", 0, 0),  # before the projection begins
        ("hour = '09' AND date < '2024-01-11'", 10, 4),
    ]:
        found = lake.requests(f"SELECT count(price) FROM listed WHERE {condition}")
        assert found == (lists, gets), condition
    lists, gets = lake.requests("SELECT count(price) FROM listed")
    assert lists in (24 * (ago + 1), 24 * (ago + 2))  # a day may begin meanwhile
    assert gets == 6
    lake.make_view(
        "both",
        "SELECT price FROM listed WHERE date = '2024-01-02'"
        " UNION ALL SELECT price FROM listed WHERE date = '2024-01-04'",
    )
    assert lake.requests("SELECT count(price) FROM both") == (48, 4)


def test_a_partition_is_listed_by_a_thousand_objects_and_parquet_read_in_parts(
    lake: Lake,
) -> None:
    lake.make_table("parts", TICKS, {"date": "string"}, serde=PARQUET)
    for day in ("2024-01-02", "2024-01-03"):
        lake.put_parquet(f"parts/date={day}/a", ticks_of(("A", "1", "1.10")))
        lake.run(f"ALTER TABLE parts ADD PARTITION (date = '{day}')")
    assert lake.requests("SELECT count(price) FROM parts") == (2, 2)
    assert lake.requests("SELECT count(price) FROM parts WHERE date = '2024-01-03'") == (1, 1)
    assert [pages(count) for count in (0, 1, 1000, 1001)] == [1, 1, 1, 2]
    assert parquet_gets(3 * 1024**2, [1, 1]) == 1
    assert parquet_gets(3 * 1024**2 + 1, [8 * 1024**2, 8 * 1024**2 + 1]) == 1 + 1 + 2


def test_an_objects_address_is_a_hidden_column(lake: Lake) -> None:
    make_raw(lake, "paths")
    for name in ("a", "b"):
        lake.put_lines(f"paths/date=2024-01-02/hour=09/{name}.json.gz", {"symbol": name})
    assert lake.rows("""SELECT symbol, regexp_extract("$path", '([^/]+)[.]json', 1) FROM paths
        WHERE "$path" LIKE '%/b.json.gz'""") == [["b", "b"]]
    assert lake.rows("SELECT * FROM paths WHERE symbol = 'a'") == [["a", None, "2024-01-02", "09"]]


def test_other_partitions_are_those_that_are_registered_where_they_lie(lake: Lake) -> None:
    lake.make_table("ticks", TICKS, {"date": "string"}, serde=PARQUET)
    lake.put_parquet("ticks/run=1/x/part", ticks_of(("A", "1", "1.10")))
    lake.put_parquet("ticks/run=2/part", ticks_of(("A", "1", "2.5"), ("B", "2", "3")))
    assert lake.rows("SELECT * FROM ticks") == []
    add = "ALTER TABLE ticks ADD IF NOT EXISTS PARTITION (date = '2024-01-02') LOCATION '{}'"
    lake.run(add.format(lake.address("ticks/run=1/")))
    expected = [["A", "1", "1.10000000", "2024-01-02"]]
    assert lake.rows("SELECT * FROM ticks") == expected
    lake.run(add.format(lake.address("ticks/run=2/")))  # it is there: stays
    assert lake.rows("SELECT * FROM ticks WHERE date = '2024-01-02'") == expected
    storage = {"Location": lake.address("ticks/run=2")}
    lake.glue.update_partition(
        DatabaseName=lake.database,
        TableName="ticks",
        PartitionValueList=["2024-01-02"],
        PartitionInput={"Values": ["2024-01-02"], "StorageDescriptor": storage},
    )
    assert lake.rows("SELECT symbol, price FROM ticks ORDER BY 1") == [
        ["A", "2.50000000"],
        ["B", "3.00000000"],
    ]
    number = lake.run("SHOW PARTITIONS ticks")["QueryExecutionId"]
    assert lake.results(number) == [["date=2024-01-02"]]
    assert lake.rows("SELECT date FROM \"ticks$partitions\" WHERE date > '2024'") == [
        ["2024-01-02"]
    ]
    lake.run("ALTER TABLE ticks DROP PARTITION (date = '2024-01-02')")
    assert lake.rows("SELECT * FROM ticks") == []
    assert "PARTITION_NOT_FOUND" in lake.reason("ALTER TABLE ticks DROP PARTITION (date = 'x')")
    assert "INVALID_PARTITION" in lake.reason("ALTER TABLE ticks ADD PARTITION (day = 'x')")


def test_bytes_of_parquet_are_those_of_the_columns_and_row_groups_that_are_read(lake: Lake) -> None:
    lake.make_table("groups", TICKS, {}, serde=PARQUET)
    rows = [(symbol, f"{n:06}", f"{n}.5") for symbol in ("A", "B", "C") for n in range(500)]
    metadata = lake.put_parquet("groups/part", ticks_of(*rows), row_group_size=500)
    footer = int(metadata.serialized_size) + 8

    def chunks(groups: range, *columns: int) -> int:
        sizes = (
            metadata.row_group(group).column(column).total_compressed_size
            for group in groups
            for column in columns
        )
        return footer + int(sum(sizes))

    assert metadata.num_row_groups == 3
    assert lake.scanned("SELECT * FROM groups") == chunks(range(3), 0, 1, 2)
    assert lake.scanned("SELECT max(price) FROM groups") == chunks(range(3), 2)
    of_b = "SELECT max(price) FROM groups WHERE symbol = 'B'"
    assert lake.scanned(of_b) == chunks(range(1, 2), 0, 2)
    assert lake.rows(of_b) == [["499.50000000"]]
    assert (
        lake.scanned("SELECT price FROM groups WHERE symbol IN ('A', 'C') AND price < 0") == footer
    )
    assert lake.scanned("SELECT symbol FROM groups WHERE symbol > 'C'") == footer


def test_parquet_that_is_none_fails(lake: Lake) -> None:
    lake.make_table("broken", TICKS, {}, serde=PARQUET)
    lake.put("broken/part", b"no Parquet")
    assert lake.reason("SELECT * FROM broken").startswith("HIVE_BAD_DATA: broken/part")


def test_a_column_that_a_file_lacks_is_null(lake: Lake) -> None:
    lake.make_table("older", {**TICKS, "currency": "string"}, {}, serde=PARQUET)
    lake.put_parquet("older/part", ticks_of(("A", "1", "1")))
    assert lake.rows("SELECT symbol, currency FROM older WHERE currency IS NULL") == [["A", None]]


def test_views_are_their_statements(lake: Lake) -> None:
    make_raw(lake, "raw_of_view")
    for at in (1, 2):
        key = f"raw_of_view/date=2024-01-0{at}/hour=09/a.json.gz"
        lake.put_lines(key, {"symbol": "A", "price": at})
    lake.make_view(
        "prices",
        "-- as numbers\nSELECT symbol, cast(price AS decimal(20,8)) p, date FROM raw_of_view",
    )
    lake.make_view("doubled", f"SELECT p * 2 AS p, date FROM {lake.database}.prices")
    assert lake.rows("SELECT avg(p) FROM doubled") == [["3.00000000"]]
    assert lake.rows("SELECT d.p, prices.p FROM doubled d JOIN Prices USING (date) ORDER BY 1") == [
        ["2.00000000", "1.00000000"],
        ["4.00000000", "2.00000000"],
    ]
    narrow = lake.scanned("SELECT p FROM doubled WHERE date = '2024-01-02'")
    assert 0 < narrow < lake.scanned("SELECT p FROM doubled")
    with_own = "WITH prices AS (SELECT 5 p) SELECT p FROM prices"
    assert lake.rows(with_own) == [["5"]]
    lake.make_view("endless", "SELECT * FROM endless")
    assert lake.reason("SELECT * FROM endless").startswith("VIEW_IS_RECURSIVE")
    number = lake.run("SHOW TABLES '*o*bl*'")["QueryExecutionId"]
    assert lake.results(number) == [["doubled"]]


def test_a_view_without_serde_information_answers_no_query(lake: Lake) -> None:
    lake.make_view("bare", "SELECT 1 x", serde="")
    assert lake.reason("SELECT x FROM bare") == (
        "HIVE_METASTORE_ERROR: Table storage descriptor is missing SerDe info"
    )


def test_a_views_new_statement_counts_from_the_next_query(lake: Lake) -> None:
    lake.make_view("moved", "SELECT 1 x")
    assert lake.rows("SELECT x FROM moved") == [["1"]]
    lake.glue.delete_table(DatabaseName=lake.database, Name="moved")
    lake.make_view("moved", "SELECT 2 x")
    assert lake.rows("SELECT x FROM moved") == [["2"]]


def test_rows_are_written_by_unload(lake: Lake) -> None:
    lake.make_table("out", TICKS, {"date": "string"}, serde=PARQUET)
    values = """(VALUES ('A', '1', '1.10', 'd=1'), ('B', '2', null, 'd=1'), ('C', '3', '3', null))
        AS t (symbol, "timestamp", price, date)"""
    selected = f'SELECT symbol, "timestamp", cast(price AS decimal(20,8)) price, date FROM {values}'
    target = lake.address("out/run=1/")
    properties = "format = 'PARQUET', compression = 'ZSTD', partitioned_by = ARRAY['date']"
    execution = lake.run(f"-- once\nUNLOAD ({selected}) TO '{target}' WITH ({properties})")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "UNLOAD")
    manifest = lake.read(execution["Statistics"]["DataManifestLocation"]).decode().split()
    folders = {address.rsplit("/", 1)[0] for address in manifest}
    assert folders == {target + "date=d%3D1", target + "date=__HIVE_DEFAULT_PARTITION__"}
    assert manifest == [lake.address(key) for key in lake.keys("out/")] or len(manifest) == 2
    lake.run(f"ALTER TABLE out ADD PARTITION (date = 'd=1') LOCATION '{target}date=d%3D1/'")
    assert lake.rows("SELECT * FROM out") == [
        ["A", "1", "1.10000000", "d=1"],
        ["B", "2", None, "d=1"],
    ]
    again = lake.reason(f"UNLOAD ({selected}) TO '{target}' WITH ({properties})")
    assert again == f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {target}"
    assert len(lake.keys("out/")) == 2


def test_unload_refuses_these_statements(lake: Lake) -> None:
    target = lake.address("refused/")
    parquet = "format = 'PARQUET'"
    many = "SELECT x, cast(x AS varchar) y FROM UNNEST(sequence(1, 101)) AS t (x)"
    for statement, reason in {
        f"UNLOAD (SELECT 1 x, 2 y) TO '{target}' WITH ({parquet}, partitioned_by = ARRAY['x'])": (
            "SYNTAX_ERROR: Partition keys must be the last columns"
        ),
        f"UNLOAD (SELECT 1 x) TO '{target}' WITH ({parquet}, partitioned_by = ARRAY['z'])": (
            "COLUMN_NOT_FOUND: Column 'z' does not exist"
        ),
        f"UNLOAD ({many}) TO '{target}' WITH ({parquet}, partitioned_by = ARRAY['y'])": (
            "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100"
        ),
        f"UNLOAD (SELECT 1 x) TO '{target}' WITH (format = 'ORC')": "NOT_SUPPORTED",
        f"UNLOAD (SELECT 1 x) TO '{target}' WITH ({parquet}, shape = 'round')": "NOT_SUPPORTED",
        f"UNLOAD (SELECT 1 x) TO '/tmp/x' WITH ({parquet})": "INVALID_PROPERTY",
        f"UNLOAD SELECT 1 x TO '{target}' WITH ({parquet})": "SYNTAX_ERROR: mismatched",
        f"UNLOAD (SELECT 1 x) TO '{target}'": "SYNTAX_ERROR: mismatched",
    }.items():
        assert lake.reason(statement).startswith(reason), statement
    assert lake.keys("refused/") == []


def test_glue_keeps_partitions_in_order_and_finds_them_by_expression(lake: Lake) -> None:
    lake.make_table("many", TICKS, {"date": "string", "run": "string"}, serde=PARQUET)
    where = {"DatabaseName": lake.database, "TableName": "many"}
    inputs = [
        {"Values": [f"2024-01-{day:02}", run], "StorageDescriptor": {"Location": "s3://b/x/"}}
        for day in (2, 1, 3)
        for run in ("a", "b")
    ]
    assert not lake.glue.batch_create_partition(**where, PartitionInputList=inputs).get("Errors")
    again = lake.glue.batch_create_partition(**where, PartitionInputList=inputs[:1])["Errors"]
    assert [error["ErrorDetail"]["ErrorCode"] for error in again] == ["AlreadyExistsException"]
    found = lake.glue.get_partitions(**where, Expression="date >= '2024-01-02' AND run = 'a'")
    assert [one["Values"] for one in found["Partitions"]] == [
        ["2024-01-02", "a"],
        ["2024-01-03", "a"],
    ]
    lake.glue.delete_partition(**where, PartitionValues=["2024-01-02", "a"])
    with pytest.raises(ClientError, match="EntityNotFound"):
        lake.glue.get_partition(**where, PartitionValues=["2024-01-02", "a"])
    lake.glue.delete_table(DatabaseName=lake.database, Name="many")
    lake.make_table("many", TICKS, {"date": "string", "run": "string"}, serde=PARQUET)
    assert lake.glue.get_partitions(**where)["Partitions"] == []
