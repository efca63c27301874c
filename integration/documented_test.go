package integration

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// documented are the examples of a cloud's manual, each as its table has it, and what a VM with that group then answers. The profile is the
// manual's: a direction without rules is open, and a rule names its IP version.
var documented = []struct {
	name  string
	rules []policy.Rule
	// open are the services that each of the hosts reaches; everybody else reaches none. 0 is ping.
	open map[string][]uint16
}{
	{"SSH from anywhere", []policy.Rule{v4(ingress(policy.TCP, 22), "0.0.0.0/0")}, map[string][]uint16{"inside": {22}, "outside": {22}, "web": {22}}},
	{"HTTP and HTTPS", []policy.Rule{v4(ingress(policy.TCP, 80), "0.0.0.0/0"), v4(ingress(policy.TCP, 443), "0.0.0.0/0")},
		map[string][]uint16{"inside": {80, 443}, "outside": {80, 443}, "web": {80, 443}}},
	{"all traffic from a private network", []policy.Rule{v4(ingress(policy.All), "10.0.0.0/8")},
		map[string][]uint16{"inside": {0, 22, 80, 443, 3306}, "web": {0, 22, 80, 443, 3306}}},
	{"ping", []policy.Rule{v4(ingress(policy.ICMP), "0.0.0.0/0")}, map[string][]uint16{"inside": {0}, "outside": {0}, "web": {0}}},
	{"the database from web servers only", []policy.Rule{v4(fromGroup(ingress(policy.TCP, 3306), "web-servers"))}, map[string][]uint16{"web": {3306}}},
}

// v4 is the rule for IPv4, from the CIDRs where there are some, else from where it said.
func v4(r policy.Rule, prefixes ...string) policy.Rule {
	if len(prefixes) > 0 {
		r.Remote = cidrs(prefixes...)
	}
	return versioned(r, 4, r.Remote)
}

func versioned(r policy.Rule, version int, from policy.Remote) policy.Rule {
	r.IPVersion, r.Remote = &version, from
	return r
}

func cidrs(prefixes ...string) (r policy.Remote) {
	for _, c := range prefixes {
		r.CIDRs = append(r.CIDRs, policy.CIDR(netip.MustParsePrefix(c)))
	}
	return r
}

// TestA054_DocumentedExamples gives a VM each of the documented groups in turn and has a VM inside, a web server and a host on
// the Internet try everything.
func TestA054_DocumentedExamples(t *testing.T) {
	w := newTown(t, "--profile="+string(policy.ProfileOpenUntilRuled))
	services := []uint16{22, 80, 443, 3306}
	w.group("web-servers")
	internet := w.Outside(lab.Outside{Name: "internet", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("192.0.2.10/24")}})
	server := w.Plug("hv1", "server", w.declare("server", "lan", 2), lab.Route{To: netip.MustParsePrefix("192.0.2.0/24"), Via: netip.MustParseAddr("10.0.0.1")})
	server.ListenTCP(services...)
	from := map[string]*lab.Host{
		"inside": w.vm("inside", "hv2", 3).Host, "web": w.vm("web", "hv1", 4, "web-servers").Host, "outside": internet,
	}
	source := map[string]netip.Addr{"outside": netip.MustParseAddr("192.0.2.10")}
	for _, example := range documented {
		t.Run(example.name, func(t *testing.T) {
			w.group("example", example.rules...)
			w.assign("server", "example")
			var matrix []cell
			for name, host := range from {
				for _, port := range append([]uint16{0}, services...) {
					probe := lab.TCP(server.Addr4(), port)
					if port == 0 {
						probe = lab.Ping(server.Addr4())
					}
					matrix = append(matrix, cell{host, probe.As(source[name]), slices.Contains(example.open[name], port)})
				}
			}
			w.measures(t, matrix)
		})
	}
	t.Run("A-010 without any ingress rule everything is open again", func(t *testing.T) {
		w.group("example")
		var matrix []cell
		for name, host := range from {
			matrix = append(matrix, cell{host, lab.TCP(server.Addr4(), 3306).As(source[name]), true})
		}
		w.measures(t, matrix)
	})
}

