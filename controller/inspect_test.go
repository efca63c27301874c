package controller

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"conjunct/policy"
)

// Each wanted flow stands below a line that says why it is there, in the names that people gave.
func TestInspect_DesiredFlowsAreExplained(t *testing.T) {
	w := newSmall(t, Options{})
	put(t, w.Store,
		&policy.Group{Meta: policy.Meta{ID: "db-id"}, Name: "db", ProjectID: "p"},
		&policy.IPSet{Meta: policy.Meta{ID: "set-id"}, Name: "office", ProjectID: "p", IPVersion: 4},
		&policy.Entry{Meta: policy.Meta{ID: "e1"}, IPSetID: "set-id", CIDR: policy.CIDR(netip.MustParsePrefix("192.0.2.0/24"))},
		rule("db-web", "db-id", 3306, policy.Remote{GroupID: "web"}),
		rule("db-office", "db-id", 5432, policy.Remote{IPSetID: "set-id"}))
	put(t, w.Store, vm("db1", 4, "db-id")...)
	w.hv.plug("db1", 4)
	awaitPort(t, w.c, "db1", policy.PortActive)
	lines, err := w.c.DesiredFlows("hv1")
	require.NoError(t, err)
	comments := make(map[string]string)
	for i := 0; i < len(lines); i += 2 {
		require.True(t, strings.HasPrefix(lines[i], "# "), lines[i])
		require.False(t, strings.HasPrefix(lines[i+1], "#"), lines[i+1])
		comments[lines[i+1]] = strings.TrimPrefix(lines[i], "# ")
	}
	require.Len(t, comments, len(lines)/2)
	for part, comment := range map[string]string{
		"in_port=4,":             "port db1 of instance db1",
		"ct_nw_src=10.0.0.1,":    "10.0.0.1/32 in VPC v is in groups web",
		"ct_nw_src=192.0.2.0/24": "192.0.2.0/24 is in IP sets office",
		"table=44, priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=3306,ip ": "part of rule db-web of group db: ingress tcp 3306 from group web",
		"table=21, priority=0 ": "pipeline: sender judge",
		"reg6=0x1,dl_dst=fa:":   "subnet s",
		"udp,reg1=0x4,dl_src=fa:16:3e:00:00:04,nw_src=0.0.0.0,": "platform rule dhcp-request: a VM asks for its address",
	} {
		found := ""
		for flow, c := range comments {
			if strings.Contains(flow, part) {
				found = c
			}
		}
		require.Equal(t, comment, found, "flow with %s", part)
	}
	h, _ := w.c.Host("hv1")
	require.Equal(t, len(comments), h.Flows)

	_, err = w.c.DesiredFlows("nobody")
	require.ErrorAs(t, err, new(*policy.NotFound))
	_, err = w.c.DiffFlows("nobody")
	require.ErrorAs(t, err, new(*policy.NotFound))
	w.hv.cutOff(true)
	awaitState(t, w.c, "hv1", policy.HostDisconnected)
	_, err = w.c.DiffFlows("hv1")
	require.ErrorIs(t, err, errNotConnected)
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	w := newSmall(t, Options{Registry: registry})
	put(t, w.Store, vm("vm3", 3, "web")...)
	w.change(t, 1)
	is := gather(t, registry)
	for name, want := range map[string]float64{
		"conjunct_hosts ready": 1, "conjunct_hosts disconnected": 0, "conjunct_hosts_behind": 0,
		"conjunct_ports active": 2, "conjunct_ports unbound": 1, "conjunct_ports failed": 0,
		"conjunct_ovsdb_connections_total": 1, "conjunct_bundle_errors_total": 0,
	} {
		require.Contains(t, is, name)
		require.Equal(t, want, is[name], name)
	}
	require.EqualValues(t, w.hv.mods(), is["conjunct_flow_mods_total add"]+is["conjunct_flow_mods_total delete"])
	require.NotZero(t, is["conjunct_bundles_total"])
	for _, stage := range []string{stageDurable, stageModelled, stageTaken, stageComputed, stageSent, stageConfirmed} {
		require.NotZero(t, is["conjunct_change_seconds "+stage])
	}
}

// gather reads all metrics: name and label values, to the value, or to the number of observations.
func gather(t *testing.T, r prometheus.Gatherer) map[string]float64 {
	families, err := r.Gather()
	require.NoError(t, err)
	out := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}
