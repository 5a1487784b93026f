#!/bin/sh
# After an installation or an upgrade: systemd reads the units, and running services restart with
# the new program. None is started or enabled automatically, because a node needs the address of its
# ring first. Data folders aren't touched.
set -e
[ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
systemctl try-restart p2pchord.service p2pchord-bootstrap.service || true
