#!/bin/sh
# Unpacks Debian's Cyrus and Courier where the testkit looks for them, without installing them.
#
# Debian lets only one IMAP server be installed at a time; Dovecot is to be that one. Nothing of
# the system is changed, and nothing is started. Needs apt with reachable package lists, and for
# Cyrus the installed packages sasl2-bin and libsasl2-modules.
#
# Usage: unpack-servers.sh [DIRECTORY]    (default: target/test-servers of the workspace;
#        for another one set OFFLINEIMAP_TEST_SERVERS to it when the tests run)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=${1:-$here/../../target/test-servers}
mkdir -p "$root"
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
mkdir "$packages/partial"

# One at a time, because they conflict with each other as well.
for server in cyrus-imapd courier-imap; do
    apt-get install --yes --quiet --download-only --no-install-recommends \
        -o Dir::Cache::archives="$packages" -o APT::Sandbox::User=root "$server" >/dev/null
done
for package in "$packages"/*.deb; do
    dpkg -x "$package" "$root"
done
