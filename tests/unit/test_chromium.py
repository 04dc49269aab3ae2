"""rigs/chromium.py against the Playwright that is installed."""

from __future__ import annotations

import re
from pathlib import Path

import playwright

from rigs.chromium import DISABLED_BY_PLAYWRIGHT

DRIVER = Path(playwright.__file__).parent / "driver" / "package" / "lib"


def test_our_disabled_features_repeat_those_of_playwright() -> None:
    source = (DRIVER / "coreBundle.js").read_text()
    listed = re.search(r"disabledFeatures = \[(.*?)\]\.filter", source, re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r'^ *"(\w+)",?$', listed[1], re.MULTILINE)) == DISABLED_BY_PLAYWRIGHT
