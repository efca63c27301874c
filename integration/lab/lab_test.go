package lab_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// twoHosts is a lab of two hypervisors whose bridges learn like any switch, each with a VM,
// and an outside host: 10.0.0.1 on hv1, 10.0.0.2 on hv2, 10.0.0.9 outside.
type twoHosts struct {
	*lab.Lab
	hv1, hv2 *lab.Hypervisor
	a, b     *lab.Machine
	out      *lab.Host
}

func newTwoHosts(t *testing.T) twoHosts {
	t.Helper()
	l := lab.New(t, lab.Options{Name: t.Name()})
	hvs := l.Hypervisors("hv1", "hv2")
	for _, hv := range hvs {
		hv.CreateBridge("standalone")
		hv.Uplink()
	}
	w := twoHosts{Lab: l, hv1: hvs[0], hv2: hvs[1]}
	w.a = w.hv1.Plug(lab.VM{Name: "a", Addrs: addrs("10.0.0.1/24", "fd00::1/64")})
	w.b = w.hv2.Plug(lab.VM{Name: "b", Addrs: addrs("10.0.0.2/24", "fd00::2/64")})
	w.out = l.Outside(lab.Outside{Name: "out", Addrs: addrs("10.0.0.9/24", "fd00::9/64")})
	return w
}

func addrs(s ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, a := range s {
		ps = append(ps, netip.MustParsePrefix(a))
	}
	return ps
}

func TestEverybodyReachesEverybody(t *testing.T) {
	t.Parallel()
	w := newTwoHosts(t)
	hosts := []*lab.Host{w.a.Host, w.b.Host, w.out}
	for _, h := range hosts {
		h.ListenTCP(80)
		h.ListenUDP(53)
	}
	for _, from := range hosts {
		for _, to := range hosts {
			if from == to {
				continue
			}
			for _, a := range to.Addrs {
				require.Equal(t, lab.Open, from.Try(lab.Ping(a.Addr())), "%s pings %s", from.Label, a)
				require.Equal(t, lab.Open, from.Try(lab.TCP(a.Addr(), 80)), "%s to %s", from.Label, a)
				require.Equal(t, lab.Refused, from.Try(lab.TCP(a.Addr(), 81)), "%s to %s", from.Label, a)
				require.Equal(t, lab.Open, from.Try(lab.UDP(a.Addr(), 53)), "%s to %s", from.Label, a)
				require.Equal(t, lab.Refused, from.Try(lab.UDP(a.Addr(), 54)), "%s to %s", from.Label, a)
			}
		}
	}
}
