"""Checks SQLite's rollback journals. A journal that somebody else made can delete a file."""

from __future__ import annotations

import os
from pathlib import Path

_MAGIC = bytes.fromhex("d9d505f920a163d7")
"""The first bytes of a rollback journal. If it names a super-journal, also its last bytes."""


def names_super_journal(journal: Path) -> bool:
    """Return whether a rollback journal names a super-journal, which no journal of ours does.

    When SQLite opens the database, it deletes the file that such a journal names, wherever it is
    (https://www.sqlite.org/fileformat2.html#the_rollback_journal). Raises OSError.
    """
    with journal.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(_MAGIC)))
        return file.tell() > 0 and file.read() == _MAGIC
