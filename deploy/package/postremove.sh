#!/bin/sh
# After a removal systemd forgets the units. The data of the peers, in /var/lib/p2pchord and
# /var/lib/p2pchord-bootstrap, stays, even with "purge": it may have the last copies of files.
set -e
[ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
