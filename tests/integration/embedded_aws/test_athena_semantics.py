"""Statements mean what they mean in Athena, where DuckDB means something else.

Expected values follow Trino's documentation of its functions, operators and conversions.
"""

from __future__ import annotations

import pytest

from tests.local_support.lake import Lake

DECIMALS = {
    "cast(10 as decimal(20,8)) / 3": "3.33333333",
    "cast(20 as decimal(20,8)) / 3": "6.66666667",  # half up
    "cast(-20 as decimal(20,8)) / 3": "-6.66666667",
    "1.0 / 3": "0.3",
    "cast(1 as decimal(20,8)) / cast(3 as decimal(4,2))": "0.33333333",
    "cast(1 as decimal(4,2)) / cast(null as decimal(4,2))": None,
    "cast(1 as decimal(20,8)) / 4e0": "0.25",
    "7 / 2": "3",
    "-7 / 2": "-3",
    "7 % -4": "3",
    "7 / 2e0": "3.5",
    "1e0 / 0": "Infinity",
    "round(cast(1.005 as decimal(10,3)), 2)": "1.010",
    "round(cast(2.5 as decimal(10,3)))": "3",
    "cast(1.1 as decimal(20,8)) * 2": "2.20000000",
    "cast('1.123456785' as decimal(20,8))": "1.12345679",
    "cast(2.5e0 as bigint)": "3",
    "cast(0.5e0 as bigint)": "1",
    "(cast(10 as decimal(20,8)) / 3) / 2": "1.66666667",
}

TEXTS = {
    "cast(1e7 as varchar)": "1.0E7",
    "cast(0.001e0 as varchar)": "0.001",
    "cast(1.5e-5 as varchar)": "1.5E-5",
    "concat('a', null)": None,
    "greatest(1, null)": None,
    "regexp_extract('abc', 'x')": None,
    "regexp_extract('a1b22', '([0-9]+)$', 1)": "22",
    "regexp_replace('a1b2', '[0-9]', '')": "ab",
    "substr('abc', -2)": "bc",
    "split_part('a/b', '/', 2)": "b",
    "split_part('a/b', '/', 3)": None,
    "regexp_replace('a1b2', '([a-z])([0-9])', '$2$1\\')": "1a\\2b\\",
    "cast('abc' as varchar(2))": "ab",
    "cast(true as varchar)": "true",
    "try_cast('1.5' as bigint)": None,
    "try_cast('1_000' as bigint)": None,
    "try_cast('x' as double)": None,
    "cast('-12' as bigint)": "-12",
    "lower('ÄB')": "äb",
    "coalesce(null, 'x')": "x",
    "if(1 = 2, 'a')": None,
}

TIMES = {
    "date_diff('day', timestamp '2024-01-01 23:00:00', timestamp '2024-01-02 01:00:00')": "0",
    "date_diff('hour', timestamp '2024-01-01 23:00:00', timestamp '2024-01-02 01:00:00')": "2",
    "date '2024-01-31' + interval '1' month": "2024-02-29",
    "date '2024-03-01' - interval '1' day": "2024-02-29",
    "date_add('day', 1, date '2024-02-29')": "2024-03-01",
    "date_trunc('month', date '2024-02-29')": "2024-02-01",
    "date_trunc('hour', timestamp '2024-02-29 12:34:56.789')": "2024-02-29 12:00:00.000",
    "day_of_week(date '2024-03-03')": "7",
    "from_iso8601_timestamp('2024-01-02T03:04:05.123456Z')": "2024-01-02 03:04:05.123 UTC",
    "from_iso8601_timestamp('2024-01-02T03:04:05+02:00')": "2024-01-02 01:04:05.000 UTC",
    "cast('2024-01-02 03:04:05.678' as timestamp)": "2024-01-02 03:04:05.678",
    "cast(timestamp '2024-01-02 03:04:05' as varchar)": "2024-01-02 03:04:05.000",
    "try_cast('2024-01-02T03:04:05Z' as timestamp)": None,
    "try_cast('2024-13-01' as date)": None,
    "cast(from_iso8601_timestamp('2024-01-02T03:00Z') at time zone 'US/Eastern' as date)": (
        "2024-01-01"
    ),
    "hour(from_iso8601_timestamp('2024-07-02T03:00:00Z') at time zone 'America/New_York')": "23",
    "cast('2024-01-02 03:04:05 UTC' as timestamp with time zone)": "2024-01-02 03:04:05.000 UTC",
    "date_format(timestamp '2024-01-02 03:04:05', '%Y-%m-%d %H:%i')": "2024-01-02 03:04",
    "to_unixtime(timestamp '1970-01-02 00:00:00')": "86400.0",
    "from_unixtime(86400)": "1970-01-02 00:00:00.000 UTC",
    "cast(date_parse('02.01.2024', '%d.%m.%Y') as date)": "2024-01-02",
    "date '2024-01-02' < date '2024-01-03'": "true",
}


