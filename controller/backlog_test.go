package controller

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"conjunct/openflow/oftest"
	"conjunct/policy"
)

// A switch that reads nothing holds up nobody: what changes meanwhile is merged, seen in the status and the metrics, and
// sent once when it reads again.
func TestBacklog_IsMergedAndShown(t *testing.T) {
	var later atomic.Int64
	registry := prometheus.NewRegistry()
	w := newSmall(t, Options{Registry: registry, Clock: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	other := newHypervisor(t, "hv2", w.c)
	awaitState(t, w.c, "hv2", policy.HostReady)
	put(t, w.Store, vm("vm3", 3, "web")...)
	other.plug("vm3", 1)
	awaitPort(t, w.c, "vm3", policy.PortActive)
	other.requireInSync(w.c)

	w.hv.sw.SetFaults(oftest.Faults{Deaf: true})
	before := w.hv.mods()
	const changes = 60
	var revision int64
	for n := range changes {
		revision = put(t, w.Store, rule("flip", "web", 2000+n%2, anywhere))
	}
	eventually(t, func() bool {
		return other.sw.Dump() != w.hv.sw.Dump() && strings.Contains(other.sw.Dump(), "ct_tp_dst=2001")
	})
	eventually(t, func() bool {
		behind, _ := w.c.Late(revision)
		return slices.Equal(behind, []policy.HostID{"hv1"})
	}, "only the one that reads nothing")
	w.c.model.hosts["hv1"].look(func() {
		require.LessOrEqual(t, w.c.model.hosts["hv1"].flows.Pending(), 16, "each flow waits once")
	})

	later.Store(int64(10 * time.Second))
	h, _ := w.c.Host("hv1")
	require.Equal(t, policy.HostSyncing, h.State)
	require.Contains(t, strings.Join(h.Problems, "; "), "the switch has not confirmed changes for 1")
	require.Greater(t, gauge(t, registry, "conjunct_lag_seconds"), 9.0)
	require.Greater(t, gauge(t, registry, "conjunct_pending"), 0.0)

	w.hv.sw.SetFaults(oftest.Faults{})
	awaitApplied(t, w.c, revision)
	w.hv.requireInSync(w.c)
	require.Less(t, w.hv.mods()-before, changes, "what was overtaken is not sent")
	h, _ = w.c.Host("hv1")
	require.Empty(t, h.Problems)
	require.Zero(t, gauge(t, registry, "conjunct_lag_seconds"))
	require.Equal(t, strings.Count(w.hv.sw.Dump(), "\n")+1, h.Flows, "the number of flows was kept along the way")
}

// gauge reads a metric without labels, a gauge or a counter.
func gauge(t *testing.T, r *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	require.Fail(t, "no metric "+name)
	return 0
}

// An address that leaves one group for another is one flow that changes, and nothing else is looked at: no class comes and goes
// for the moment between.
func TestBacklog_AMoveBetweenGroupsIsOneFlow(t *testing.T) {
	w := newSmall(t, Options{DriftInterval: time.Hour, HitsInterval: time.Hour})
	var objects []policy.Object
	for i, id := range []string{"left", "right"} {
		objects = append(objects, &policy.Group{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p"},
			rule("from-"+id, "web", 3000+i, policy.Remote{GroupID: policy.GroupID(id)}))
		objects = append(objects, vm("stays-"+id, 10+i, policy.GroupID(id))...)
	}
	put(t, w.Store, objects...)
	awaitApplied(t, w.c, put(t, w.Store, vm("mover", 20, "left")...))
	w.hv.requireInSync(w.c)

	w.hv.sw.SetFaults(oftest.Faults{Deaf: true})
	hungry := put(t, w.Store, rule("hungry", "web", 8080, anywhere)) // The loop waits for this, and takes nothing more.
	host := w.c.model.hosts["hv1"]
	eventually(t, func() bool {
		taken := false
		host.look(func() { taken = host.progress.flight == hungry })
		return taken
	})
	moved := put(t, w.Store, vm("mover", 20, "right")...)
	eventually(t, func() bool { return w.c.model.revision() >= moved })
	host.look(func() { require.Equal(t, 1, host.flows.Pending()) })

	w.hv.sw.SetFaults(oftest.Faults{})
	awaitApplied(t, w.c, moved)
	w.hv.requireInSync(w.c)
}
