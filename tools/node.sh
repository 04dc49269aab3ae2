#!/usr/bin/env bash
# Installs npm packages for checks and tests: a second Kinesis, the accessibility rules, a type
# checker, a formatter. Without npm those checks and tests are skipped.
set -euo pipefail
if ! command -v npm >/dev/null; then
  echo "no npm: the tests that need Node are skipped. Install it, on Debian with: sudo apt-get install npm" >&2
  exit 0
fi
for folder in tests/node tests/browser/npm; do
  if [ ! "$folder/node_modules/.installed" -nt "$folder/package-lock.json" ]; then
    if npm ci --prefix "$folder" --no-audit --no-fund --silent >/dev/null; then
      touch "$folder/node_modules/.installed"
    else
      echo "npm could not install $folder: the tests that need it are skipped" >&2
    fi
  fi
done
