#!/usr/bin/env bash
# Install a pinned list into a virtual environment: tools/install.sh .venv requirements/dev.txt
# uv takes a fifth of pip's time and is a pinned package itself. If it is not available or fails, pip
# installs the list. Neither builds packages, which would run code that no hash covers, and neither
# compiles: Python compiles modules on import.
set -euo pipefail
environment=$1 list=$2
tools=.venv/bin

pip() { $tools/python -m pip --disable-pip-version-check "$@"; }

# uv does not read pip's configuration, so it gets pip's indexes, folders and certificates here. Like
# pip, it treats several indexes equally.
follow_pip() {
  local settings
  settings=$(pip config list)
  setting() { sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" <<<"$settings" | head -n 1; }
  tell UV_DEFAULT_INDEX "$(setting index-url)"
  tell UV_INDEX "$(setting extra-index-url)"
  tell UV_FIND_LINKS "$(setting find-links)"
  tell SSL_CERT_FILE "$(setting cert)"
  tell UV_HTTP_TIMEOUT "$(setting default-timeout)"
  tell UV_INDEX_STRATEGY unsafe-best-match
}

# Set and export a variable, unless it is set already or there is nothing to set.
tell() { if [ -n "$2" ] && [ -z "${!1:-}" ]; then export "$1=$2"; fi; }

with_uv() {
  [ -x $tools/uv ] || pip install --quiet --no-compile --require-hashes --only-binary :all: -r requirements/uv.txt || return
  follow_pip
  $tools/uv pip install --quiet --require-hashes --no-build --python "$environment/bin/python" -r "$list"
}

with_pip() {
  pip --python "$environment/bin/python" install --quiet --no-compile --require-hashes --only-binary :all: -r "$list"
}

if ! reason=$(with_uv 2>&1); then
  echo "uv cannot install $list, so pip does: ${reason##*$'\n'}" >&2
  with_pip 2> >(grep -v "^WARNING: Location" >&2)
fi
