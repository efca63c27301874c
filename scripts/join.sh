#!/bin/sh
# Makes this machine's Open vSwitch a hypervisor of Conjunct: nothing else runs on it.
#
#   scripts/join.sh TARGET SYSTEM_ID UPLINK
#
#   TARGET     where conjunctd listens: tcp:10.0.0.1:6640 or ssl:10.0.0.1:6640
#   SYSTEM_ID  the hypervisor's id in Conjunct
#   UPLINK     the interface to the other hypervisors; it must carry no address of this machine
set -eu

if [ $# != 3 ]; then
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
target=$1 id=$2 uplink=$3
bridge=br-int
patience=60 # seconds for conjunctd to make the bridge

if [ -n "$(ip -o address show dev "$uplink" scope global)" ]; then
	echo "join: $uplink has an address: whoever reaches this machine there would lose it" >&2
	exit 1
fi
ovs-vsctl set Open_vSwitch . "external_ids:system-id=$id"
ovs-vsctl set-manager "$target"
if ! ovs-vsctl --timeout=$patience wait-until Bridge $bridge 'datapath_id!=[]'; then
	echo "join: $target has made no bridge $bridge within $patience s" >&2
	exit 1
fi
ip link set dev "$uplink" up
ovs-vsctl --may-exist add-port $bridge "$uplink" -- set Port "$uplink" external_ids:conjunct-role=uplink
