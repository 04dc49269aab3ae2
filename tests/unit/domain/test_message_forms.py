"""The forms of a message, read back by parsers of Markdown and HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chalicelib.domain.message_forms import Body, Form, Line, markdown_text, parts, render

LINK = "https://page.example/a_b/?symbol=%5EGSPC&x=1"
BODY = Body(
    "[SIMULATED] ^GSPC <b>_x_</b> & *BRK-B*",
    (Line("Time", "10:30"), Line("Chart", LINK, is_link=True)),
)


class Shown(HTMLParser):
    """The text that a browser shows, the addresses that it links, and the tags."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str | None] = []
        self.tags: set[str] = set()
        self.feed(source)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]


def in_markdown(source: str) -> Shown:
    return Shown(MarkdownIt("commonmark").render(source).strip())


def test_plain_text_has_one_line_for_each_field() -> None:
    assert render(BODY, "text") == f"{BODY.heading}\nTime: 10:30\nChart: {LINK}"


def test_html_shows_the_heading_as_it_is_and_links_the_chart() -> None:
    shown = Shown(render(BODY, "html"))
    assert shown.text == f"{BODY.heading}Time: 10:30Chart"
    assert (shown.links, shown.tags) == ([LINK], {"b", "br", "a"})


def test_markdown_shows_the_heading_as_it_is_and_links_the_chart() -> None:
    shown = in_markdown(render(BODY, "markdown"))
    assert shown.text.split("\n") == [BODY.heading, "Time: 10:30", "Chart"]
    assert (shown.links, shown.tags) == ([LINK], {"p", "strong", "br", "a"})


def test_titles_come_without_emphasis() -> None:
    heading, lines = parts(Body("A_B", (Line("Time", "1"), Line("Source", "x"))), "html")
    assert (heading, lines) == ("A_B", "Time: 1<br/>Source: x")


@pytest.mark.parametrize("symbol", ["^GSPC", "BRK-B", "EURUSD=X", "0700.HK", "AAPL"])
def test_usual_symbols_need_no_escape(symbol: str) -> None:
    assert markdown_text(symbol) == symbol


@pytest.mark.parametrize("mention", ["@everyone", "@here"])
def test_nobody_is_mentioned(mention: str) -> None:
    assert mention not in markdown_text(f"hello {mention}")


@pytest.mark.parametrize(
    "text", ["# heading", "- item", "1. item", "2) item", "+ item", "> quote", "~~~", "==="]
)
def test_the_start_of_a_line_makes_no_block(text: str) -> None:
    shown = in_markdown(markdown_text(text))
    assert (shown.tags, shown.text) == ({"p"}, text)


LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@given(LABELS)
def test_any_label_is_shown_as_it_is(label: str) -> None:
    body = Body(label, (Line("Source", label),))
    shown = Shown(render(body, "html"))
    assert shown.text.replace("\u200b", "") == f"{label}Source: {label}"
    assert shown.tags == {"b", "br"}
    read = in_markdown(render(body, "markdown"))
    assert read.tags <= {"p", "strong", "br"}
    assert read.text.replace("\u200b", "") == f"{label}\nSource: {label}"


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
@pytest.mark.parametrize("label", ["https://evil.example/login", "www.evil.example", "HTTP://a.b"])
def test_a_label_is_no_link(form: Form, label: str) -> None:
    """A producer may call its source so, and a rule or channel may be named so."""
    message = render(Body(label, (Line("Source", label),)), form)
    assert "://" not in message
    assert "www." not in message
    link = render(Body("a", (Line("Chart", "https://page.example/", is_link=True),)), form)
    assert "https://page.example/" in link


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
@pytest.mark.parametrize(
    "label", ["evil.example/login", "LOGIN-EVIL.COM", "sap.de", "b\u00fccher.example"]
)
def test_a_label_that_is_a_bare_domain_is_no_link(form: Form, label: str) -> None:
    """Chats and mail programs make links of domains without a scheme."""
    message = render(Body(label, (Line("Source", label),)), form)
    assert label not in message.replace("\\", "")
    assert f"{label.partition('.')[0]}\u200b." in message.replace("\\", "")


def test_prices_and_share_classes_are_written_as_they_are() -> None:
    text = "BRK.B crossed above 189.84, at 189.9. Next"
    assert text in render(Body(text), "text")
