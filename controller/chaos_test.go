package controller

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/openflow/oftest"
	"conjunct/policy"
)

// Whatever goes wrong, and in whatever order: once it stops, the bridge is what it should be, each port that is plugged in is
// active and marked, and no other has a mark.
func TestSequence_Chaos(t *testing.T) {
	for seed := range 4 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 3))
			w := newSmall(t, Options{DriftInterval: 30 * time.Millisecond}, func(l *limits) {
				l.bundle, l.dump, l.setup = 200*time.Millisecond, time.Second, 200*time.Millisecond
			})
			plugged := map[int64]string{1: "vm1", 2: "vm2"}
			rules := make(map[int]bool)
			for i := 3; i < 6; i++ {
				put(t, w.Store, vm(fmt.Sprintf("vm%d", i), i, "web")...)
			}
			actions := []func(){
				func() { w.hv.sw.Disconnect() },
				func() { w.hv.db.Drop() },
				func() { w.hv.sw.Restart() },
				func() { w.hv.sw.SetFaults(oftest.Faults{DropAt: 1 + r.IntN(9)}) },
				func() { w.hv.sw.SetFaults(oftest.Faults{LoseCommit: true}) },
				func() { w.hv.sw.SetFaults(oftest.Faults{LoseCommitUndone: true, Break: r.IntN(2) == 0}) },
				func() { w.hv.sw.SetFaults(oftest.Faults{RefuseMod: 1 + r.IntN(5)}) },
				func() { w.hv.sw.SetFaults(oftest.Faults{Mute: true}) },
				func() { w.hv.sw.SetFaults(oftest.Faults{}) },
				func() { w.hv.db.FailNext("not supported") },
				func() { require.NoError(t, w.hv.sw.Load("table=24, priority=9000 actions=set_field:0x1/0x1->reg4")) },
				func() {
					if flows := w.hv.sw.Flows(); len(flows) > 0 {
						require.NoError(t, w.hv.sw.Apply(removal(flows[r.IntN(len(flows))].Flow)))
					}
				},
			}
			for range 4 {
				actions = append(actions, func() {
					n := 1 + r.IntN(9)
					if rules[n] {
						erase(t, w.Store, policy.KindRule, fmt.Sprintf("r%d", n))
					} else {
						put(t, w.Store, rule(fmt.Sprintf("r%d", n), "web", 1000+n, anywhere))
					}
					rules[n] = !rules[n]
				}, func() {
					n := int64(1 + r.IntN(5))
					if plugged[n] != "" {
						w.hv.unplug(n)
						delete(plugged, n)
						return
					}
					vm := fmt.Sprintf("vm%d", 1+r.IntN(5))
					for _, other := range plugged {
						if other == vm {
							return
						}
					}
					w.hv.plug(vm, n)
					plugged[n] = vm
				})
			}
			for range 60 {
				actions[r.IntN(len(actions))]()
				time.Sleep(time.Duration(r.IntN(15)) * time.Millisecond)
			}
			w.hv.sw.SetFaults(oftest.Faults{})
			for n, vm := range plugged {
				eventually(t, func() bool {
					p := w.c.Port(policy.PortID(vm))
					return p.State == policy.PortActive && p.OFPort == int(n)
				}, "%s at %d: %+v", vm, n, w.c.Port(policy.PortID(vm)))
				eventually(t, func() bool { return w.hv.db.Installed(fmt.Sprintf("tap%d", n)) != "" })
				require.Contains(t, w.hv.db.Installed(fmt.Sprintf("tap%d", n)), fmt.Sprintf(" %d fa:16:3e:00:00:0%c", n, vm[2]))
			}
			eventually(t, func() bool { return w.hv.sw.Dump() == desired(t, w.c, "hv1") })
			w.hv.requireInSync(w.c)
			for i := 1; i < 6; i++ {
				vm := fmt.Sprintf("vm%d", i)
				on := false
				for _, v := range plugged {
					on = on || v == vm
				}
				if !on {
					require.Equal(t, policy.PortUnbound, w.c.Port(policy.PortID(vm)).State)
				}
			}
		})
	}
}

// Many hosts at once: a member of a group that each of them refers to is one flow on each, and a wait ends when the last has it.
func TestA064_A066_ChangesReachEveryHost(t *testing.T) {
	const many = 40
	st := openStore(t)
	put(t, st, append(basics(), &policy.Group{Meta: policy.Meta{ID: "db"}, Name: "db", ProjectID: "p"},
		rule("db-web", "db", 3306, policy.Remote{GroupID: "web"}))...)
	c, _ := start(t, Options{Store: st})
	put(t, st, vm("m1", 1, "web")...)
	var hosts []*hypervisor
	for i := range many {
		id := fmt.Sprintf("hv%d", i)
		put(t, st, vm("db-"+id, 1000+i, "db")...)
		hv := newHypervisor(t, policy.HostID(id), c)
		hosts = append(hosts, hv)
	}
	for _, hv := range hosts {
		awaitState(t, c, hv.id, policy.HostReady)
		hv.plug("db-"+string(hv.id), 1)
	}
	for _, hv := range hosts {
		awaitPort(t, c, policy.PortID("db-"+string(hv.id)), policy.PortActive)
	}
	before := make([]int, many)
	for i, hv := range hosts {
		before[i] = hv.mods()
	}
	revision := put(t, st, vm("m2", 2, "web")...)
	for {
		behind, changed := c.Behind(revision)
		if len(behind) == 0 {
			break
		}
		select {
		case <-changed:
		case <-time.After(patience):
			t.Fatalf("%v are behind", behind)
		}
	}
	for i, hv := range hosts {
		require.Equal(t, before[i]+1, hv.mods(), hv.id)
		require.Contains(t, hv.sw.Dump(), "ct_nw_src=10.0.0.2,")
		hv.requireInSync(c)
	}
	awaitApplied(t, c, put(t, st, rule("db-admin", "db", 5432, anywhere)))
	for _, hv := range hosts {
		require.Contains(t, hv.sw.Dump(), "ct_tp_dst=5432")
		hv.requireInSync(c)
	}
}
