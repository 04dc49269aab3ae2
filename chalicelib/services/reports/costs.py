"""The costs of SQL statements at the list prices of us-east-1. A test compares these prices with
costs/prices.json."""

from __future__ import annotations

from decimal import Decimal

USD_A_BYTE = Decimal(5) / 10**12
MEGABYTE = 10**6
LEAST_MEGABYTES = 10
"""Athena charges $5 per TB. It rounds bytes up to megabytes, and charges at least ten for each
query: https://aws.amazon.com/athena/pricing/. Decimal units give the higher price."""

USD_A_LIST = Decimal("0.000005")
USD_A_GET = Decimal("0.0000004")
"""The prices of S3 Standard: https://aws.amazon.com/s3/pricing/."""


def scan_usd(bytes_scanned: int) -> Decimal:
    """Return what Athena charges for a query that scans this many bytes."""
    megabytes = max(LEAST_MEGABYTES, -(-bytes_scanned // MEGABYTE))
    return megabytes * MEGABYTE * USD_A_BYTE


def requests_usd(lists: int, gets: int = 0) -> Decimal:
    """Return what S3 charges for the requests of a query."""
    usd = lists * USD_A_LIST + gets * USD_A_GET
    return usd.normalize() + 0  # removes trailing zeros, and the exponent of whole numbers
