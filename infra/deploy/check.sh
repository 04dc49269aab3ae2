#!/usr/bin/env bash
# Static checks of infra/ and of pinned packages. Checks whose tools are not available are skipped with
# the reason. Changes only its own environments.
set -uo pipefail
make=(make --no-print-directory --silent)
failed=0
for target in terraform-check checkov audit; do
  "${make[@]}" "$target" || failed=1
done
exit $failed
