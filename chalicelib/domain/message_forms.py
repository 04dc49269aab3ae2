"""Renders a message for people as plain text, Markdown or HTML from one description.

Labels, symbols and sources may contain any character: each form escapes its own markup characters.
Markdown is CommonMark, which apprise converts for Slack, Telegram and others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

Form = Literal["text", "markdown", "html"]

_MARKUP = re.compile(r"[\\`*_\[\]<>~|&]")
_LINE_START = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)](?:\s|$)))", re.MULTILINE)
_MENTION = re.compile(r"@(?=\w)")
_QUOTE = "'"
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[^\W_])(?=\.[^\W\d_]{2})", re.IGNORECASE)
_NO_WIDTH = "\u200b"
"""A space of no width. It separates `@` from a name, since Discord has no escape for mentions. It
also breaks what looks like an address, since mail programs and chats link even plain text."""


class Line(msgspec.Struct, frozen=True):
    """One field of a message. If `is_link`, the value is an address, and the label becomes the
    link's text in forms that have links."""

    label: str
    value: str
    is_link: bool = False


class Body(msgspec.Struct, frozen=True):
    """The contents of a message: what happened, and the details."""

    heading: str
    lines: tuple[Line, ...] = ()


def render(body: Body, form: Form) -> str:
    """Return the whole message in one form."""
    heading, lines = parts(body, form)
    if form == "html":
        return f"<b>{heading}</b><br/>{lines}"
    # In CommonMark, a line break needs two blanks at the end of the line.
    return f"**{heading}**  \n{lines}" if form == "markdown" else f"{heading}\n{lines}"


def parts(body: Body, form: Form) -> tuple[str, str]:
    """Return a message's heading, without emphasis, and the text of its lines."""

    def escaped(text: str) -> str:
        return _ESCAPES[form](_ADDRESS.sub(_NO_WIDTH, text))

    links = {"text": _text_line, "markdown": _markdown_line, "html": _html_line}
    lines = [
        links[form](line) if line.is_link else f"{escaped(line.label)}: {escaped(line.value)}"
        for line in body.lines
    ]
    return escaped(body.heading), _BREAKS[form].join(lines)


def markdown_text(text: str) -> str:
    """Escape a text so that CommonMark, Discord and Slack show it unchanged."""
    unmarked = _MARKUP.sub(lambda found: "\\" + found[0], text)
    quiet = _MENTION.sub("@" + _NO_WIDTH, unmarked)
    return _LINE_START.sub(_escaped_start, quiet)


def code_block(body: Body) -> str:
    """Return the whole message for services whose Markdown has no escapes. The text is in a code
    block, where nothing is markup, a link or a mention; the links follow below."""
    plain = Body(body.heading, tuple(line for line in body.lines if not line.is_link))
    links = [_text_line(line) for line in body.lines if line.is_link]
    return "\n".join([_fenced(render(plain, "text")), *links])


def _fenced(text: str) -> str:
    """Return a text in a code block whose fence does not occur in the text."""
    return f"```text\n{text.replace('`', _QUOTE)}\n```"


def _escaped_start(found: re.Match[str]) -> str:
    """Escape a character that would begin a heading or a list. In `1.` the dot is escaped."""
    blanks, mark = found[1], found[2]
    return f"{blanks}{mark}\\" if mark[0].isdigit() else f"{blanks}\\{mark}"


def _html_text(text: str) -> str:
    from html import escape  # importing it takes 2 ms; loaded only to send

    return escape(text, quote=True)


def _as_it_is(text: str) -> str:
    return text


def _text_line(line: Line) -> str:
    return f"{line.label}: {line.value}"


def _markdown_line(line: Line) -> str:
    address = line.value.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E")
    return f"[{markdown_text(line.label)}](<{address}>)"


def _html_line(line: Line) -> str:
    return f'<a href="{_html_text(line.value)}">{_html_text(line.label)}</a>'


_ESCAPES: dict[Form, Callable[[str], str]] = {
    "text": _as_it_is,
    "markdown": markdown_text,
    "html": _html_text,
}
_BREAKS: dict[Form, str] = {"text": "\n", "markdown": "  \n", "html": "<br/>"}
