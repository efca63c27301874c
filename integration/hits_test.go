package integration

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
	"conjunct/policy"
)

// counting sends known numbers of packets, and knows what each rule must have counted.
type counting struct {
	*town
	want map[string]uint64 // by rule
}

const volley = 20 // pings, and datagrams, per family

// send lets a client ping a server and send it datagrams, which it answers: each exactly so many times, in both families.
func (c *counting) send(from, to *lab.Host) {
	c.t.Helper()
	for _, at := range []netip.Addr{to.Addr4(), to.Addr6()} {
		ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
		out, err := from.Command(ctx, "ping", "-q", "-c", strconv.Itoa(volley), "-i", "0.05", "-W", "5", at.String()).CombinedOutput()
		require.NoError(c.t, err, "%s", out)
		// One socket, which stays open for the answers.
		script := fmt.Sprintf("exec 3<>/dev/udp/%s/%d; for i in $(seq %d); do printf x >&3; sleep 0.02; done; sleep 0.5", at, portA, volley)
		out, err = from.Command(ctx, "bash", "-c", script).CombinedOutput()
		require.NoError(c.t, err, "%s", out)
		cancel()
		c.want["out"] += 4 * volley
		c.want["ping"] += 2 * volley
		c.want["udp"] += 2 * volley
	}
}

func (c *counting) hits() map[string]policy.Hits {
	out := make(map[string]policy.Hits)
	for _, group := range []string{"clients", "servers"} {
		rules, err := c.API.RulesOf(policy.GroupID(group)).List(c.ctx)
		c.Must(err)
		for _, r := range rules {
			if _, ok := c.want[r.Name]; ok {
				out[r.Name] = r.Hits
			}
		}
	}
	return out
}

// exact waits until the rules show what they must, and sees that they show no more a while later.
func (c *counting) exact(when string) {
	c.t.Helper()
	is := func() map[string]uint64 {
		out := make(map[string]uint64)
		for name, h := range c.hits() {
			out[name] = h.Packets
		}
		return out
	}
	require.Eventually(c.t, func() bool { return fmt.Sprint(is()) == fmt.Sprint(c.want) }, 20*time.Second, 300*time.Millisecond,
		"%s: wanted %v", when, c.want)
	time.Sleep(2 * time.Second) // Further readings.
	require.Equal(c.t, c.want, is(), when)
}

// switches is what the switches themselves say of a rule now.
func (c *counting) switches(n policy.Number) (packets uint64) {
	for _, hv := range []string{"hv1", "hv2"} {
		out, err := c.Hypervisor(hv).Ofctl("dump-flows", "br-int", fmt.Sprintf("cookie=0xc0040000%08x/-1", uint32(n)))
		c.Must(err)
		for _, m := range packetsOf.FindAllStringSubmatch(out, -1) {
			p, err := strconv.ParseUint(m[1], 10, 64)
			c.Must(err)
			packets += p
		}
	}
	return packets
}

var packetsOf = regexp.MustCompile(`n_packets=(\d+)`)

// TestHits_Exact counts real packets, on one host and across two: every packet and every answer once for each rule that decided it,
// whatever happens to flows, ports, hosts, switches and conjunctd in between.
func TestHits_Exact(t *testing.T) {
	if _, err := exec.LookPath("ping"); err != nil {
		t.Skip("ping is not installed")
	}
	c := &counting{town: newTown(t), want: map[string]uint64{"out": 0, "ping": 0, "udp": 0}}
	out, ping, udp := egress(policy.All), ingress(policy.ICMP), ingress(policy.UDP, int(portA))
	out.Name, ping.Name, udp.Name = "out", "ping", "udp"
	c.group("clients", out)
	c.group("servers", ping, udp)
	client := c.vm("client", "hv1", 1, "clients")
	near := c.vm("near", "hv1", 2, "servers")
	far := c.vm("far", "hv2", 3, "servers")
	both := func(when string) {
		t.Helper()
		c.exact("nothing was sent: " + when)
		c.send(client.Host, near.Host)
		c.send(client.Host, far.Host)
		c.exact(when)
	}
	began := time.Now().Truncate(time.Second)
	both("at first")
	for _, group := range []string{"clients", "servers"} {
		rules, err := c.API.RulesOf(policy.GroupID(group)).List(c.ctx)
		c.Must(err)
		for _, r := range rules {
			require.Equal(t, c.want[r.Name], c.switches(r.Number), "%s: the sum of the switches' own", r.Name)
			require.Greater(t, r.Hits.Bytes, r.Hits.Packets*28, "whole frames")
			require.NotNil(t, r.Hits.LastHit)
			require.False(t, r.Hits.LastHit.Before(began) || r.Hits.LastHit.After(time.Now().Add(time.Second)), "%s", r.Hits.LastHit)
		}
	}

	more := ingress(policy.TCP, 9)
	c.group("servers", ping, udp, more)
	c.group("idle", egress(policy.TCP, 9))
	c.assign("client", "clients", "idle") // another class: the flows of rule out are others
	both("compiled anew")

	near.Replug(0)
	c.Active(near)
	both("plugged anew")

	far.Migrate(c.Hypervisor("hv1"))
	c.Active(far)
	both("moved to the other host")

	c.KillDaemon()
	c.send(client.Host, near.Host) // counted by the switch alone
	c.StartDaemon()
	both("conjunctd was killed")

	require.NoError(t, c.StopDaemon())
	c.StartDaemon()
	both("conjunctd was restarted")

	c.Hypervisor("hv1").RestartOVS()
	c.Until("the switch is back", func() bool {
		h, err := c.API.Hypervisors().Get(c.ctx, "hv1")
		return err == nil && h.State == policy.HostReady
	})
	for _, vm := range []*lab.Host{near.Host, far.Host} {
		c.passesWithin(client.Host, lab.Ping(vm.Addr4()), 20*time.Second)
	}
	for name, h := range c.hits() {
		require.GreaterOrEqual(t, h.Packets, c.want[name], "the switch was restarted")
	}

	c.Until("the server's hits have grown", func() bool { return c.hits()["ping"].Packets > c.want["ping"] })
	c.Must(c.API.Ports().Delete(c.ctx, "far"))
	c.Must(c.API.Ports().Delete(c.ctx, "near"))
	for name, h := range c.hits() {
		require.GreaterOrEqual(t, h.Packets, c.want[name], "the ports were deleted")
	}
}
