"""Pictures of messages as apprise attachments. They stay in memory: no path or address is opened.

Some services take the picture in the message's own request, others in later requests. If a service
takes a message and then refuses the picture, the message is not sent again.
"""

from __future__ import annotations

from typing import Any

NAME = "chart.png"

_TOGETHER = ("mailto", "mailtos", "ntfy", "ntfys", "pover", "tgram")
"""Not Matrix, whose plugin opens the attachment as a file."""

_AFTERWARDS = ("discord", "slack")
SCHEMES = _TOGETHER + _AFTERWARDS
"""The schemes of services that take pictures."""


def takes(scheme: str, plugin: Any) -> bool:
    """Return whether a plugin can send pictures. Slack's webhooks cannot, but its bots can."""
    if scheme == "slack" and plugin.mode != "bot":
        return False
    return scheme in SCHEMES and bool(plugin.attachment_support)


class Attached:
    """A picture, as an argument of the plugin's `notify`."""

    def __init__(self, scheme: str, plugin: Any, png: bytes) -> None:
        from apprise import AppriseAttachment
        from apprise.attachment.memory import AttachMemory

        if scheme.startswith("mailto"):
            plugin.inline = True  # shown in the mail rather than below it
        self._is_afterwards = scheme in _AFTERWARDS
        self._file = _watched(AttachMemory)(content=png, name=NAME, mimetype="image/png")
        self.argument = {"attach": AppriseAttachment(self._file, asset=plugin.asset)}

    @property
    def is_with_message(self) -> bool:
        """Return whether the service takes the message and its picture in one request."""
        return not self._is_afterwards

    @property
    def is_after_message(self) -> bool:
        """Return whether the plugin asked for the picture after the service took the message."""
        return self._is_afterwards and self._file.was_asked_for


def _watched(kind: Any) -> Any:
    """Return a subclass of an attachment class that notes whether its content was asked for."""

    class Watched(kind):  # type: ignore[misc]
        was_asked_for = False

        def exists(self) -> bool:
            self.was_asked_for = True
            return bool(super().exists())

    return Watched
