#!/usr/bin/env bash
# Programs that tests compare Ticktape with: ministack, an independent emulator of AWS, in an environment
# of its own since it pins botocore; and Prometheus's Alertmanager, from Debian's package. The latter is
# unpacked into .venv and not installed, since that would start a service. Its templates have to
# stand where Debian has them.
set -euo pipefail

package=prometheus-alertmanager
folder=.venv/oracles
templates=/usr/share/prometheus/alertmanager

ministack() {
  local there=$folder/ministack
  [ -x "$there/bin/ministack" ] && return
  .venv/bin/python -m venv --without-pip "$there" && tools/install.sh "$there" requirements/ministack.txt
}

unpack() {
  local there=$1
  cd "$there"
  apt-get download -qq "$package" || { apt-get update -qq && apt-get download -qq "$package"; }
  dpkg -x "$package"_*.deb .
}

if ! ministack >/dev/null 2>&1; then
  rm -rf "$folder/ministack"
  echo "no ministack: the tests beside it are skipped. requirements/ministack.txt has it" >&2
fi

if [ -x "$folder/usr/bin/$package" ] && [ -e "$templates/default.tmpl" ]; then
  exit 0
fi

downloaded=$(mktemp -d)
trap 'rm -rf "$downloaded"' EXIT
chmod 755 "$downloaded"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && (unpack "$downloaded") >/dev/null 2>&1; then
  mkdir -p "$folder/usr/bin"
  cp "$downloaded/usr/bin/$package" "$folder/usr/bin/"
  mkdir -p "$templates"
  cp -n "$downloaded$templates"/*.tmpl "$templates/"
else
  echo "no Alertmanager: the tests beside it are skipped. Debian's package $package has it" >&2
fi
