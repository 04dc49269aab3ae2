#!/usr/bin/env bash
# Everything that can be said about the code without running it. Changes nothing.
set -uo pipefail
bin=.venv/bin
failed=0

step() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "ok      $name"
    grep -i skipped <<<"$output" | sed 's/^/        /'
  else
    failed=1
    printf 'FAILED  %s\n%s\n' "$name" "$output"
  fi
}

step format $bin/ruff format --check .
step lint $bin/ruff check .
step types $bin/mypy
step imports $bin/lint-imports
step security $bin/bandit -q -r app.py chalicelib producer local infra tools -c pyproject.toml
[ -x infra/deploy/check.sh ] && step infrastructure infra/deploy/check.sh
exit $failed
