#!/usr/bin/env bash
# Make .venv and install a pinned list into it: tools/venv.sh requirements/run.txt STAMP
set -euo pipefail
list=$1 stamp=$2

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && fits "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  echo "Ticktape needs Python 3.11, 3.12 or 3.13; none was found (set PYTHON=/path/to/python3)." >&2
  return 2
}

# Debian has venv in a separate package.
add_venv_module() {
  local package
  package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing $package" >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >/dev/null
  else
    echo "Python's venv module is missing; install it first, on Debian or Ubuntu with: sudo apt-get install $package" >&2
    return 2
  fi
}

if [ ! -x .venv/bin/python ] || ! fits .venv/bin/python; then
  python=$(find_python)
  "$python" -c 'import ensurepip, venv' 2>/dev/null || add_venv_module "$python"
  "$python" -m venv --clear .venv
fi
echo "installing $list into .venv (a few minutes the first time)" >&2
tools/install.sh .venv "$list"
touch "$stamp"
