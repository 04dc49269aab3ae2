"""The options that an apprise address may have: the `name=value` pairs after its first `?`.

Allowed options say how and to whom a message is sent. Other options read files, fetch other
addresses or store keys. Or they lift what holds for every message: checked certificates, no
redirects, one attempt, ten seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMMON = "emojis format overflow pass password port tz user"

_BY_SCHEME = {
    "bark": "action archive badge call category click copy delete group icon id image key level "
    "sound subtitle to ttl volume",
    "discord": "avatar avatar_url batch botname fields flags footer footer_logo href image ping "
    "thread tts url",
    "gchat": "key thread threadkey token workspace",
    "gotify": "priority",
    "ifttt": "to",
    "join": "image priority to",
    "line": "image to token",
    "mailto": "bcc cc from inline mode name reply smtp to",
    "matrix": "image mode msgtype path to token v version",
    "mmost": "botname channel channels icon_url image mode team to",
    "ntfy": "actions auth avatar_url click delay email image mode priority tags to token xtags",
    "opsgenie": "action alias apikey batch entity priority region tags to",
    "pagerduty": "action apikey class click component dedup group image integrationkey region "
    "severity source",
    "pbul": "to",
    "pover": "expire interval key priority sound to url url_title",
    "prowl": "priority",
    "rocket": "avatar mode to webhook",
    "signal": "batch from status to",
    "slack": "blocks footer image mode timestamp to token",
    "tgram": "album content detect image mdv preview silent thread to topic",
    "webex": "mode to token",
    "workflow": "api-version id image pa powerautomate route routeid sig signature ver workflow "
    "wrap",
    "wxteams": "mode to token",
    "zulip": "to token",
}
_ALLOWED = {
    scheme: frozenset(f"{_COMMON} {options}".split()) for scheme, options in _BY_SCHEME.items()
}


def allowed_options(scheme: str) -> frozenset[str]:
    """Return the names of the options that a scheme allows; empty if the scheme is not allowed."""
    plain = scheme if scheme in _ALLOWED else scheme.removesuffix("s")
    return _ALLOWED.get(plain, frozenset())


def refused_option(scheme: str, address: str) -> str | None:
    """Return the first option of an address that is not allowed; None if all are allowed.

    Names are compared as written. Apprise decodes and trims names, so it may read a name with a
    blank or a percent sign as another name. Everything after the first `?` counts, since apprise
    does not end a path or a query where RFC 3986 does.
    """
    names = (part.partition("=")[0] for part in re.split("[&;?#]", address.partition("?")[2]))
    return refused_name(scheme, (name.lower() for name in names if name))


def refused_name(scheme: str, names: Iterable[str]) -> str | None:
    """Return the first option name that is not allowed for the scheme; None if all are allowed."""
    allowed = allowed_options(scheme)
    return next((name for name in names if name not in allowed), None)
