package integration

import (
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// TestLiveConnections changes rules under open connections, on one host and across two: a TCP conversation, and a UDP server that
// streams to a client that has gone silent.
func TestLiveConnections(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("servers", ingress(policy.TCP), ingress(policy.UDP))
	client := w.vm("client", "hv1", 1, "clients")
	near := w.vm("near", "hv1", 2, "servers")
	far := w.vm("far", "hv2", 3, "servers")
	streams := map[string]*lab.Stream{}
	for name, server := range map[string]*lab.Host{"near": near.Host, "far": far.Host} {
		streams["tcp "+name] = client.StreamTCP(server, netip.AddrPortFrom(server.Addr4(), 5001))
		streams["tcp6 "+name] = client.StreamTCP(server, netip.AddrPortFrom(server.Addr6(), 5002))
		streams["udp "+name] = client.StreamUDP(server, netip.AddrPortFrom(server.Addr4(), 5003))
	}
	for name, s := range streams {
		require.True(t, s.Down.GoesOn(5*time.Second), "%s flows", name)
	}
	w.group("servers")
	for name, s := range streams {
		_, stopped := s.Down.Stops(300*time.Millisecond, 5*time.Second)
		require.True(t, stopped, "%s stops when its rule goes, also where only the server speaks", name)
	}
	w.group("servers", ingress(policy.TCP), ingress(policy.UDP))
	for name, s := range streams {
		require.True(t, s.Down.GoesOn(10*time.Second), "%s goes on when the rule is back", name)
	}
	t.Run("the client's side cuts too", func(t *testing.T) {
		w.group("clients")
		for name, s := range streams {
			_, stopped := s.Down.Stops(300*time.Millisecond, 5*time.Second)
			require.True(t, stopped, "%s", name)
		}
	})
}

// TestKilledController kills conjunctd with SIGKILL under traffic and starts it again: not a packet is lost, and not a flow is
// touched.
func TestKilledController(t *testing.T) {
	w := newTown(t)
	w.group("clients", egress(policy.All))
	w.group("servers", fromGroup(ingress(policy.UDP), "clients"))
	client := w.vm("client", "hv1", 1, "clients")
	near := w.vm("near", "hv1", 2, "servers")
	far := w.vm("far", "hv2", 3, "servers")
	streams := []*lab.Stream{
		client.StreamUDP(near.Host, netip.AddrPortFrom(near.Addr4(), 5001)),
		client.StreamUDP(far.Host, netip.AddrPortFrom(far.Addr6(), 5001)),
	}
	before := w.Hypervisor("hv1").DumpFlows()
	w.KillDaemon()
	time.Sleep(time.Second)
	w.StartDaemon()
	w.Until("both hosts are ready", func() bool {
		for _, name := range []string{"hv1", "hv2"} {
			if h, err := w.API.Hypervisors().Get(w.ctx, name); err != nil || h.State != policy.HostReady {
				return false
			}
		}
		return true
	})
	for _, s := range streams {
		require.Zero(t, s.Lost(2*time.Second), "datagrams lost")
		require.Greater(t, s.Down.Total(), 100)
	}
	require.Equal(t, before, w.Hypervisor("hv1").DumpFlows())
	r, err := w.API.HTTP.Get(w.Server + "/metrics")
	require.NoError(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Contains(t, string(body), "\nconjunct_bundles_total 0\n", "the controller that came back sent something")
	w.group("servers", fromGroup(ingress(policy.UDP), "clients"), ingress(policy.TCP))
	w.passes(client.Host, lab.TCP(far.Addr4(), portA))
	require.NoError(t, w.StopDaemon(), "SIGTERM ends conjunctd with status 0")
	w.passes(client.Host, lab.TCP(far.Addr4(), portA))
}

// TestTwoVPCs gives two VPCs the same addresses: neither sees the other, on one host or across, and members of a group count in
// their own VPC only.
func TestTwoVPCs(t *testing.T) {
	w := newTown(t)
	w.network("v2", "lan-two", 200)
	w.group("g", egress(policy.All), fromGroup(ingress(policy.TCP, int(portA)), "g"), fromGroup(ingress(policy.ICMP), "g"))
	vms := map[string]*cloud.VM{}
	for name, at := range map[string]struct {
		hv, subnet string
		n          byte
	}{"one-a": {"hv1", "lan", 1}, "one-b": {"hv2", "lan", 2}, "two-a": {"hv1", "lan-two", 1}, "two-b": {"hv2", "lan-two", 2}, "two-c": {"hv1", "lan-two", 3}} {
		vms[name] = w.Plug(at.hv, name, w.declare(name, at.subnet, at.n, "g"))
		serve(vms[name].Host)
	}
	for _, vpc := range []string{"one", "two"} {
		for _, p := range both(vms[vpc+"-b"].Host, tcpTo(portA)) {
			w.passes(vms[vpc+"-a"].Host, p)
		}
	}
	// 10.0.0.3 exists in the second VPC only.
	require.NotEqual(t, lab.Open, vms["one-a"].Try(lab.TCP(vms["two-c"].Addr4(), portA)))
	w.passes(vms["two-a"].Host, lab.TCP(vms["two-c"].Addr4(), portA))
	// one-b leaves the group; two-b has the same address and stays.
	w.group("plain", egress(policy.All))
	w.assign("one-b", "plain")
	w.stops(vms["one-b"].Host, lab.TCP(vms["one-a"].Addr4(), portA))
	w.passes(vms["two-b"].Host, lab.TCP(vms["two-a"].Addr4(), portA))
}

// TestA129_DHCPWithoutAnyRule: a VM whose group allows nothing gets its address from a server on the fabric, and from a VM with
// the role; a VM without the role does not serve.
func TestA129_DHCPWithoutAnyRule(t *testing.T) {
	w := newTown(t)
	w.group("nothing")
	client := w.vm("client", "hv1", 1, "nothing")
	pretender := w.vm("pretender", "hv1", 2, "nothing")
	leases := map[string]netip.Addr{client.MAC.String(): client.Addr4()}
	pretender.ServeDHCP(leases)
	_, outcome := client.DHCP(time.Second)
	require.NotEqual(t, lab.Open, outcome, "a VM does not serve")
	_, err := w.API.Ports().Patch(w.ctx, "pretender", map[string]any{"roles": []string{"dhcp_server"}}, api.WaitApplied(cloud.Patience))
	w.Must(err)
	var got netip.Addr
	w.Until("the VM with the role serves a client that asks again, as clients do", func() bool {
		got, outcome = client.DHCP(time.Second)
		return outcome == lab.Open
	})
	require.Equal(t, client.Addr4(), got)
}