@pytest.mark.parametrize("cases", [DECIMALS, TEXTS, TIMES], ids=["decimals", "texts", "times"])
def test_expressions_are_trinos(lake: Lake, cases: dict[str, str | None]) -> None:
    (values,) = lake.rows("SELECT " + ", ".join(cases))
    assert dict(zip(cases, values, strict=True)) == cases


def test_aggregates_are_trinos(lake: Lake) -> None:
    found = lake.rows("""
        WITH t (k, v, at) AS (VALUES
            ('a', cast(1.1 as decimal(20,8)), 1), ('a', cast(1.2 as decimal(20,8)), 2),
            ('a', cast(1.2 as decimal(20,8)), 3), ('a', null, 4), ('b', null, 1))
        SELECT k, avg(v), avg(DISTINCT v), avg(v) FILTER (WHERE at < 3), sum(at), max_by(v, at),
            avg(cast(at AS double)), count(v), stddev(cast(v AS double)), avg(v) / 2
        FROM t GROUP BY k ORDER BY k
    """)
    assert [row[:-2] for row in found] == [
        ["a", "1.16666667", "1.15000000", "1.15000000", "10", None, "2.5", "3"],
        ["b", None, None, None, "1", None, "1.0", "0"],
    ]
    assert [row[-1] for row in found] == ["0.58333334", None]
    assert found[0][-2] is not None
    assert float(found[0][-2]) == pytest.approx(0.0577350269)


def test_windows_are_trinos(lake: Lake) -> None:
    found = lake.rows("""
        SELECT at,
            avg(v) OVER (ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
            v / lag(v) OVER (ORDER BY at) - 1,
            ln(cast(v AS double) / lag(cast(v AS double)) OVER (ORDER BY at)),
            row_number() OVER (ORDER BY v DESC)
        FROM (VALUES (1, cast(10 as decimal(20,8))), (2, cast(11 as decimal(20,8))), (3, null))
            AS t (at, v)
        ORDER BY 1
    """)
    assert found == [
        ["1", "10.00000000", None, None, "2"],
        ["2", "10.50000000", "0.10000000", "0.09531017980432493", "1"],
        ["3", "11.00000000", None, None, "3"],
    ]


def test_nulls_come_last_however_it_is_ordered(lake: Lake) -> None:
    values = "(VALUES (1), (null), (2)) AS t (x)"
    assert lake.rows(f"SELECT x FROM {values} ORDER BY x") == [["1"], ["2"], [None]]
    assert lake.rows(f"SELECT x FROM {values} ORDER BY x DESC") == [["2"], ["1"], [None]]


def test_names_are_folded_and_places_named(lake: Lake) -> None:
    number = lake.run('SELECT T.X AS "Upper", 1, x + 1 FROM (VALUES (1)) AS t (X)')
    assert lake.results(number["QueryExecutionId"]) == [
        ["upper", "_col1", "_col2"],
        ["1", "1", "2"],
    ]


def test_rows_are_made_out_of_sequences(lake: Lake) -> None:
    found = lake.rows("""
        SELECT d, cardinality(sequence(1, 3)) FROM (SELECT 1) AS one (x)
        CROSS JOIN UNNEST(sequence(date '2024-02-28', date '2024-03-01')) AS days (d) ORDER BY 1
    """)
    assert found == [["2024-02-28", "3"], ["2024-02-29", "3"], ["2024-03-01", "3"]]


def test_types_have_athenas_names(lake: Lake) -> None:
    number = lake.run("""
        SELECT 'a' s, 1 i, 1e0 d, cast(1 as decimal(20,8)) p, true b, date '2024-01-01' t,
            timestamp '2024-01-01 00:00:00' u, sum(2) n, current_timestamp z, array[1, 2] a
    """)["QueryExecutionId"]
    answer = lake.athena.get_query_results(QueryExecutionId=number)["ResultSet"]
    told = answer["ResultSetMetadata"]["ColumnInfo"]
    assert [column["Type"] for column in told] == [
        "varchar", "integer", "double", "decimal", "boolean", "date",
        "timestamp", "bigint", "timestamp with time zone", "array",
    ]  # fmt: skip
    assert (told[3]["Precision"], told[3]["Scale"]) == (20, 8)
    assert answer["Rows"][1]["Data"][-1] == {"VarCharValue": "[1, 2]"}


