package oftest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"conjunct/openflow"
	"conjunct/openflow/ofeval"
)

// Config is what a switch is made of.
type Config struct {
	DatapathID uint64
	// BundleIdle is how long a bundle may be idle before the switch forgets it: 10 s when it is 0, as in Open vSwitch.
	BundleIdle time.Duration
	// Versions is what the switch says in its hello: OpenFlow 1.5 alone when it is 0.
	Versions uint32
	// PartSize is how many bytes of flows go into one part of a dump, about: 64 KiB less a little when it is 0.
	PartSize int
	// Carried, where it is not nil, is told of the flow mods that have been carried out in one step, before anything else happens. It
	// must not call the switch.
	Carried func([]openflow.FlowMod)
}

// A Switch has tables, ports and connections. Its methods may be called from any goroutine.
type Switch struct {
	config Config

	mu       sync.Mutex
	tables   [numTables]*table
	batch    uint64 // of flow mods that were carried out in one step
	order    uint64 // of the newest flow
	ports    map[openflow.Port]openflow.PortDesc
	frags    openflow.FragMode
	datapath ofeval.Datapath
	faults   faultState
	masters  masterState

	channels map[*channel]struct{}
	told     []*channel // that have messages queued by what another channel asked
	closed   bool
	work     sync.WaitGroup
}

// NewSwitch returns a switch without ports and flows.
func NewSwitch(config Config) *Switch {
	if config.BundleIdle == 0 {
		config.BundleIdle = 10 * time.Second
	}
	if config.Versions == 0 {
		config.Versions = openflow.HelloVersions15
	}
	if config.PartSize == 0 {
		config.PartSize = 60 << 10
	}
	return &Switch{
		config: config, ports: make(map[openflow.Port]openflow.PortDesc), channels: make(map[*channel]struct{}),
	}
}

// Inject lets a packet come in by a port. Flows count it, connections take note of it.
func (s *Switch) Inject(in openflow.Port, p ofeval.Packet) ofeval.Journey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.datapath.Inject(view{s}, 0, p.With(openflow.Exact(openflow.InPort, uint64(in))))
}

// Trace shows where a packet with all its metadata (in_port, registers, ct_state and what it implies) would go from a table on, and
// changes nothing. After each ct(table=N) it goes on with the next of the states given, +trk+new when there is none left.
func (s *Switch) Trace(table uint8, p ofeval.Packet, states ...uint8) ofeval.Journey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ofeval.Trace(view{s}, table, p, states...)
}

// Lookup returns the flow of one table that the packet meets.
func (s *Switch) Lookup(table uint8, p ofeval.Packet) (openflow.Flow, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := (view{s}).Lookup(table, &p).Rule; r != nil {
		return r.Flow, true
	}
	return openflow.Flow{}, false
}

// view is what packets go through; the lock of the switch is held.
type view struct{ s *Switch }

func (v view) Lookup(table uint8, p *ofeval.Packet) ofeval.Hit {
	if int(table) >= len(v.s.tables) || v.s.tables[table] == nil {
		return ofeval.Hit{}
	}
	return v.s.tables[table].classifier().Lookup(p, v.s.frags)
}

func (v view) Ports() []openflow.Port { return v.s.portNumbers() }

// Apply carries out flow mods in one step, or none of them.
func (s *Switch) Apply(mods ...openflow.FlowMod) error {
	s.mu.Lock()
	i, err := s.carryOut(mods)
	told := s.told
	s.told = nil
	s.mu.Unlock()
	flush(told)
	if err != nil {
		return fmt.Errorf("flow mod %d, %v: %w", i, mods[i], err)
	}
	return nil
}

// Load adds the flows of a file in the syntax of ovs-ofctl: one a line, with comments.
func (s *Switch) Load(text string) error {
	var mods []openflow.FlowMod
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		f, err := openflow.ParseFlow(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		mods = append(mods, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
	}
	return s.Apply(mods...)
}

// Flows returns all flows, by table and in the order of insertion.
func (s *Switch) Flows() []openflow.FlowStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	var flows []openflow.FlowStats
	for _, l := range s.filtered(openflow.FlowFilter{Table: openflow.AllTables}) {
		f := l.entry.stats()
		f.Table = l.table
		flows = append(flows, f)
	}
	return flows
}

// Len counts the flows.
func (s *Switch) Len() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		if t != nil {
			n += len(t.entries)
		}
	}
	return n
}

// Dump returns all flows as text, sorted: what "ovs-ofctl -O OpenFlow15 --no-stats --no-names dump-flows BRIDGE | sort"
// prints of the same flows, without the spaces at the beginning of a line.
func (s *Switch) Dump() string {
	var lines []string
	for _, f := range s.Flows() {
		lines = append(lines, f.Flow.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// FlushZone forgets the connections of a zone.
func (s *Switch) FlushZone(zone uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.datapath.FlushZone(zone)
}

// SetFragments is the switch's side of OFPT_SET_CONFIG.
func (s *Switch) SetFragments(mode openflow.FragMode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frags = mode
}

// Restart is what a restart of ovs-vswitchd is: connections break, flows, connections tracked and configuration are gone,
// ports stay.
func (s *Switch) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = [numTables]*table{}
	s.datapath, s.masters = ofeval.Datapath{}, masterState{}
	s.frags = openflow.FragNormal
	s.disconnect()
}

// Disconnect breaks all connections.
func (s *Switch) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disconnect()
}

func (s *Switch) disconnect() {
	for c := range s.channels {
		c.nc.Close()
	}
}

// Close breaks all connections, takes no more of them, and waits until nothing of the switch runs.
func (s *Switch) Close() {
	s.mu.Lock()
	s.closed = true
	s.disconnect()
	s.mu.Unlock()
	s.work.Wait()
}

// Dial returns the controller's end of a connection to the switch.
func (s *Switch) Dial() net.Conn {
	ours, theirs := net.Pipe()
	s.attach(&channel{nc: ours, service: true})
	return theirs
}
