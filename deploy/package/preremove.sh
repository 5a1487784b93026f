#!/bin/sh
# Before the program is removed, but not when it is only replaced (deb: "remove"; rpm: 0 are left):
# the services end, which hands over files that have too few copies elsewhere.
set -e
[ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ] || exit 0
case "$1" in
remove | 0) systemctl disable --now p2pchord.service p2pchord-bootstrap.service || true ;;
esac