// TestA070_WebAndDatabaseSubnets is the documented use case: a VPC with a subnet of web servers and one of databases, a router between
// them; the databases accept connections from the web subnet only. At first everything in the VPC is open.
func TestA070_WebAndDatabaseSubnets(t *testing.T) {
	w := newTown(t, "--profile="+string(policy.ProfileOpenUntilRuled))
	routes := w.subnets("v2", subnet{"web", 10, 1}, subnet{"databases", 20, 2}, subnet{"others", 30, 3})
	hosts := map[string]*lab.Host{}
	for i, vm := range []struct{ name, subnet, hypervisor string }{
		{"web-1", "web", "hv1"}, {"web-2", "web", "hv2"}, {"db-1", "databases", "hv1"}, {"db-2", "databases", "hv2"}, {"other", "others", "hv1"},
	} {
		hosts[vm.name] = w.Plug(vm.hypervisor, vm.name, w.declareAt(vm.name, vm.subnet, byte(10+i)), routes[vm.subnet]...).Host
		hosts[vm.name].ListenTCP(3306, 22)
	}
	measure := func(t *testing.T, open func(from, to string, port uint16) bool) {
		var matrix []cell
		for from, host := range hosts {
			for to, target := range hosts {
				for _, port := range []uint16{3306, 22} {
					if from != to {
						matrix = append(matrix, cell{host, lab.TCP(target.Addr4(), port), open(from, to, port)},
							cell{host, lab.TCP(target.Addr6(), port), open(from, to, port)})
					}
				}
			}
		}
		w.measures(t, matrix)
	}
	isDB := func(name string) bool { return strings.HasPrefix(name, "db-") }
	isWeb := func(name string) bool { return strings.HasPrefix(name, "web-") }
	t.Run("A-072 without groups everything in the VPC is open", func(t *testing.T) {
		measure(t, func(string, string, uint16) bool { return true })
	})
	for name, remotes := range map[string][]policy.Rule{
		"A-038 A-069 by the subnet's name": {versioned(ingress(policy.TCP, 3306), 4, policy.Remote{SubnetID: "web"}), versioned(ingress(policy.TCP, 3306), 6, policy.Remote{SubnetID: "web"})},
		"A-033 A-069 by its CIDRs":         {v4(ingress(policy.TCP, 3306), "10.0.1.0/24"), versioned(ingress(policy.TCP, 3306), 6, cidrs("fd00:0:0:1::/64"))},
	} {
		t.Run(name, func(t *testing.T) {
			w.group("only-web", remotes...)
			w.assign("db-1", "only-web")
			w.assign("db-2", "only-web")
			measure(t, func(from, to string, port uint16) bool { return !isDB(to) || (isWeb(from) && port == 3306) })
		})
	}
}

// TestA074_OwnSubnet: without any chosen group, VMs of a subnet reach each other on both hosts and in both families; nobody of
// another subnet reaches them, not by an address of theirs either, and an address that moves takes its trust along.
func TestA074_OwnSubnet(t *testing.T) {
	w := newTown(t, "--profile="+string(policy.ProfileSubnetTrust))
	routes := w.subnets("v2", subnet{"front", 10, 1}, subnet{"back", 20, 2})
	hosts := map[string]*lab.Host{}
	for i, vm := range []struct{ name, subnet, hypervisor string }{
		{"front-1", "front", "hv1"}, {"front-2", "front", "hv2"}, {"front-3", "front", "hv1"}, {"back-1", "back", "hv1"}, {"back-2", "back", "hv2"},
	} {
		hosts[vm.name] = w.Plug(vm.hypervisor, vm.name, w.declareAt(vm.name, vm.subnet, byte(10+i)), routes[vm.subnet]...).Host
		hosts[vm.name].ListenTCP(portA)
	}
	var matrix []cell
	for from, host := range hosts {
		for to, target := range hosts {
			if from != to {
				open := from[:4] == to[:4]
				matrix = append(matrix, cell{host, lab.TCP(target.Addr4(), portA), open}, cell{host, lab.TCP(target.Addr6(), portA), open})
			}
		}
	}
	w.measures(t, matrix)

	// back-1 moves to an address of the front subnet, which its own subnet does not have: it is refused where it is written.
	_, err := w.API.Ports().Patch(w.ctx, "back-1", map[string]any{"addresses": []string{"10.0.1.99"}})
	require.ErrorContains(t, err, "10.0.1.99")
	// The port itself moves to the front subnet, on paper; the machine still speaks from where it was.
	w.Must(w.API.Ports().Delete(w.ctx, "back-1", api.WaitApplied(cloud.Patience)))
	w.declareAt("back-1", "front", 40)
	w.stops(hosts["back-1"], lab.TCP(hosts["front-1"].Addr4(), portA))
	w.stops(hosts["front-1"], lab.TCP(hosts["back-1"].Addr4(), portA))
	w.stops(hosts["back-2"], lab.TCP(hosts["back-1"].Addr4(), portA))
}
