#!/bin/sh
# Installs conjunctd on this machine as a service, for hypervisors and users that reach it at
# an address:
#
#   scripts/controller.sh ADDRESS
#
# It speaks plain TCP and HTTP there: a network of its own, not the internet. With DESTDIR set
# the files go below that directory and no service is touched.
set -eu

if [ $# != 1 ]; then
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
address=$1
here=$(cd "$(dirname "$0")/.." && pwd)
root=${DESTDIR-}

make -s -C "$here" build
mkdir -p "$root/usr/local/bin" "$root/etc/conjunct" "$root/etc/systemd/system"
install -m 755 "$here/bin/conjunctd" "$here/bin/conjunct" "$root/usr/local/bin/"
cat >"$root/etc/conjunct/conjunctd.yaml" <<END
data_dir: $root/var/lib/conjunct
api: {listen: "$address:8440", insecure: true}
ovsdb: {listen: "tcp:$address:6640"}
openflow: {listen: "tcp:$address:6653", advertise: "tcp:$address:6653"}
redis: {url: "redis://127.0.0.1:6379/0"}
END
cat >"$root/etc/systemd/system/conjunctd.service" <<END
[Unit]
Description=Conjunct, security groups for Open vSwitch
Wants=network-online.target
After=network-online.target redis-server.service

[Service]
ExecStart=/usr/local/bin/conjunctd serve --config /etc/conjunct/conjunctd.yaml
Restart=always

[Install]
WantedBy=multi-user.target
END
[ -z "$root" ] || exit 0
systemctl daemon-reload
systemctl enable --quiet conjunctd
systemctl restart conjunctd
