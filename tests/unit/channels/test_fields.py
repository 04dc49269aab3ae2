"""What may be said of a channel, and which channels an alert goes to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.adapters import apprise_pictures
from chalicelib.domain.channel_options import allowed_options
from chalicelib.domain.channel_secrets import SERVICES, WITH_PICTURES
from chalicelib.domain.channels import (
    TOPIC,
    StoredChannel,
    parse_changed,
    parse_new,
    receivers,
    shown,
)
from chalicelib.domain.errors import ChannelError

TOKEN = "a-token-nobody-may-see"
SECRET = "a-secret-of-forty-characters-or-thereabouts"
WEBHOOK = {
    "name": "desk",
    "kind": "webhook",
    "address": f"https://hooks.example/{TOKEN}",
    "secret": SECRET,
}


def refused(**given: Any) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        parse_new({name: value for name, value in given.items() if value is not ...})
    return raised.value


@pytest.mark.parametrize("scheme", sorted(SERVICES))
def test_every_service_of_the_list_is_taken(scheme: str) -> None:
    given = {"name": "a", "kind": "apprise", "address": f"{scheme}://{TOKEN}/x"}
    channel, secrets = parse_new(given)
    assert (channel.service, secrets.address) == (SERVICES[scheme], given["address"])


@pytest.mark.parametrize(
    "address",
    [
        f"{scheme}://{TOKEN}"
        for scheme in ("dbus", "macosx", "windows", "syslog", "json", "xml", "form", "file", "http")
    ],
)
def test_a_scheme_that_is_not_on_the_list_is_refused(address: str) -> None:
    error = refused(name="a", kind="apprise", address=address)
    assert (error.field, "tgram" in error.allowed) == ("address", True)


REFUSED_OPTIONS = (
    "attach", "cto", "e2ee", "optional", "pgp", "pgpkey", "pgpprv", "pgppub", "redirect", "retry",
    "rto", "store", "template", "verify", "wait", "wkd",
)  # fmt: skip
BLANKS = ["", "%20", "+", "%09", "%0a", "%0b", "%C2%A0"]


@pytest.mark.parametrize("option", REFUSED_OPTIONS)
@pytest.mark.parametrize("spelling", ["?{}=x", "?a=b&{}=x", "/#room?{}=x", "?+{}=x", "?a=b;{}=x"])
def test_options_that_would_lift_a_bound_are_refused(option: str, spelling: str) -> None:
    address = f"slack://a/b/{TOKEN}" + spelling.format(option)
    assert refused(name="a", kind="apprise", address=address).field == "address"


@pytest.mark.parametrize("scheme", sorted(SERVICES))
def test_no_spelling_of_a_refused_option_is_taken(scheme: str) -> None:
    """apprise decodes names and trims blanks at both ends."""
    for option in REFUSED_OPTIONS:
        for blank in BLANKS:
            for name in (blank + option, option + blank):
                error = refused(name="a", kind="apprise", address=f"{scheme}://{TOKEN}/x?{name}=y")
                assert error.allowed.startswith("an address without options but ")


def test_options_of_a_service_are_taken_and_told() -> None:
    address = f"ntfys://host.example/{TOKEN}?priority=high&Tags=chart&format=markdown"
    _, secrets = parse_new({"name": "a", "kind": "apprise", "address": address})
    assert secrets.address == address
    allowed = refused(name="a", kind="apprise", address=f"ntfys://host.example/{TOKEN}?x=1").allowed
    assert "priority" in allowed
    assert "template" not in allowed


def test_every_service_has_options() -> None:
    assert all(len(allowed_options(scheme)) > 8 for scheme in SERVICES)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0"]
)
def test_an_address_of_a_private_network_is_refused_at_once(host: str) -> None:
    for given in (
        {"kind": "apprise", "address": f"ntfy://{host}/alerts"},
        {"kind": "webhook", "address": f"https://{host}/", "secret": SECRET},
    ):
        assert refused(name="a", **given).allowed == "a host on the public internet"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " x"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": ...}, "name"),
        ({"kind": "sns"}, "kind"),
        ({"kind": ...}, "kind"),
        ({"address": ...}, "address"),
        ({"address": f"http://hooks.example/{TOKEN}"}, "address"),
        ({"address": f"https://me:{TOKEN}@hooks.example/"}, "address"),
        ({"address": f"https://hooks.example/{TOKEN} x"}, "address"),
        ({"address": f"https://hooks.example/{TOKEN}" + "x" * 1500}, "address"),
        ({"address": f"https://[{TOKEN}/"}, "address"),
        ({"address": f"https://hooks.example:99999999/{TOKEN}"}, "address"),
        ({"address": [TOKEN]}, "address"),
        ({"secret": ...}, "secret"),
        ({"secret": "short"}, "secret"),
        ({"secret": f"{SECRET} with a blank"}, "secret"),
        ({"enabled": "yes"}, "enabled"),
        ({"default": 1}, "default"),
        ({"picture": "no"}, "picture"),
        ({"picture": True}, "picture"),
        ({"colour": TOKEN}, "colour"),
        ({"kind": "apprise", "address": f"tgram://1:{TOKEN}/1"}, "secret"),
    ],
)
def test_a_refusal_names_the_field_and_what_is_allowed_and_no_secret(
    changed: dict[str, Any], field: str
) -> None:
    error = refused(**(WEBHOOK | changed))
    assert (error.field, bool(error.allowed)) == (field, True)
    assert TOKEN not in str(error)
    assert SECRET not in str(error)
    assert TOKEN not in str(error.value)


def test_secrets_show_nothing_of_themselves() -> None:
    _, secrets = parse_new(WEBHOOK)
    assert TOKEN not in repr(secrets)
    assert SECRET not in f"{secrets}"


def stored(channel_id: str, **fields: Any) -> StoredChannel:
    return StoredChannel(
        channel_id=channel_id, name=channel_id, kind="apprise", service="ntfy", **fields
    )


@pytest.mark.parametrize(
    ("named", "channels", "expected"),
    [
        ((), (), ("sns",)),
        ((), (stored("a"),), ("sns",)),
        ((), (stored("a", default=True),), ("sns", "a")),
        ((), (stored("a", default=True, enabled=False),), ("sns",)),
        (("a",), (stored("a"), stored("b", default=True)), ("a",)),
        (("a", "sns"), (stored("a"),), ("a", "sns")),
        (("a",), (stored("a", enabled=False),), ()),
        (("gone", "a"), (stored("a"),), ("gone", "a")),
    ],
)
def test_an_alert_goes_to_what_its_rule_names_or_to_the_default_channels(
    named: tuple[str, ...], channels: tuple[StoredChannel, ...], expected: tuple[str, ...]
) -> None:
    assert receivers(named, channels) == expected


def test_without_the_topic_as_a_default_rules_that_name_none_send_nowhere() -> None:
    assert receivers((), (msgspec.structs.replace(TOPIC, default=False),)) == ()


TELEGRAM = {"name": "a", "kind": "apprise", "address": f"tgram://1:{TOKEN}/1"}
GOTIFY = {"name": "a", "kind": "apprise", "address": f"gotify://gotify.example/{TOKEN}"}


def pictured(given: dict[str, Any], **changes: Any) -> list[Any]:
    """What is shown of `picture`, of a new channel and after each change."""
    channel, _ = parse_new(given)
    told = [shown(channel)["picture"]]
    for change in changes.values():
        channel, _ = parse_changed({"name": "a", **change}, channel)
        told.append(shown(channel)["picture"])
    return told


def test_pictures_are_on_where_the_service_takes_them_and_stay_switched_off() -> None:
    assert pictured(TELEGRAM, other={"enabled": False}) == [True, True]
    assert pictured(TELEGRAM, off={"picture": False}, other={}, on={"picture": True}) == [
        *(True, False, False, True)
    ]
    assert pictured({**TELEGRAM, "picture": False}) == [False]
    assert pictured(WEBHOOK) == [False]
    assert shown(TOPIC)["picture"] is False


def test_a_shown_picture_flag_may_be_sent_back() -> None:
    assert pictured(GOTIFY, back={"picture": False}) == [False, False]
    there = {"address": GOTIFY["address"]}
    again = {"address": TELEGRAM["address"]}
    assert pictured(TELEGRAM, there=there, again=again) == [True, False, True]


def test_a_picture_for_a_service_without_pictures_is_refused() -> None:
    error = refused(**GOTIFY, picture=True)
    assert (error.field, error.allowed) == ("picture", "false: Gotify takes no pictures")


@pytest.mark.parametrize("scheme", sorted(SERVICES))
def test_services_with_pictures_are_those_that_apprise_sends_them_to(scheme: str) -> None:
    assert (scheme in apprise_pictures.SCHEMES) == (SERVICES[scheme] in WITH_PICTURES)
