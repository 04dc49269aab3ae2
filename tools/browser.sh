#!/usr/bin/env bash
# The browser that the page's tests drive: a system Chromium or Chrome, installed if possible.
set -euo pipefail
for browser in chromium chromium-browser google-chrome; do
  if command -v "$browser" >/dev/null; then
    exit 0
  fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium" >&2
  if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1; then
    exit 0
  fi
fi
echo "no Chromium: the page's tests will be skipped. Install it, on Debian with: sudo apt-get install chromium" >&2
