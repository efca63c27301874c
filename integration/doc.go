// Package integration proves Conjunct on the real thing: Open vSwitch in network namespaces, real packets, the real daemon.
// Its tests need root and Debian's openvswitch-switch and say so when they skip; scripts/provision.sh installs what they need.
package integration
