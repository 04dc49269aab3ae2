"""Entity tags that hold for one start of the system.

Whoever listened on its ports before may have left answers in a reader's browser. With a tag that
the true answer has, or with `*`, the browser would be told that what it has is still right.
"""

from __future__ import annotations


def marked(etag: str, start: str) -> str:
    """`"tag"` or `W/"tag"` as a start gives it: with its name before the tag."""
    weak, quote, tag = etag.partition('"')
    return f"{weak}{quote}{start}-{tag}"


def unmarked(header: str | None, start: str) -> str | None:
    """Those tags of an If-None-Match that the start gave, as they were before. None for none."""
    mark = f'"{start}-'
    tags = [tag.strip() for tag in (header or "").split(",")]
    own = [tag.replace(mark, '"', 1) for tag in tags if tag.removeprefix("W/").startswith(mark)]
    return ", ".join(own) or None
