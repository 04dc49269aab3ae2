"""How statements other than queries are read."""

from __future__ import annotations

import pytest

from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.statements import Show, read


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SHOW TABLES", Show("tables", ())),
        ("show  tables\n in\tlake  'a  b'", Show("tables", ("lake",), "a  b")),
        ("SHOW TABLES '*\t*'", Show("tables", (), "*\t*")),
        ("SHOW SCHEMAS  LIKE  ' x '", Show("databases", (), " x ")),
        ("SHOW PARTITIONS\nlake.ticks", Show("partitions", ("lake", "ticks"))),
    ],
)
def test_show_keeps_the_spaces_of_a_pattern_and_ignores_others(text: str, shown: Show) -> None:
    assert read(text) == shown


@pytest.mark.parametrize("text", ["SHOW", "SHOW columns in ticks", "SHOW TABLESPACES"])
def test_show_of_anything_else_is_not_supported(text: str) -> None:
    with pytest.raises(QueryError, match=f"SHOW {''.join(text.upper().split()[1:2])}"):
        read(text)
