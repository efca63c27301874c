#!/bin/sh
# Plugs a machine made of a network namespace into this hypervisor, to try things with:
#
#   scripts/vm.sh NAME MAC CIDR...   make it; its port has iface-id NAME
#   scripts/vm.sh -d NAME            remove it
#
# `ip netns exec NAME ping ...` is the machine's console.
set -eu

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

bridge=br-int
if [ "${1-}" = -d ]; then
	[ $# = 2 ] || usage
	ovs-vsctl --if-exists del-port $bridge "$2"
	ip netns delete "$2" # and with it the cable
	exit 0
fi
[ $# -ge 3 ] || usage
name=$1 mac=$2
shift 2

ip netns add "$name"
ip link add "$name" type veth peer name eth0 address "$mac" netns "$name"
# The userspace datapath passes on packets as they are, so they need their checksums.
ethtool -K "$name" tx off >/dev/null
ip netns exec "$name" ethtool -K eth0 tx off >/dev/null
for cidr; do
	case $cidr in
	*:*) ip -n "$name" address add "$cidr" dev eth0 nodad ;;
	*) ip -n "$name" address add "$cidr" dev eth0 ;;
	esac
done
ip -n "$name" link set dev lo up
ip -n "$name" link set dev eth0 up
ip link set dev "$name" up
ovs-vsctl add-port $bridge "$name" -- set Interface "$name" \
	"external_ids:iface-id=$name" "external_ids:attached-mac=\"$mac\""
