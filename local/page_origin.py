"""What a page of another program may have left of its own in a reader's browser.

The page's address is the same at each start, so whoever listened there before may have left cached
modules or a service worker, which would run in the page. So the addresses of modules and styles
change with each start, and a worker is replaced by one that removes itself.
"""

from __future__ import annotations

import re
from email.message import Message

_ADDRESSES = re.compile(rb'((?:src|href)=")((?:js|css|vendor)/)')
"""In HTML. Modules import one another by relative addresses, which follow."""

RETIRING_WORKER = b"""\
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(retire()));
async function retire() {
  await self.clients.claim();
  await self.registration.unregister();
  for (const one of await self.clients.matchAll({ type: "window" })) one.navigate(one.url);
}
"""
"""A service worker in place of any other: it removes itself, and loads the pages anew. The page has
no worker; a browser asks for the script of one that it has at each visit, past its cache."""


def moved(html: bytes, start: str) -> bytes:
    """HTML whose scripts and styles lie under a start's name."""
    return _ADDRESSES.sub(rb"\g<1>" + start.encode() + rb"/\g<2>", html)


def unmoved(path: str, start: str) -> str:
    """The path of a file that may have been asked for under the start's name."""
    return "/" + path.removeprefix(f"/{start}/") if path.startswith(f"/{start}/") else path


def is_worker_script(headers: Message) -> bool:
    """Whether a browser asks for the script of a service worker (W3C Service Workers, 'Fetch')."""
    return headers.get("Service-Worker", "") == "script"
