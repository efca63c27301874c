package cloud

import (
	"net/netip"
	"path/filepath"
	"time"

	"conjunct/api"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// Hosts of the worked example that no hypervisor runs.
const (
	Internet = "internet" // 192.0.2.10 and 2001:db8:ffff::10; it is the VMs' gateway too
	Metadata = "metadata" // 169.254.169.254
)

// Tiers is the stage of the worked example: the VMs of examples/lab.yaml on hv1 and hv2 and a host on the Internet.
type Tiers struct {
	*Cloud
	Hosts    map[string]*lab.Host
	examples string
}

// placed says on which hypervisor each VM runs.
var placed = []struct{ vm, hypervisor string }{
	{"jumphost", "hv1"}, {"web", "hv1"}, {"app", "hv2"}, {"database", "hv2"}, {"plain-1", "hv1"}, {"plain-2", "hv2"},
}

// NewTiers sets the stage. done is told of every step with what it was and how long it took.
func NewTiers(build func() *Cloud, examples string, done func(what string, took time.Duration)) *Tiers {
	x := &Tiers{examples: examples, Hosts: map[string]*lab.Host{}}
	step(done, "conjunctd, hypervisors hv1 and hv2 with an Open vSwitch each", func() { x.Cloud = build() })
	step(done, "a project, a network, four VMs in Conjunct", func() { x.Apply(x.example("lab.yaml"), "") })
	x.Hosts[Internet] = x.Outside(lab.Outside{Name: Internet, Addrs: prefixes(
		"192.0.2.10/24", "10.0.0.1/24", "2001:db8:ffff::10/64", "2001:db8:0:1::1/64",
	)})
	x.plug(done, "jumphost", "web", "app", "database")
	return x
}

// AddPlain adds two VMs without any security group, one on each hypervisor, and a metadata service.
func (x *Tiers) AddPlain(done func(what string, took time.Duration)) {
	step(done, "two VMs without any security group", func() { x.Apply(x.example("plain.yaml"), "shop") })
	x.plug(done, "plain-1", "plain-2")
	x.Hosts[Metadata] = x.Outside(lab.Outside{Name: Metadata, Addrs: prefixes("169.254.169.254/32", "10.0.0.254/24")})
}

func (x *Tiers) plug(done func(string, time.Duration), vms ...string) {
	routes := []lab.Route{
		{To: netip.MustParsePrefix("192.0.2.0/24"), Via: netip.MustParseAddr("10.0.0.1")},
		{To: netip.MustParsePrefix("2001:db8:ffff::/64"), Via: netip.MustParseAddr("2001:db8:0:1::1")},
		{To: netip.MustParsePrefix("169.254.169.254/32")},
	}
	for _, p := range placed {
		for _, vm := range vms {
			if vm == p.vm {
				step(done, "VM "+vm+" plugged into "+p.hypervisor+"; its flows are confirmed", func() {
					x.Hosts[vm] = x.Plug(p.hypervisor, vm, PortOf(vm), routes...).Host
				})
			}
		}
	}
}

// ApplyTiers applies the security groups of the worked example.
func (x *Tiers) ApplyTiers() { x.Apply(x.example("tiers.yaml"), "shop") }

// SetProfile has another profile judge the VPC, while everything lives.
func (x *Tiers) SetProfile(name policy.ProfileName) {
	x.t.Helper()
	vpcs, err := x.API.VPCs().List(x.ctx(), api.Query("name", "net"))
	x.Must(err)
	for _, vpc := range vpcs {
		_, err := x.API.VPCs().Patch(x.ctx(), vpc.ID, map[string]any{"profile": name}, api.WaitApplied(Patience))
		x.Must(err)
	}
	x.Settle()
}

func (x *Tiers) example(file string) string { return filepath.Join(x.examples, file) }

func step(done func(string, time.Duration), what string, do func()) {
	begin := time.Now()
	do()
	if done != nil {
		done(what, time.Since(begin))
	}
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}
