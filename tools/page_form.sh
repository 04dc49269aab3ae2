#!/usr/bin/env bash
# Checks the format of the page's modules and styles with Prettier; `--write` formats them.
set -euo pipefail
prettier=tests/browser/npm/node_modules/prettier/bin/prettier.cjs
if ! command -v node >/dev/null || [ ! -e "$prettier" ]; then
  echo "skipped: Prettier or Node is not installed"
  exit 0
fi
node "$prettier" "${1:---check}" --log-level warn frontend
