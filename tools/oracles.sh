#!/usr/bin/env bash
# Installs programs that tests compare Ticktape with. Python packages get environments of their own:
# ministack, an independent emulator of AWS, which pins botocore; backtesting, which needs bokeh; and
# services, with 200 MB of alpaca-py and ccxt, clients of services that push prices. Prometheus's
# Alertmanager comes from Debian's package, which is unpacked into .venv: installing it would start a
# service. Its templates have to be where Debian has them.
set -euo pipefail

alertmanager=prometheus-alertmanager
folder=.venv/oracles
templates=/usr/share/prometheus/alertmanager

# Makes an environment for a list, unless the file in the second argument shows that it is there.
package() {
  local there=$folder/$1
  compgen -G "$there/$2" >/dev/null && return
  rm -rf "$there"
  .venv/bin/python -m venv --without-pip "$there" && tools/install.sh "$there" "requirements/$1.txt"
}

unpack() {
  local there=$1
  cd "$there"
  apt-get download -qq "$alertmanager" || { apt-get update -qq && apt-get download -qq "$alertmanager"; }
  dpkg -x "$alertmanager"_*.deb .
}

install() {
  if ! package "$1" "$2" >/dev/null 2>&1; then
    rm -rf "${folder:?}/$1"
    echo "no $1: the tests that need it are skipped. requirements/$1.txt lists it" >&2
  fi
}

install ministack bin/ministack
install backtesting "lib/python*/site-packages/backtesting/__init__.py"
install services "lib/python*/site-packages/ccxt/__init__.py"

if [ -x "$folder/usr/bin/$alertmanager" ] && [ -e "$templates/default.tmpl" ]; then
  exit 0
fi

downloaded=$(mktemp -d)
trap 'rm -rf "$downloaded"' EXIT
chmod 755 "$downloaded"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && (unpack "$downloaded") >/dev/null 2>&1; then
  mkdir -p "$folder/usr/bin"
  cp "$downloaded/usr/bin/$alertmanager" "$folder/usr/bin/"
  mkdir -p "$templates"
  cp -n "$downloaded$templates"/*.tmpl "$templates/"
else
  echo "no Alertmanager: the tests that need it are skipped. Debian's package $alertmanager has it" >&2
fi
