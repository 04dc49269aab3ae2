"""Entity tags that are valid until the server stops.

Another program that used the same ports may have left answers in the browser's cache. If one of its
tags matched, or the request had `*`, the browser would keep that program's answer.
"""

from __future__ import annotations


def marked(etag: str, start: str) -> str:
    """Return the tag, as in `"tag"` or `W/"tag"`, with the start's name before it."""
    weak, quote, tag = etag.partition('"')
    return f"{weak}{quote}{start}-{tag}"


def unmarked(header: str | None, start: str) -> str | None:
    """Return the tags of an If-None-Match that this start issued, without the start's name; None if
    there are none."""
    mark = f'"{start}-'
    tags = [tag.strip() for tag in (header or "").split(",")]
    own = [tag.replace(mark, '"', 1) for tag in tags if tag.removeprefix("W/").startswith(mark)]
    return ", ".join(own) or None
