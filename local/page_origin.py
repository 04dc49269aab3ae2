"""Protects the page from another program's leftovers in the browser.

The page's address is the same at each start, so another program that used it may have left cached
modules or a service worker, which would run in the page. So the addresses of modules and styles
change with each start, and a worker is replaced: by the page's own if it has the same address, else
by one that unregisters itself.
"""

from __future__ import annotations

import re
from email.message import Message

_ADDRESSES = re.compile(rb'((?:src|href)=")((?:js|css|vendor)/)')
"""Addresses in HTML. Modules import each other by relative addresses, which need no change."""

RETIRING_WORKER = b"""\
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(retire()));
async function retire() {
  await self.clients.claim();
  await self.registration.unregister();
  for (const one of await self.clients.matchAll({ type: "window" })) one.navigate(one.url);
}
"""
"""The service worker that replaces another program's: it unregisters itself and reloads the pages.

A browser requests the script of an installed worker at each visit, bypassing its cache.
"""


def moved(html: bytes, start: str) -> bytes:
    """Return HTML with the start's name before the addresses of scripts and styles."""
    return _ADDRESSES.sub(rb"\g<1>" + start.encode() + rb"/\g<2>", html)


def moved_address(path: str, start: str) -> str:
    """Return a file's address as the page writes it, relative to the page's folder."""
    return f"{start}/{path}" if path.startswith(("js/", "css/", "vendor/")) else path


def unmoved(path: str, start: str) -> str:
    """Return the path of a file without the start's name."""
    return "/" + path.removeprefix(f"/{start}/") if path.startswith(f"/{start}/") else path


def is_worker_script(headers: Message) -> bool:
    """Return whether a browser requests a service worker's script (W3C Service Workers,
    'Fetch')."""
    return headers.get("Service-Worker", "") == "script"
