"""Schemas made from structs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.api.openapi_structs import properties_of, record_of, schema_of
from chalicelib.domain.field_types import Count, Instant


class Sample(msgspec.Struct):
    """Fields as answers have them."""

    at: Annotated[Instant | None, Meta(description="When.")]
    price: Decimal | None
    extended: bool = False


class Compact(Sample, omit_defaults=True):
    """The same, without defaults in its JSON."""


def test_an_unknown_value_is_another_type_of_the_field() -> None:
    assert properties_of(Sample) == {
        "at": schema_of(Instant) | {"type": ["string", "null"], "description": "When."},
        "price": {"type": ["number", "null"]},
        "extended": {"type": "boolean"},
    }


def test_a_field_is_optional_only_if_its_default_is_omitted() -> None:
    assert record_of(Sample)["required"] == ["at", "price", "extended"]
    assert record_of(Compact)["required"] == ["at", "price"]


def test_bounds_are_kept() -> None:
    assert schema_of(Count) == {"type": "integer", "minimum": 0}
