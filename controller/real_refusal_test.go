package controller

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/flows"
	"conjunct/policy"
)

// A real switch whose table of ordered rules is full refuses a rule that drops: the port has no class any more, so nothing passes, until
// there is room.
func TestReal_FullTableClosesThePort(t *testing.T) {
	sw := newRealSwitch(t, "hv1")
	st := openStore(t)
	c, _ := start(t, Options{Store: st, Bridge: Bridge{DatapathType: "dummy"}, DriftInterval: 100 * time.Millisecond})
	put(t, st, basics()...)
	put(t, st, append(vm("vm1", 1, "list", "web"),
		&policy.Group{Meta: policy.Meta{ID: "list"}, Name: "list", ProjectID: "p", Evaluation: policy.Ordered},
		at(rule("http", "list", 80, anywhere), 20, policy.Allow))...)
	put(t, st, vm("vm2", 2, "web")...)
	sw.run("ovs-vsctl", "set-manager", "tcp:"+c.OVSDBAddr().String())
	awaitState(t, c, "hv1", policy.HostReady)
	for i, iface := range []string{"vm1", "vm2"} {
		n := strconv.Itoa(i + 1)
		sw.run("ovs-vsctl", "add-port", "br-int", "tap"+n, "--", "set", "Interface", "tap"+n, "type=dummy", "external_ids:iface-id="+iface, "ofport_request="+n)
		awaitPort(t, c, policy.PortID(iface), policy.PortActive)
	}
	inTable := func(table uint8, part string) (n int) {
		for line := range strings.Lines(sw.flows("br-int")) {
			if strings.Contains(line, "table="+strconv.Itoa(int(table))+",") && strings.Contains(line, part) {
				n++
			}
		}
		return n
	}
	full := inTable(flows.TableIngrOrder, "")
	require.Positive(t, full)
	require.Equal(t, 1, inTable(flows.TableLocalClass, "reg7=0x1 "))
	sw.run("ovs-vsctl", "--id=@full", "create", "Flow_Table", "flow_limit="+strconv.Itoa(full), "overflow_policy=refuse",
		"--", "set", "Bridge", "br-int", "flow_tables:"+strconv.Itoa(int(flows.TableIngrOrder))+"=@full")

	awaitApplied(t, c, put(t, st, at(rule("no-http", "list", 80, anywhere), 10, policy.Drop)))
	awaitPort(t, c, "vm1", policy.PortFailed)
	require.Contains(t, c.Port("vm1").Problem, "rule no-http of group list")
	require.Zero(t, inTable(flows.TableLocalClass, "reg7=0x1 "))
	require.Equal(t, 1, inTable(flows.TableLocalClass, "reg7=0x2 "))
	require.Equal(t, policy.PortActive, c.Port("vm2").State, "it has no such group")
	h, _ := c.Host("hv1")
	require.Equal(t, policy.HostDegraded, h.State)
	require.Contains(t, strings.Join(h.Problems, "\n"), "OFPFMFC_TABLE_FULL")

	sw.run("ovs-vsctl", "clear", "Bridge", "br-int", "flow_tables")
	awaitPort(t, c, "vm1", policy.PortActive)
	awaitState(t, c, "hv1", policy.HostReady)
	require.Greater(t, inTable(flows.TableIngrOrder, ""), full)
	requireSame(t, c, sw)
}
