from __future__ import annotations

import msgspec
import pytest

from chalicelib.settings import Settings, SettingsError, load

REQUIRED = {
    name: f"the-{name.lower()}"
    for name in (
        "PRICES_TABLE",
        "BARS_TABLE",
        "STATE_TABLE",
        "ALERTS_TABLE",
        "RULES_TABLE",
        "SYMBOLS_TABLE",
        "KEYS_TABLE",
        "ARCHIVE_BUCKET",
        "FAILURES_BUCKET",
        "ALERTS_TOPIC_ARN",
        "PRICES_STREAM_ARN",
        "ALERTS_STREAM_ARN",
        "DELIVERIES_QUEUE",
        "DELIVERIES_QUEUE_URL",
        "DELIVERIES_DEAD_QUEUE_URL",
    )
}


def test_each_field_is_read_from_the_variable_of_its_name_in_capitals() -> None:
    settings = load({**REQUIRED, "SMA_FAST": "3", "PAGE_URL": "https://page.example"})
    assert settings.prices_table == "the-prices_table"
    assert settings.sma_fast == 3
    assert settings.page_url == "https://page.example"


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert load({**REQUIRED, "SMA_FAST": "", "TICKS_QUEUE": ""}).sma_fast == 5


def test_reading_is_closed_unless_it_is_opened() -> None:
    assert load(REQUIRED).read_access == "closed"
    assert load({**REQUIRED, "READ_ACCESS": "open"}).read_access == "open"
    with pytest.raises(SettingsError, match="READ_ACCESS"):
        load({**REQUIRED, "READ_ACCESS": "ajar"})


def test_alerts_are_on_bars_or_on_every_tick() -> None:
    assert load(REQUIRED).alerts == "bars"
    assert load({**REQUIRED, "ALERTS": "every-tick"}).alerts == "every-tick"
    with pytest.raises(SettingsError, match="ALERTS is 'all'; allowed: bars, every-tick"):
        load({**REQUIRED, "ALERTS": "all"})


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named(name: str) -> None:
    without = {key: value for key, value in REQUIRED.items() if key != name}
    with pytest.raises(SettingsError, match=name):
        load(without)


def test_a_malformed_number_is_named() -> None:
    with pytest.raises(SettingsError, match="sma_fast"):
        load({**REQUIRED, "SMA_FAST": "five"})


def test_only_what_names_resources_is_required() -> None:
    required = {field.name.upper() for field in msgspec.structs.fields(Settings) if field.required}
    assert required == set(REQUIRED)
