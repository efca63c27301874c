package integration

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// TestA068_BothInterfacesOfAVM gives one VM a public interface and one in a VPC of another profile, which has the same addresses as a third
// VPC: each is judged by its own profile, with the groups of the VM.
func TestA068_BothInterfacesOfAVM(t *testing.T) {
	w := newTown(t) // VPC v, the public one: isolated
	_, err := w.API.VPCs().Put(w.ctx, "private", &api.VPC{Name: "private", ProjectID: "p", Profile: policy.ProfileOpenUntilRuled})
	w.Must(err)
	_, err = w.API.Subnets().Put(w.ctx, "inside", &api.Subnet{Name: "inside", VPCID: "private", VLAN: 200, CIDRs: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/64"),
	}})
	w.Must(err)
	w.network("stranger", "elsewhere", 300)
	// An interface is a machine of its own here: what is judged is a port.
	public := w.vm("web", "hv1", 10)
	_, err = w.API.Ports().Put(w.ctx, "web-inside", &api.Port{Port: policy.Port{
		InstanceID: "web", SubnetID: "inside", MAC: policy.MAC{0xfa, 0x16, 0x3e, 1, 0, 10},
		Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("fd00::10")},
	}})
	w.Must(err)
	private := w.Plug("hv1", "web-in", "web-inside")
	serve(private.Host)
	internet := w.Outside(lab.Outside{Name: "internet", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.200/24"), netip.MustParsePrefix("fd00::200/64")}})
	serve(internet)
	peer := w.Plug("hv2", "peer", w.declare("peer", "inside", 20))
	serve(peer.Host)
	stranger := w.Plug("hv2", "stranger", w.declare("stranger", "elsewhere", 20))
	serve(stranger.Host)
	each := func(from *lab.Host, to *lab.Host, port uint16, passes bool) {
		t.Helper()
		for _, p := range both(to, tcpTo(port)) {
			if passes {
				w.passes(from, p)
			} else {
				w.stops(from, p)
			}
		}
	}
	t.Run("A-071 a public address gives no access by itself", func(t *testing.T) {
		each(internet, public.Host, portA, false)
		each(public.Host, internet, portA, true) // the default group
	})
	t.Run("A-069 inside the other VPC everything is open until a group has rules", func(t *testing.T) {
		each(peer.Host, private.Host, portA, true)
		each(peer.Host, private.Host, portB, true)
		each(private.Host, peer.Host, portB, true)
	})
	w.group("web", ingress(policy.TCP, int(portA)))
	w.assign("web", "web")
	t.Run("a group of the VM counts on both", func(t *testing.T) {
		each(internet, public.Host, portA, true)
		each(internet, public.Host, portB, false)
		each(peer.Host, private.Host, portA, true)
		each(peer.Host, private.Host, portB, false)
	})
	t.Run("and a direction without rules is each profile's own", func(t *testing.T) {
		each(public.Host, internet, portA, false)
		each(private.Host, peer.Host, portB, true)
	})
	t.Run("nobody reaches the same address of another VPC", func(t *testing.T) {
		require.NotEqual(t, lab.Open, stranger.Try(lab.TCP(private.Addr4(), portA)))
		require.NotEqual(t, lab.Open, internet.Try(lab.TCP(peer.Addr4(), portB)))
	})
}

// TestA067_MigrationUnderTraffic moves a VM while it receives and while somebody tries what is not allowed: what is lost lies between
// unplugging and the mark, and nothing gets through that should not, at no moment.
func TestA067_MigrationUnderTraffic(t *testing.T) {
	w := newTown(t)
	// The connection is not known where the client comes anew, so what the server sends on is one of its own.
	w.group("clients", egress(policy.UDP), ingress(policy.UDP))
	w.group("servers", ingress(policy.UDP), egress(policy.UDP))
	w.group("others", egress(policy.All))
	client := w.vm("client", "hv1", 1, "clients")
	server := w.vm("server", "hv2", 2, "servers")
	other := w.vm("other", "hv2", 3, "others")
	stream := client.StreamUDP(server.Host, netip.AddrPortFrom(server.Addr4(), 5001))
	require.True(t, stream.Down.GoesOn(5*time.Second))

	ctx, cancel := context.WithCancel(w.ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	leaks := make(chan string, 100)
	tries := 0
	watch := func(from *lab.Host, probe lab.Probe, count *int) {
		watching.Go(func() {
			for ctx.Err() == nil {
				if from.Try(probe.Within(200*time.Millisecond)) == lab.Open {
					leaks <- probe.String()
				}
				*count++
			}
		})
	}
	back := 0
	watch(other.Host, lab.TCP(server.Addr4(), portA), &tries)
	watch(other.Host, lab.TCP(client.Addr4(), portA), &back)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"resumed with another port number", func() { client.Replug(0) }},
		{"migrated", func() { client.Migrate(w.Hypervisor("hv2")) }},
		{"migrated back", func() { client.Migrate(w.Hypervisor("hv1")) }},
	} {
		step.do()
		w.Active(client)
		w.Until(step.name+": the mark is there", func() bool {
			return client.Hypervisor().Vsctl("--if-exists", "get", "Interface", client.Tap(), "external_ids:conjunct-installed") != ""
		})
		require.True(t, stream.Down.GoesOn(10*time.Second), "%s: it goes on", step.name)
		w.Until(step.name+": no more is lost", func() bool {
			before := stream.Lost(0)
			time.Sleep(300 * time.Millisecond)
			return stream.Lost(time.Second) == before
		})
	}
	cancel()
	watching.Wait()
	require.Empty(t, leaks)
	require.Positive(t, tries)
	require.Positive(t, back)
	t.Logf("%d datagrams of %d were lost in three interruptions", stream.Lost(0), stream.Down.Total()+stream.Lost(0))
}

// TestA067_TwoHostsAtOnce has the VM's interface on the source and on the destination of a migration: both are programmed, and when the source
// is gone the destination goes on without being touched again.
func TestA067_TwoHostsAtOnce(t *testing.T) {
	w := newTown(t)
	w.group("servers", ingress(policy.TCP, int(portA)))
	w.group("clients", egress(policy.All))
	client := w.vm("client", "hv1", 1, "clients")
	source := w.vm("server", "hv1", 2, "servers")
	w.passes(client.Host, lab.TCP(source.Addr4(), portA))
	p, err := w.API.Ports().Get(w.ctx, "server")
	w.Must(err)
	target := w.Hypervisor("hv2").Plug(lab.VM{
		Name: "arriving", IfaceID: p.IfaceID, MAC: source.MAC, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24"), netip.MustParsePrefix("fd00::2/64")},
	})
	serve(target.Host)
	mark := func() string {
		return w.Hypervisor("hv2").Vsctl("--if-exists", "get", "Interface", "arriving", "external_ids:conjunct-installed")
	}
	w.Until("the destination is programmed while the source is still there", func() bool { return mark() != "" })
	source.Unplug()
	w.passesWithin(client.Host, lab.TCP(target.Addr4(), portA), cloud.Patience)
	w.stops(client.Host, lab.TCP(target.Addr4(), portB))
	require.NotEmpty(t, mark())
	w.Until("nothing of it is left at the source", func() bool {
		port, err := w.API.Ports().Get(w.ctx, "server")
		return err == nil && port.State == policy.PortActive
	})
}
