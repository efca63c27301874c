package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conjunct/policy"
)

// The stages that a change goes through, each timed from when the store accepted it: the first two once for a change, the
// others for each host that it concerns.
const (
	stageDurable   = "durable"   // the store has it on disk and has told
	stageModelled  = "modelled"  // the model has it, and the hosts that it concerns are woken
	stageTaken     = "taken"     // its host begins to look at it: what was under way before is confirmed
	stageComputed  = "computed"  // the flows are known
	stageSent      = "sent"      // all of the bundle is on its way
	stageConfirmed = "confirmed" // the switch has answered the barrier
)

// metrics are what the controller counts. States are counted when they are asked for.
type metrics struct {
	stages       *prometheus.HistogramVec
	flowMods     *prometheus.CounterVec
	bundles      prometheus.Counter
	bundleErrors prometheus.Counter
	drift        *prometheus.CounterVec
	connects     prometheus.Counter
	revision     prometheus.Gauge
	countedFlows prometheus.Counter
	readingTime  prometheus.Histogram
	savedBytes   prometheus.Counter
	clock        func() time.Time
}

func newMetrics(r prometheus.Registerer, c *Controller) (*metrics, error) {
	m := &metrics{
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "conjunct_change_seconds", Help: "Time from when the store accepted a change until it reached a stage: once (durable, modelled), or for each host.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 18),
		}, []string{"stage"}),
		flowMods: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conjunct_flow_mods_total", Help: "Flow modifications that switches have confirmed, by operation.",
		}, []string{"op"}),
		bundles: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conjunct_bundles_total", Help: "Bundles sent.",
		}),
		bundleErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conjunct_bundle_errors_total", Help: "Bundles that were refused or not answered.",
		}),
		drift: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conjunct_drift_flows_total", Help: "Flows found otherwise than wanted although nothing had failed, by kind.",
		}, []string{"kind"}),
		connects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conjunct_ovsdb_connections_total", Help: "Connections to hypervisors' databases, reconnections included.",
		}),
		revision: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "conjunct_model_revision", Help: "Revision of the store that hosts are computed from.",
		}),
		countedFlows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conjunct_hits_flows_read_total", Help: "Flows of rules and platform rules that were read and had counted something.",
		}),
		readingTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "conjunct_hits_read_seconds", Help: "Time that reading the counters of one bridge took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}),
		savedBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conjunct_hits_saved_bytes_total", Help: "Bytes of hit counters that were written to the store.",
		}),
		clock: c.options.Clock,
	}
	for _, collector := range []prometheus.Collector{
		m.stages, m.flowMods, m.bundles, m.bundleErrors, m.drift, m.connects, m.revision,
		m.countedFlows, m.readingTime, m.savedBytes, &states{c},
	} {
		if err := r.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// stage notes when a change that was accepted at since reached a stage; nothing when no change of the store is behind it.
func (m *metrics) stage(name string, since, at time.Time) {
	if !since.IsZero() {
		m.stages.WithLabelValues(name).Observe(max(0, at.Sub(since).Seconds()))
	}
}

var (
	hostsDesc = prometheus.NewDesc("conjunct_hosts", "Hypervisors by state.", []string{"state"}, nil)
	portsDesc = prometheus.NewDesc("conjunct_ports", "Ports by state.", []string{"state"}, nil)
	dropsDesc = prometheus.NewDesc("conjunct_dropped_packets_total", "Packets that a bridge has dropped since its switch started, by reason.", []string{"host", "reason"}, nil)
	lagDesc   = prometheus.NewDesc("conjunct_hosts_behind", "Hypervisors whose bridge has not confirmed all that concerns them.", nil, nil)
	ageDesc   = prometheus.NewDesc("conjunct_lag_seconds", "How long ago the oldest change was accepted that a connected bridge has not confirmed; 0 for none.", nil, nil)
	queueDesc = prometheus.NewDesc("conjunct_pending", "Sets of flows that changed and wait to be sent, over all hosts: each at most once, bounded per host.", nil, nil)
)

// states counts hosts and ports by state when it is scraped.
type states struct{ c *Controller }

func (s *states) Describe(ch chan<- *prometheus.Desc) {
	ch <- hostsDesc
	ch <- portsDesc
	ch <- lagDesc
	ch <- ageDesc
	ch <- queueDesc
	ch <- dropsDesc
}

func (s *states) Collect(ch chan<- prometheus.Metric) {
	hosts, ports, q := s.c.model.census()
	for _, state := range hostStates {
		ch <- prometheus.MustNewConstMetric(hostsDesc, prometheus.GaugeValue, float64(hosts[state]), string(state))
	}
	for _, state := range portStates {
		ch <- prometheus.MustNewConstMetric(portsDesc, prometheus.GaugeValue, float64(ports[state]), string(state))
	}
	ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(q.behind))
	ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, q.lag.Seconds())
	ch <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, float64(q.pending))
	for host, drops := range s.c.model.drops() {
		for reason, packets := range drops {
			ch <- prometheus.MustNewConstMetric(dropsDesc, prometheus.CounterValue, float64(packets), string(host), reason)
		}
	}
}

var (
	hostStates = []policy.HostState{
		policy.HostUnknown, policy.HostConnecting, policy.HostSyncing, policy.HostReady, policy.HostDegraded, policy.HostDisconnected,
	}
	portStates = []policy.PortState{
		policy.PortUnbound, policy.PortPending, policy.PortActive, policy.PortDegraded, policy.PortFailed,
	}
)
