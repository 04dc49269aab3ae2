#!/usr/bin/env bash
# Whether the page's modules and styles have Prettier's form; `--write` gives it to them.
set -euo pipefail
prettier=tests/browser/npm/node_modules/prettier/bin/prettier.cjs
if ! command -v node >/dev/null || [ ! -e "$prettier" ]; then
  echo "skipped: Prettier runs on Node and comes from npm, and one of them is not here"
  exit 0
fi
node "$prettier" "${1:---check}" --log-level warn frontend
