"""The functions in our statements are ones that Athena documents: that a parser takes a statement
proves nothing, since it takes any name for a function.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlglot.dialects.trino import Trino
from sqlglot.tokens import TokenType

ROOT = Path(__file__).parents[3]
STATEMENTS = sorted((ROOT / "chalicelib").rglob("*.sql"))
PAGES = json.loads((ROOT / "tests/data/athena-functions.json").read_text())
DOCUMENTED = {name for page, names in PAGES.items() if page != "about" for name in names}
NO_FUNCTIONS = {
    *("and", "as", "by", "decimal", "distinct", "except", "exists", "filter", "from", "in", "join"),
    *("not", "on", "or", "over", "select", "then", "union", "unnest", "using", "values", "varchar"),
    *("when", "where", "with", "else", "all", "array", "row", "unload", "to"),
}
"""Words of the language that a bracket may follow."""


def functions_in(statement: str) -> set[str]:
    """Names before an opening bracket, other than words of the language and names after AS."""
    tokens = Trino().tokenize(statement.replace("${", "").replace("}", ""))
    found = set()
    for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
        is_name = token.text.replace("_", "a").isalnum() and token.token_type != TokenType.STRING
        is_alias = before is not None and before.token_type == TokenType.ALIAS
        if is_name and not is_alias and after.token_type == TokenType.L_PAREN:
            found.add(token.text.lower())
    return found - NO_FUNCTIONS


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_every_function_is_documented(path: Path) -> None:
    assert functions_in(path.read_text()) <= DOCUMENTED


def test_functions_are_found_wherever_they_stand() -> None:
    said = """
    WITH x AS (SELECT list_sum(a), -- no(1)
      'not(1)', lag(Epoch_MS(a)) OVER (w) FROM t AS s (b) WHERE a IN (1))
    """
    assert functions_in(said) == {"list_sum", "lag", "epoch_ms"}


def test_all_statements_together_use_many_functions() -> None:
    used = set().union(*(functions_in(path.read_text()) for path in STATEMENTS))
    assert used >= {"row_number", "coalesce", "sum", "count"}
