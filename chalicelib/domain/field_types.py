"""Types of fields in answers, with their descriptions for the OpenAPI document.

`api/openapi_structs.py` turns structs with such fields into schemas. Nothing is checked at runtime.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

Symbol = Annotated[
    str, Meta(description="Upper case.", pattern=r"^[A-Z0-9.\-=^_]{1,24}$", examples=["AAPL"])
]

Instant = Annotated[
    str,
    Meta(
        description="UTC, always with six digits and Z, so that texts sort like times.",
        extra_json_schema={"format": "date-time"},
        examples=["2026-11-20T15:30:00.123456Z"],
    ),
]

Price = Annotated[Decimal, Meta(examples=[189.84])]

Count = Annotated[int, Meta(ge=0)]
