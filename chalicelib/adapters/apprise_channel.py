"""Sends messages through apprise's plugins: to checked addresses, in one attempt, until a deadline.

A plugin's class is imported from its own module, since apprise itself would load all of its 130
modules to find it. The plugin's calls of `requests` and `smtplib` go through `outbound`, which
checks addresses, notes answers and keeps deadlines (docs/decisions/0311).
"""

from __future__ import annotations

import logging
import warnings
from functools import partialmethod
from importlib import import_module
from typing import Any

from chalicelib.adapters import outbound
from chalicelib.adapters.apprise_pictures import Attached, takes
from chalicelib.adapters.libraries import add_libraries
from chalicelib.domain.addresses import is_public
from chalicelib.domain.channel_options import refused_name
from chalicelib.domain.channel_secrets import SERVICES, Secrets
from chalicelib.domain.deliveries import Lasting, Passing
from chalicelib.domain.message_forms import Body, Form, Line, code_block, parts, render
from chalicelib.domain.messages import Message

PLUGINS = {
    "bark": "bark.NotifyBark",
    "discord": "discord.NotifyDiscord",
    "gchat": "google_chat.NotifyGoogleChat",
    "gotify": "gotify.NotifyGotify",
    "ifttt": "ifttt.NotifyIFTTT",
    "join": "join.NotifyJoin",
    "line": "line.NotifyLine",
    "mailto": "email.base.NotifyEmail",
    "matrix": "matrix.base.NotifyMatrix",
    "mmost": "mattermost.NotifyMattermost",
    "ntfy": "ntfy.NotifyNtfy",
    "opsgenie": "opsgenie.NotifyOpsgenie",
    "pagerduty": "pagerduty.NotifyPagerDuty",
    "pbul": "pushbullet.NotifyPushBullet",
    "pover": "pushover.NotifyPushover",
    "prowl": "prowl.NotifyProwl",
    "rocket": "rocketchat.NotifyRocketChat",
    "signal": "signal_api.NotifySignalAPI",
    "slack": "slack.NotifySlack",
    "tgram": "telegram.NotifyTelegram",
    "webex": "webexteams.NotifyWebexTeams",
    "workflow": "workflows.NotifyWorkflows",
    "wxteams": "webexteams.NotifyWebexTeams",
    "zulip": "zulip.NotifyZulip",
}
"""The plugin of each scheme. Schemes with TLS (`ntfys`) are listed without their final `s`."""

log = logging.getLogger("ticktape.deliver")

_TITLED = ("mailto", "mailtos", "pover", "slack")
"""Services that show a title as plain text. Other services would interpret markup in a title."""

_MARKDOWN = ("mmost", "mmosts")
"""Services that interpret Markdown, although apprise treats their messages as plain text."""

_MARKDOWN_WITHOUT_ESCAPES = ("zulip",)


class AppriseChannel:
    """Implements Channel for an address in apprise's notation, such as `ntfys://host/topic`."""

    def __init__(
        self,
        secrets: Secrets,
        allows: outbound.Policy = is_public,
        seconds: float = outbound.SEND_SECONDS,
        *,
        takes_picture: bool = True,
    ) -> None:
        """`takes_picture` says whether to send pictures if the service supports them."""
        self._secrets = secrets
        self._allows = allows
        self._seconds = seconds
        self._takes_picture = takes_picture
        self._is_prepared = False

    def prepare(self) -> None:
        """See Channel.prepare."""
        if not self._is_prepared:
            self._is_prepared = True
            from chalicelib.adapters import outbound_http, outbound_smtp  # noqa: F401

            _plugin(self._secrets.address)

    def send(self, message: Message) -> None:
        """See Channel.send."""
        plugin = _plugin(self._secrets.address)
        written = _written(plugin, self._secrets.address, message)
        with outbound.Attempt(self._allows, self._seconds) as attempt:
            picture = self._picture(plugin, message)
            if picture is not None and _is_sent_with(picture, plugin, attempt, written):
                return
            if not _try(plugin, attempt, written):
                raise _failure(attempt)

    def _picture(self, plugin: Any, message: Message) -> Attached | None:
        """Return the message's picture. None if it is unwanted, unsupported or cannot be drawn."""
        scheme = self._secrets.address.partition(":")[0]
        if message.picture is None or not self._takes_picture or not takes(scheme, plugin):
            return None
        png = message.picture()
        return Attached(scheme, plugin, png) if png else None


def _try(plugin: Any, attempt: outbound.Attempt, written: dict[str, Any]) -> bool:
    """Send a message; return whether that succeeded. Raises Lasting if apprise itself fails."""
    try:
        return bool(plugin.notify(**written))
    except Exception as error:  # noqa: BLE001 - its message may hold the address
        if attempt.failure is None:
            raise Lasting(f"apprise failed: {type(error).__name__}") from None
        return False


def _is_sent_with(
    picture: Attached, plugin: Any, attempt: outbound.Attempt, written: dict[str, Any]
) -> bool:
    """Send a message with its picture. Return False if the message has to be sent again without it.
    Raises the errors of AppriseChannel.send."""
    if _try(plugin, attempt, {**written, **picture.argument}):
        return True
    if picture.is_after_message:
        log.warning("%s took a message and not its picture", plugin.service_name)
        return True
    failure = _failure(attempt)
    if not picture.is_with_message or isinstance(failure, Passing):
        raise failure
    log.warning("%s refused a message with its picture: %s", plugin.service_name, failure.reason)
    attempt.failure = None
    return False


