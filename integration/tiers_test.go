package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/integration/cloud"
	"conjunct/integration/lab"
)

// tiersPorts are the services that every host of the worked example offers.
var tiersPorts = []uint16{22, 80, 443, 3306, 8080}

// tiersAllowed is what the worked example allows, and nothing else: from → to → ports. 0 is ping.
var tiersAllowed = map[string]map[string][]uint16{
	"internet": {"jumphost": {22}, "web": {80, 443}},
	"jumphost": {"web": {22}, "app": {22}, "database": {22}},
	"web":      {"app": {8080}},
	"app":      {"database": {3306}},
}

func newTiers(t *testing.T) (*cloud.Cloud, map[string]*lab.Host) {
	if err := lab.Usable(); err != nil {
		t.Skip(err)
	}
	c := cloud.New(t, cloud.Options{Daemon: daemon, CLI: client, Hypervisors: []string{"hv1", "hv2"}})
	c.Apply("../examples/lab.yaml", "")
	gateway := netip.MustParseAddr("10.0.0.1")
	gateway6 := netip.MustParseAddr("2001:db8:0:1::1")
	routes := []lab.Route{{To: netip.MustParsePrefix("192.0.2.0/24"), Via: gateway}, {To: netip.MustParsePrefix("2001:db8:ffff::/64"), Via: gateway6}}
	hosts := map[string]*lab.Host{
		"internet": c.Outside(lab.Outside{Name: "internet", Addrs: []netip.Prefix{
			netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("10.0.0.1/24"),
			netip.MustParsePrefix("2001:db8:ffff::10/64"), netip.MustParsePrefix("2001:db8:0:1::1/64"),
		}}),
	}
	for name, hv := range map[string]string{"jumphost": "hv1", "web": "hv1", "app": "hv2", "database": "hv2"} {
		hosts[name] = c.Plug(hv, name, cloud.PortOf(name), routes...).Host
	}
	for _, h := range hosts {
		h.ListenTCP(tiersPorts...)
	}
	return c, hosts
}

// TestA128_FourTiers applies the worked example and sends every pair of hosts every service, in both families.
func TestA128_FourTiers(t *testing.T) {
	c, hosts := newTiers(t)
	c.Apply("../examples/tiers.yaml", "shop")
	for _, family := range []int{4, 6} {
		var attempts []lab.Attempt
		var names []string
		var want []bool
		for from := range hosts {
			for to := range hosts {
				if from == to {
					continue
				}
				at := hosts[to].Addr4()
				if family == 6 {
					at = hosts[to].Addr6()
				}
				for _, port := range append([]uint16{0}, tiersPorts...) {
					p := lab.TCP(at, port)
					if port == 0 {
						p = lab.Ping(at)
					}
					named := family == 4 || from != "internet" && to != "internet" // The manifest names 0.0.0.0/0 only.
					attempts = append(attempts, lab.Attempt{From: hosts[from], Probe: p})
					names = append(names, fmt.Sprintf("IPv%d %s → %s %d", family, from, to, port))
					want = append(want, contains(tiersAllowed[from][to], port) && named)
				}
			}
		}
		for i, got := range lab.TryAll(attempts) {
			require.Equal(t, want[i], got == lab.Open, "%s: %s", names[i], got)
		}
	}
}

func contains(ports []uint16, port uint16) bool {
	for _, p := range ports {
		if p == port && p != 0 {
			return true
		}
	}
	return false
}

// TestFlowsReadAlike holds what `conjunct flows` prints against what ovs-ofctl dumps from the bridge: the same lines, but for the
// comments that name rules and ports.
func TestFlowsReadAlike(t *testing.T) {
	c, _ := newTiers(t)
	c.Apply("../examples/tiers.yaml", "shop")
	for _, hv := range []string{"hv1", "hv2"} {
		var ours, installed []string
		comments := 0
		for line := range strings.Lines(c.Conjunct("flows", hv)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "#"):
				comments++
			case line != "":
				ours = append(ours, line)
			}
		}
		for line := range strings.Lines(c.Hypervisor(hv).DumpFlows()) {
			installed = append(installed, strings.TrimSpace(line))
		}
		slices.Sort(ours)
		slices.Sort(installed)
		require.Equal(t, installed, ours, hv)
		require.Positive(t, comments)
		require.Contains(t, c.Conjunct("flows", hv), map[string]string{"hv1": "allowHTTPInbound", "hv2": "allow3306AppInbound"}[hv], "rules are named")
		c.Conjunct("diff", hv) // fails when the bridge differs
	}
}
