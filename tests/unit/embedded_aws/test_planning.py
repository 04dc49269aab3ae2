"""When a translation of a statement is reused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from embedded_aws.athena.engine import semantics
from embedded_aws.athena.engine.catalog import Catalog, Table
from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.planning import Plans
from embedded_aws.athena.engine.session import Sessions

TEXT = "SELECT symbol, price / 3 AS third FROM ticks"


class Tables:
    """A catalog whose databases have a table `ticks`, with a price of the given type."""

    def __init__(self, **types: str) -> None:
        self._types = types

    def table(self, database: str, name: str) -> Table:
        """Return the table."""
        columns = (("symbol", "string"), ("price", self._types[database]))
        return Table(
            database, name, "EXTERNAL_TABLE", columns, (), f"s3://{database}/", "json", {}, {}, ""
        )


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each translation."""
    made: list[str] = []
    rewrite: Callable[..., Any] = semantics.rewrite

    def noted(tree: Any, types: Any) -> Any:
        made.append(repr(tree))
        return rewrite(tree, types)

    monkeypatch.setattr(semantics, "rewrite", noted)
    return made


def planned(*databases: str, text: str = TEXT, **types: str) -> list[Any]:
    catalog, plans = cast(Catalog, Tables(**types)), Plans(Sessions())
    return [plans.plan(text, database, catalog) for database in databases]


def test_a_database_with_the_same_columns_takes_the_translation_and_its_own_tables(
    rewritten: list[str],
) -> None:
    one, other = planned("a", "b", a="decimal(20,8)", b="decimal(20,8)")
    assert len(rewritten) == 1
    assert (other.sql, other.columns) == (one.sql, one.columns)
    assert [table.database for table, _ in other.tables.values()] == ["b"]


def test_a_database_with_another_type_has_a_translation_of_its_own(rewritten: list[str]) -> None:
    one, other = planned("a", "b", a="decimal(20,8)", b="double")
    assert len(rewritten) == 2
    assert one.columns[1] != other.columns[1]


def test_another_statement_has_a_translation_of_its_own(rewritten: list[str]) -> None:
    catalog, plans = cast(Catalog, Tables(a="double")), Plans(Sessions())
    for literal in ("1", "'1'", "1.0"):
        plans.plan(f"SELECT {literal} AS one FROM ticks", "a", catalog)
    assert len(rewritten) == 3


def test_statements_that_differ_in_compared_texts_share_a_translation(
    rewritten: list[str],
) -> None:
    catalog, plans = cast(Catalog, Tables(a="double")), Plans(Sessions())
    found = [
        plans.plan(
            f"SELECT price FROM ticks WHERE symbol = '{one}' AND symbol < '{other}'", "a", catalog
        ).sql
        for one, other in (("A", "B"), ("it''s", "B"), ("A", "A"), ("B", "B"))
    ]
    assert len(rewritten) == 2  # it counts which are equal
    assert "symbol\" = 'it''s' AND" in found[1]
    assert found[3] == found[2].replace("'A'", "'B'")


def test_numbers_of_texts_do_not_show(rewritten: list[str]) -> None:
    catalog, plans = cast(Catalog, Tables(a="double")), Plans(Sessions())
    own = plans.plan("SELECT price FROM ticks WHERE symbol IN ('\x010', 'B')", "a", catalog)
    assert "('\x010', 'B')" in own.sql
    named = plans.plan("SELECT * FROM (SELECT symbol = 'A' FROM ticks)", "a", catalog)
    assert "'A'" in named.columns[0][0]
    with pytest.raises(QueryError) as refused:
        plans.plan("SELECT price = 'A' FROM ticks", "a", catalog)
    assert "\x01" not in str(refused.value)
    assert len(rewritten) == 5