def _written(plugin: Any, address: str, message: Message) -> dict[str, str]:
    """Return a message as arguments of the plugin's `notify`, in its service's format."""
    form = _form(plugin)
    is_mail = address.startswith("mailto")
    if form == "text" and (marked := _marked(address.partition(":")[0], message)) is not None:
        return marked
    if message.body is None or form == "text":
        title, _, body = message.text.partition("\n")
        if is_mail:
            title, body = message.subject, message.text
        return {"title": title, "body": body, "body_format": "text"}
    if address.partition(":")[0] in _TITLED:
        title = message.subject if is_mail else message.body.heading
        body = render(message.body, form) if is_mail else parts(message.body, form)[1]
        return {"title": title, "body": body, "body_format": form}
    return {"title": "", "body": render(message.body, form), "body_format": form}


def _marked(scheme: str, message: Message) -> dict[str, str] | None:
    """Return the arguments of `notify` for a service that reads plain text as Markdown, else None.
    apprise passes such text on unchanged."""
    if scheme not in (*_MARKDOWN, *_MARKDOWN_WITHOUT_ESCAPES):
        return None
    heading, _, rest = message.text.partition("\n")
    body = message.body or Body(heading, tuple(Line("Note", line) for line in rest.split("\n")))
    if scheme in _MARKDOWN:
        return {"title": "", "body": render(body, "markdown"), "body_format": "text"}
    topic = parts(body, "text")[0]
    return {"title": topic, "body": code_block(body), "body_format": "text"}


def _form(plugin: Any) -> Form:
    """Return the format that a plugin's address asks for, or else the richest that the plugin
    supports."""
    for wanted in ("html", "markdown"):
        found: Form = plugin.resolve_format(wanted).value
        if found != "text":
            return found
    return "text"


def _failure(attempt: outbound.Attempt) -> Passing | Lasting:
    if attempt.is_over:
        return attempt.timed_out()
    if isinstance(attempt.failure, Passing | Lasting):
        return attempt.failure
    return Lasting("the service did not take the message")


def _plugin(address: str) -> Any:
    """Return the plugin for an address. Raises Lasting if apprise cannot read the address."""
    prepare()
    kind = plugin_class(address.partition(":")[0])
    from apprise import AppriseAsset, PersistentStoreMode

    asset = AppriseAsset(
        app_id="Ticktape",
        async_mode=False,
        http_redirects=False,
        allow_templates=False,
        storage_mode=PersistentStoreMode.MEMORY,
        pgp_autogen=False,
        pem_autogen=False,
    )
    try:
        parsed = kind.parse_url(address)
        plugin = kind(**parsed, asset=asset) if parsed and _is_plain(address, parsed) else None
    except Exception:  # noqa: BLE001 - its message may hold the address
        plugin = None
    if plugin is None or len(getattr(plugin, "template", None) or ()):
        raise Lasting("apprise cannot read the address")
    plugin.throttle = lambda *_, **__: None  # deliver decides when to send
    return plugin


def _is_plain(address: str, parsed: dict[str, Any]) -> bool:
    """Return whether all options in an address, which apprise has parsed, are allowed."""
    if any(parsed.get(marked) for marked in ("qsd+", "qsd-", "qsd:")):
        return False
    return refused_name(address.partition(":")[0], parsed.get("qsd") or ()) is None


def plugin_class(scheme: str) -> Any:
    """Return the plugin class of a scheme. Its module is first made to connect through `outbound`.

    Raises Lasting for a scheme that is not allowed.
    """
    if scheme not in SERVICES:
        raise Lasting("the address has a scheme that is not allowed")
    name = PLUGINS[scheme if scheme in PLUGINS else scheme.removesuffix("s")]
    module_name, _, class_name = name.rpartition(".")
    module = _imported(f"apprise.plugins.{module_name}")
    if hasattr(module, "requests"):
        module.requests = _Requests()
    if module_name == "email.base":
        from chalicelib.adapters import outbound_smtp

        _imported("apprise.plugins.email.smtp").smtplib = outbound_smtp
    return getattr(module, class_name)


def prepare() -> None:
    """Import apprise and silence its log, which would contain addresses."""
    add_libraries()
    _imported("apprise")
    _imported("apprise.attachment.http").requests = _Requests()
    logging.getLogger("apprise").disabled = True


def _imported(name: str) -> Any:
    """Import a module of apprise without warnings, since some use deprecated parts of Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(name)


class _Requests:
    """The module `requests` as plugins see it. Requests go through `outbound_http`."""

    def __getattr__(self, name: str) -> Any:
        import requests

        return getattr(requests, name)

    def request(self, method: str, url: str, data: Any = None, **named: Any) -> Any:
        """See outbound_http.send."""
        from chalicelib.adapters import outbound_http

        return outbound_http.send(method, url, data=data, **named)

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    delete = partialmethod(request, "DELETE")
