"""Protects the page from files that another program has left in the browser.

The page has the same address at each start. Another program that used this address may have left
cached modules or a service worker, which would run in the page. So the addresses of modules and
styles change with each start. A foreign worker is replaced by the page's own worker or, if it has
another address, by a worker that unregisters itself.
"""

from __future__ import annotations

import re
from email.message import Message

_ADDRESSES = re.compile(rb'((?:src|href)=")((?:js|css|vendor)/)')
"""Addresses in HTML. Modules import each other by relative addresses, which stay as they are."""

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
    """Return the HTML with the start's name before the addresses of scripts and styles."""
    return _ADDRESSES.sub(rb"\g<1>" + start.encode() + rb"/\g<2>", html)


def moved_address(path: str, start: str) -> str:
    """Return a file's address as the page writes it, relative to the page's folder."""
    return f"{start}/{path}" if path.startswith(("js/", "css/", "vendor/")) else path


def unmoved(path: str, start: str) -> str:
    """Return the path of a file without the start's name."""
    return "/" + path.removeprefix(f"/{start}/") if path.startswith(f"/{start}/") else path


def is_worker_script(headers: Message) -> bool:
    """Return whether a browser requests a service worker's script (W3C Service Workers)."""
    return headers.get("Service-Worker", "") == "script"
