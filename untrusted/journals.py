"""Checks SQLite's rollback journals: a journal made by somebody else can delete a file."""

from __future__ import annotations

import os
from pathlib import Path

_MAGIC = bytes.fromhex("d9d505f920a163d7")
"""A rollback journal begins with it, and ends with it if it names a super-journal."""


def names_super_journal(journal: Path) -> bool:
    """Return whether a rollback journal is part of a transaction over several databases. Ours never
    are.

    When SQLite opens the database, it deletes the file that such a journal names, anywhere
    (https://www.sqlite.org/fileformat2.html#the_rollback_journal). Raises OSError.
    """
    with journal.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(_MAGIC)))
        return file.tell() > 0 and file.read() == _MAGIC
