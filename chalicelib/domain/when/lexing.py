"""Divides the text form into tokens: words, numbers and signs."""

from __future__ import annotations

import re
from typing import NamedTuple

from chalicelib.domain.when.errors import WhenError

MAX_TEXT = 1000
"""The most characters of the text form."""

_TOKEN = re.compile(
    r"(?P<number>\d{1,13}(?:\.\d{1,8})?(?![\w.]))"
    r"|(?P<word>[A-Za-z0-9_]+)"
    r'|(?P<quoted>"[^"\n]{0,40}")'
    r"|(?P<sign><=|>=|[-+*/<>()\[\],])",
    re.ASCII,
)
_SPACE = re.compile(r"[ \t\r\n]*", re.ASCII)

END = "end"


class Token(NamedTuple):
    """One piece of the text. `kind` is number, word, quoted, sign or end; `column` is from 1."""

    kind: str
    text: str
    column: int


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text, with an `end` token last. Raises WhenError."""
    if len(text) > MAX_TEXT:
        raise WhenError(text, f"at most {MAX_TEXT} characters", column=MAX_TEXT + 1)
    found: list[Token] = []
    at = _after_space(text, 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            allowed = "names, numbers with at most eight decimals, symbols in double quotes, "
            allowed += "and + - * / < > <= >= ( ) [ ] ,"
            raise WhenError(_word_at(text, at), allowed, column=at + 1)
        found.append(Token(match.lastgroup or "", match.group(), at + 1))
        at = _after_space(text, match.end())
    return [*found, Token(END, "", len(text) + 1)]


def _word_at(text: str, at: int) -> str:
    """Return the word at a position. White space that is not allowed is a word by itself."""
    return text[at] if text[at].isspace() else text[at : at + 20].split()[0]


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