REFUSED = {
    "SELECT 'a' = 1": "TYPE_MISMATCH: Cannot apply operator: varchar = integer",
    "SELECT x FROM (VALUES ('5')) AS t (x) WHERE x > 5": "TYPE_MISMATCH",
    "SELECT date '2024-01-01' = '2024-01-01'": "TYPE_MISMATCH: Cannot apply operator: date = v",
    "SELECT 1 IN (1, 'a')": "TYPE_MISMATCH",
    "SELECT 1 BETWEEN 0 AND '2'": "TYPE_MISMATCH",
    "SELECT coalesce('a', 1)": "TYPE_MISMATCH",
    "SELECT 1 UNION ALL SELECT 'a'": "TYPE_MISMATCH",
    "SELECT 'a' IN (SELECT x FROM (VALUES (1)) AS t (x))": "TYPE_MISMATCH",
    "SELECT year('2024-01-01')": "FUNCTION_NOT_FOUND: Unexpected parameters (varchar)",
    "SELECT substr('abc', 0)": "NOT_SUPPORTED",
    "SELECT sum(x) FROM (VALUES (9223372036854775807), (1)) AS t (x)": "NUMERIC_VALUE_OUT_OF_RANGE",
    "SELECT CASE WHEN true THEN 1 ELSE 'a' END": "TYPE_MISMATCH",
    "SELECT 'a' || 1": "FUNCTION_NOT_FOUND: Unexpected parameters (varchar, integer)",
    "SELECT substr(12345, 1, 2)": "FUNCTION_NOT_FOUND: Unexpected parameters",
    "SELECT sum('a')": "FUNCTION_NOT_FOUND",
    "SELECT '1' + 1": "TYPE_MISMATCH",
    "SELECT avg(x) FROM (VALUES ('1')) AS t (x)": "FUNCTION_NOT_FOUND",
    "SELECT 1 / 0": "DIVISION_BY_ZERO",
    "SELECT cast(1 as decimal(4,2)) / x FROM (VALUES (0)) AS t (x)": "DIVISION_BY_ZERO",
    "SELECT cast('1.5' as bigint)": "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to bigint",
    "SELECT cast('2024-01-02T03:04:05Z' as timestamp)": "INVALID_CAST_ARGUMENT",
    "SELECT from_iso8601_timestamp('02.01.2024')": "INVALID_FUNCTION_ARGUMENT",
    "SELECT x, count(*) FROM (VALUES (1)) AS t (x)": "EXPRESSION_NOT_AGGREGATE",
    "SELECT y FROM (VALUES (1)) AS t (x)": "COLUMN_NOT_FOUND: Column 'y' cannot be resolved",
    "SELECT 1 LIMIT 1 OFFSET 1": "SYNTAX_ERROR: line 1: mismatched input 'OFFSET'",
    "SELECT 1::bigint": "SYNTAX_ERROR",
    "SELEC 1": "SYNTAX_ERROR: line 1:1: mismatched input 'SELEC'",
    "SELECT (1": "SYNTAX_ERROR",
    "SELECT 1; SELECT 2": "SYNTAX_ERROR: Only one sql statement is allowed",
    "SELECT ifnull(1, 2)": "FUNCTION_NOT_FOUND",
    "SELECT string_agg('a', 'b')": "FUNCTION_NOT_FOUND",
    "SELECT json_extract_scalar('{}', '$.a')": "FUNCTION_NOT_FOUND",
    "SELECT x FROM (VALUES (1)) AS t (x) QUALIFY row_number() OVER () = 1": "SYNTAX_ERROR",
    "SELECT current_timestamp AT TIME ZONE 'UTC'": "NOT_SUPPORTED: AT TIME ZONE",
    "SELECT * FROM nowhere": "TABLE_NOT_FOUND: Table 'awsdatacatalog.",
    "SELECT * FROM nowhere.t": "SCHEMA_NOT_FOUND: Schema 'nowhere' does not exist",
    "INSERT INTO t SELECT 1": "NOT_SUPPORTED: the statement INSERT",
    "CREATE TABLE t AS SELECT 1": "NOT_SUPPORTED: the statement CREATE",
    "DROP TABLE t": "NOT_SUPPORTED: the statement DROP",
}


def test_unsupported_statements_fail_with_their_reason(lake: Lake) -> None:
    numbers = {sql: lake.start(sql) for sql in list(REFUSED)[:20]}
    reasons = {sql: lake.ended(number)["Status"] for sql, number in numbers.items()}
    numbers = {sql: lake.start(sql) for sql in list(REFUSED)[20:]}
    reasons |= {sql: lake.ended(number)["Status"] for sql, number in numbers.items()}
    wrong = {
        sql: reasons[sql].get("StateChangeReason", reasons[sql]["State"])
        for sql, expected in REFUSED.items()
        if not reasons[sql].get("StateChangeReason", "").startswith(expected)
    }
    assert wrong == {}
    assert {status["State"] for status in reasons.values()} == {"FAILED"}
