#!/bin/sh
# Installs what a Debian machine needs for Conjunct. Quiet when nothing is missing, and then in
# no need of a network; safe to run again.
#
#   scripts/provision.sh [ROLE]
#
#   lab         build, test and `make demo` (the default); no service is started
#   bench       the same, and what `make bench` compares with
#   hypervisor  a host with the kernel datapath, whose switch runs as a service
#   controller  a machine that builds and runs conjunctd, with Redis as a service
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
role=${1:-lab}

case $role in
lab)        packages="openvswitch-switch redis-server iproute2 ethtool util-linux gcc libc6-dev make git ca-certificates curl unzip" ;;
bench)      packages="openvswitch-switch redis-server iproute2 ethtool util-linux gcc libc6-dev make git ca-certificates curl unzip iperf3" ;;
hypervisor) packages="openvswitch-switch iproute2 ethtool" ;;
controller) packages="redis-server gcc libc6-dev make git ca-certificates curl unzip" ;;
*)          echo "provision: no role $role: lab, bench, hypervisor or controller" >&2; exit 2 ;;
esac

# The Go that is installed where there is none, or one too old for go.mod: the toolchain that the
# Go project publishes as a module, by its checksum.
go_version=go1.26.8
go_root=/usr/local/lib/$go_version
go_amd64=30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7
go_arm64=02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99

main() {
	install_packages
	case $role in
	lab | bench | controller) go_is_enough || install_go ;;
	esac
}

install_packages() {
	missing=
	for p in $packages; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^ii' || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	need_root "install$missing"
	echo "provision: installing$missing"
	case $role in lab | bench) hold_services ;; esac
	export DEBIAN_FRONTEND=noninteractive
	# Lists that are there will usually do; what they name may be gone from the mirror, though.
	# shellcheck disable=SC2086 # a list of packages
	apt-get -qq -y --no-install-recommends install $missing >/dev/null 2>&1 ||
		{ quietly apt-get -qq update && quietly apt-get -qq -y --no-install-recommends install $missing; } ||
		fail "can't install$missing"
}

# A lab runs its own switches and its own Redis: the packages' services stay down, unless
# somebody has a say in that already.
hold_services() {
	policy=/usr/sbin/policy-rc.d
	[ ! -e $policy ] || return 0
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
}

go_is_enough() {
	wanted=$(sed -n 's/^go //p' "$here/go.mod")
	found=$(cd "$here" && go version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p')
	[ -n "$found" ] && [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ]
}

install_go() {
	if [ ! -x "$go_root/bin/go" ]; then
		need_root "install $go_version"
		arch=$(dpkg --print-architecture)
		case $arch in
		amd64) sum=$go_amd64 ;;
		arm64) sum=$go_arm64 ;;
		*)     fail "no Go is known for $arch: install $go_version yourself" ;;
		esac
		echo "provision: installing $go_version"
		work=$(mktemp -d /usr/local/lib/.conjunct-go.XXXXXX)
		name=v0.0.1-$go_version.linux-$arch
		if ! { curl -sSfL -o "$work/go.zip" "https://proxy.golang.org/golang.org/toolchain/@v/$name.zip" &&
			echo "$sum  $work/go.zip" | sha256sum --check --quiet &&
			unzip -q "$work/go.zip" -d "$work"; }; then
			rm -rf "$work"
			fail "can't install $go_version"
		fi
		unpacked=$work/golang.org/toolchain@$name
		chmod 755 "$unpacked"/bin/* "$unpacked"/pkg/tool/*/* # a module has no executable files
		chmod 755 "$work"
		mv "$unpacked" "$go_root"
		rm -rf "$work"
	fi
	ln -sf "$go_root/bin/go" "$go_root/bin/gofmt" /usr/local/bin/
	go_is_enough || fail "/usr/local/bin/go is not the go that PATH finds: $(command -v go || echo none)"
}

need_root() {
	[ "$(id -u)" = 0 ] || fail "root is needed to $1"
}

# quietly shows the output of a command only when it fails.
quietly() {
	output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

fail() {
	echo "provision: $1" >&2
	exit 1
}

main
