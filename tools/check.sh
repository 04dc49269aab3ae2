#!/usr/bin/env bash
# Every check of the code that does not run it. The steps run in parallel; their output is printed in
# order. Changes nothing.
set -uo pipefail
bin=.venv/bin
failed=0
names=()
processes=()
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
trap 'kill "${processes[@]}" 2>/dev/null; exit 130' INT TERM

step() {
  names+=("$1")
  "${@:2}" >"$said/${#names[@]}" 2>&1 &
  processes+=($!)
}

report() {
  local name=${names[$1]} output=$said/$(($1 + 1))
  if wait "${processes[$1]}"; then
    echo "ok      $name"
    grep -i skipped "$output" | sed 's/^/        /'
  else
    failed=1
    printf 'FAILED  %s\n%s\n' "$name" "$(cat "$output")"
  fi
}

step format $bin/ruff format --check .
step page tools/page_form.sh
step lint $bin/ruff check .
step types $bin/mypy
step imports $bin/lint-imports
step tests $bin/python -m pytest --collect-only -qq -p no:cacheprovider -m "not long"
step security $bin/bandit -q -r app.py chalicelib producer local commands embedded_aws untrusted costs infra tools -c pyproject.toml
[ -x infra/deploy/check.sh ] && step infrastructure infra/deploy/check.sh
for number in "${!names[@]}"; do report "$number"; done
exit $failed
