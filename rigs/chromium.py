"""Finds programs and options for starting Chromium to drive the page."""

from __future__ import annotations

import shutil

FULL = ("chromium", "chromium-browser", "google-chrome")
"""Programs of a full Chromium."""

SHELL = "chromium-headless-shell"
"""Chromium without its windows, which takes 11% to 26% less CPU time for the same pages. It has the
same engine, but shows no notifications."""

DISABLED_BY_PLAYWRIGHT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "msForceBrowserSignIn",
    "msEdgeUpdateLaunchServicesPreferredVersion",
)
"""Chromium obeys the last `--disable-features` alone, so ours repeats Playwright's."""

DISABLED = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
)
"""Chromium prepares a popup of its address bar for each window, and a process for a page to come.
No page here uses either, and they take as much CPU time as the page itself."""

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP *.attacker.test 127.0.0.1",
    f"--disable-features={','.join(DISABLED_BY_PLAYWRIGHT + DISABLED)}",
]


def full() -> str | None:
    """Return the path of a full Chromium; None if this machine has none."""
    return next(filter(None, map(shutil.which, FULL)), None)


def headless() -> str | None:
    """Return the path of the headless shell, or else of a full Chromium; None without either."""
    return shutil.which(SHELL) or full()
