#!/usr/bin/env bash
# Installs, if possible, the browsers for the page's tests: Chromium's headless shell, which takes less
# CPU time, and a full Chromium for what the shell lacks.
set -euo pipefail

is_there() {
  for browser in "$@"; do
    if command -v "$browser" >/dev/null; then
      return 0
    fi
  done
  return 1
}

install() {
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; } >/dev/null 2>&1
}

may_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

full=(chromium chromium-browser google-chrome)
shell=chromium-headless-shell
if ! is_there "${full[@]}" && may_install; then
  echo "installing chromium" >&2
  install chromium "$shell" || install chromium || true
elif ! is_there "$shell" && may_install && apt-cache show "$shell" >/dev/null 2>&1; then
  echo "installing $shell" >&2
  install "$shell" || echo "no $shell: the page's tests use a full Chromium" >&2
fi
if ! is_there "${full[@]}" "$shell"; then
  echo "no Chromium: the page's tests will be skipped. Install it, on Debian with: sudo apt-get install chromium $shell" >&2
fi
