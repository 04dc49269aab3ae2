"""The form in which each service gets a message, behind the real apprise."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs

import pytest

from chalicelib.adapters import apprise_channel
from chalicelib.adapters.apprise_channel import AppriseChannel
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.message_forms import Body, Line, code_block
from chalicelib.domain.messages import Message, compose
from rigs.alert_peers import Received, peer, slack, webhook
from tests.factories import make_alert
from tests.unit.channels.test_mail import Box, channel, mail_server

TOKEN = "TIiajkdnlazkcOXrIdevi7FQ"
PAGE = "https://page.example/a_b"
ALERT_ID = make_alert(symbol="^GSPC").alert_id
LINK = f"{PAGE}/#symbol=%5EGSPC&alert={ALERT_ID}"
ESCAPED = LINK.replace("&", "&amp;")
HOSTILE = "^GSPC _x_ <b>A&B</b> *y* [z](w)"
LINES = ("Time: 2026-11-20 10:30:00 EST", "Averages: SMA-5 1.5")


@pytest.fixture
def message() -> Message:
    alert = make_alert(symbol="^GSPC", message=HOSTILE, values={"sma_5": Decimal("1.5")})
    return compose(alert, "America/New_York", PAGE)


Post = Callable[..., Received]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, message: Message) -> Post:
    """Sends the message to an address whose host is a peer; returns the request."""

    def send(address: str, attribute: str = "") -> Received:
        with peer(webhook(200)) as there:
            if attribute:
                apprise_channel.prepare()
                kind = apprise_channel.plugin_class(address.partition(":")[0])
                monkeypatch.setattr(kind, attribute, f"{there.url}/")
            address = address.replace("PORT", str(there.port))
            AppriseChannel(Secrets(address), lambda _: True).send(message)
        (request,) = there.requests
        return request

    return send


def test_telegram_gets_html(post: Post) -> None:
    told = json.loads(post(f"tgram://123456789:{TOKEN}/12315544", "notify_url").body)
    assert told["parse_mode"] == "HTML"
    heading, *lines = told["text"].split("\r\n")
    assert heading == "<b>^GSPC _x_ &lt;b&gt;A&amp;B&lt;/b&gt; *y* [z](w)</b>"
    assert (*LINES, f'<a href="{ESCAPED}">Chart</a>') == tuple(lines[:3])


def test_telegram_gets_the_form_that_its_address_asks_for(post: Post) -> None:
    address = f"tgram://123456789:{TOKEN}/12315544?format=markdown"
    told = json.loads(post(address, "notify_url").body)
    assert told["parse_mode"].lower().startswith("markdown")
    assert "[Chart](" in told["text"]


def test_discord_gets_markdown_without_previews(post: Post) -> None:
    told = json.loads(post(f"discord://4174216298/{TOKEN}", "notify_url").body)
    heading, *lines = told["content"].split("  \n")
    assert heading == r"**^GSPC \_x\_ \<b\>A\&B\</b\> \*y\* \[z\](w)**"
    assert (*LINES, f"[Chart](<{LINK}>)") == tuple(lines[:3])


def test_slack_gets_its_own_markup(monkeypatch: pytest.MonkeyPatch, message: Message) -> None:
    apprise_channel.prepare()
    with peer(slack(200)) as there:
        monkeypatch.setattr(apprise_channel.plugin_class("slack"), "webhook_url", there.url)
        address = f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN}/#general"
        AppriseChannel(Secrets(address), lambda _: True).send(message)
    (told,) = json.loads(there.requests[0].body)["attachments"]
    assert told["title"] == "^GSPC _x_ &lt;b&gt;A&amp;B&lt;/b&gt; *y* [z](w)"
    assert f"<{ESCAPED}|Chart>" in told["text"]


def test_ntfy_gets_plain_text(post: Post) -> None:
    told = json.loads(post("ntfy://127.0.0.1:PORT/alerts").body)
    assert told["title"] == HOSTILE
    assert told["message"].split("\n")[:3] == [*LINES, f"Chart: {LINK}"]


def test_mattermost_gets_markdown_although_apprise_says_plain_text(post: Post) -> None:
    told = json.loads(post(f"mmost://127.0.0.1:PORT/{TOKEN}").body)
    heading, *lines = told["text"].split("  \n")
    assert heading == r"**^GSPC \_x\_ \<b\>A\&B\</b\> \*y\* \[z\](w)**"
    assert (*LINES, f"[Chart](<{LINK}>)") == tuple(lines[:3])


def test_zulip_whose_markdown_has_no_escapes_gets_a_code_block(
    post: Post, message: Message
) -> None:
    address = f"zulip://bot@organization/{TOKEN}abcdefgh/stream"
    told = parse_qs(post(address, "notify_url").body.decode())
    block, rest = told["content"][0].split("\n```\n")
    assert block.split("\n")[:4] == ["```text", HOSTILE, *LINES]
    assert rest.split("\n")[0] == f"Chart: {LINK}"
    assert told["topic"] == [HOSTILE]


def test_nothing_in_a_message_ends_its_code_block() -> None:
    body = Body("x\n```\n@**all** [l](https://evil)", (Line("L", "```"),))
    assert code_block(body).count("```") == 2
    assert code_block(body).endswith("\nL: '''\n```")


def test_a_mail_has_both_forms(message: Message) -> None:
    box = Box()
    with mail_server(box) as port:
        channel(port).send(message)
    texts = _texts(box.mails[0].content)
    assert f'<a href="{ESCAPED}">Chart</a>' in texts["text/html"]
    assert "&lt;b&gt;A&amp;B&lt;/b&gt;" in texts["text/html"]
    assert HOSTILE in texts["text/plain"]
    assert LINES[0] in texts["text/plain"]


def _texts(mail: bytes) -> dict[str, Any]:
    """The texts of a mail by their type."""
    return {
        each.get_content_type(): each.get_payload(decode=True).decode()  # type: ignore[union-attr]
        for each in message_from_bytes(mail).walk()
        if each.get_content_maintype() == "text"
    }
