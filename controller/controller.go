package controller

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conjunct/members"
	"conjunct/openflow/ofconn"
	"conjunct/ovsdb"
	"conjunct/policy"
)

// Store is where the objects are; *store.Store is one.
type Store interface {
	// SnapshotAndWatch returns the state and exactly the batches that follow it. The channel is closed when the context or
	// the store ends.
	SnapshotAndWatch(context.Context) (*policy.Snapshot, <-chan policy.Batch, error)
	Update(context.Context, func(policy.Tx) error) (revision int64, err error)
	// GenerationID is greater at every call, for all controllers of the store.
	GenerationID(context.Context) (uint64, error)
	// Counters returns what SaveCounters has written, by name. A nil value deletes. Neither has to do with the objects.
	Counters(context.Context) (map[string][]byte, error)
	SaveCounters(context.Context, map[string][]byte) error
}

// Foreign says what happens to flows in our tables that are not ours.
type Foreign string

const (
	ForeignRemove Foreign = "remove" // they are removed, and flows changed by hand put right
	ForeignReport Foreign = "report" // they are counted and logged
)

// Bridge says what every hypervisor's bridge is like.
type Bridge struct {
	Name         string // br-int when empty
	DatapathType string // "system" or "netdev"; system when empty
	Foreign      Foreign
}

// Options are what a Controller works with. Store and Registry are required.
type Options struct {
	Store    Store
	Registry prometheus.Registerer
	Log      *slog.Logger     // nil: slog.Default
	Clock    func() time.Time // nil: time.Now
	// OVSDBListen and OpenFlowListen are where hypervisors and their switches dial: tcp:HOST:PORT, ssl:HOST:PORT or unix:PATH.
	OVSDBListen, OpenFlowListen string
	// Advertise is what bridges are told to dial for OpenFlow; where OpenFlowListen listens when empty.
	Advertise string
	TLS       *tls.Config // for ssl, in both directions; asks for and verifies certificates
	Bridge    Bridge
	// DriftInterval is how often each bridge is compared with what it should be; 0: a minute. HitsInterval is how often the
	// hit counters are read; 0: ten seconds.
	DriftInterval, HitsInterval time.Duration
	Mirror                      *members.Mirror // nil: group members are not mirrored
}

type logger = *slog.Logger

// Controller keeps every bridge equal to what it should be. It is a policy.Inspector.
type Controller struct {
	options    Options
	log        logger
	model      *model
	bindings   *bindings
	mastership *mastership
	metrics    *metrics
	dumps      chan struct{} // a token for every bridge that is being compared
	checks     chan struct{} // a token for every bridge that is being checked
	limits     limits

	ledger    *ledger
	readings  chan struct{} // a token for every switch whose counters are being read
	counted   chan struct{} // a token: there is something to save
	hitsAsked atomic.Int64  // when the switches were asked last because somebody wanted to know, in Unix nanoseconds

	databases *ovsdb.Listener
	switches  net.Listener
	dialers   dialers
}

// limits are how long is waited, for a switch where nothing else is said.
type limits struct {
	bind   time.Duration // for its host's database: at a start both dial at the same time
	setup  time.Duration // for its answer to anything small
	bundle time.Duration // for its answer to a bundle
	dump   time.Duration // for all its flows
	model  time.Duration // for the model to hear of a revision
}

var defaultLimits = limits{bind: 10 * time.Second, setup: 30 * time.Second, bundle: time.Minute, dump: 2 * time.Minute, model: 5 * time.Second}

var _ policy.Inspector = (*Controller)(nil)

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Bridge.Name == "" {
		o.Bridge.Name = "br-int"
	}
	if o.Bridge.DatapathType == "" {
		o.Bridge.DatapathType = "system"
	}
	if o.Bridge.Foreign == "" {
		o.Bridge.Foreign = ForeignRemove
	}
	if o.DriftInterval <= 0 {
		o.DriftInterval = time.Minute
	}
	if o.HitsInterval <= 0 {
		o.HitsInterval = 10 * time.Second
	}
	return o
}

// New opens the listeners, so that a wrong address is an error at once, and returns a controller that does nothing until Run.
func New(o Options) (*Controller, error) {
	if o.Store == nil || o.Registry == nil {
		return nil, errors.New("controller: Store and Registry are required")
	}
	o = o.withDefaults()
	if o.Bridge.Foreign != ForeignRemove && o.Bridge.Foreign != ForeignReport {
		return nil, fmt.Errorf("controller: bridge.foreign is %q: want %s or %s", o.Bridge.Foreign, ForeignRemove, ForeignReport)
	}
	c := &Controller{
		options: o, log: o.Log, bindings: newBindings(), dumps: make(chan struct{}, maxDumps), checks: make(chan struct{}, maxChecks), limits: defaultLimits,
		ledger: newLedger(), readings: make(chan struct{}, maxReadings), counted: make(chan struct{}, 1),
	}
	c.model, c.mastership = newModel(o.Mirror, o.Clock), newMastership(o.Store)
	var err error
	if c.metrics, err = newMetrics(o.Registry, c); err != nil {
		return nil, fmt.Errorf("controller: %w", err)
	}
	if c.databases, err = ovsdb.Listen(o.OVSDBListen, ovsdb.Options{TLS: o.TLS}); err != nil {
		return nil, fmt.Errorf("controller: %w", err)
	}
	if c.switches, err = listenSwitches(o.OpenFlowListen, o.TLS); err != nil {
		c.databases.Close()
		return nil, fmt.Errorf("controller: %w", err)
	}
	if c.options.Advertise == "" {
		scheme, _, _ := strings.Cut(o.OpenFlowListen, ":")
		c.options.Advertise = scheme + ":" + c.switches.Addr().String()
	}
	return c, nil
}

// OVSDBAddr is where hypervisors dial.
func (c *Controller) OVSDBAddr() net.Addr { return c.databases.Addr() }

// OpenFlowAddr is where switches dial.
func (c *Controller) OpenFlowAddr() net.Addr { return c.switches.Addr() }

// listenSwitches reads the address as the OVSDB listener does.
func listenSwitches(address string, config *tls.Config) (net.Listener, error) {
	if _, err := ovsdb.ParseAddress(address); err != nil {
		return nil, err
	}
	scheme, rest, _ := strings.Cut(address, ":")
	if scheme == "unix" {
		return ofconn.Listen(context.Background(), "punix:"+rest, config)
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return nil, err
	}
	return ofconn.Listen(context.Background(), "p"+scheme+":"+port+":"+host, config)
}

// Run serves until ctx ends, and returns when everything that it started has ended. The flows stay on the bridges. It returns
// nil when ctx ended it, and an error when the store went away. It runs once.
func (c *Controller) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.databases.Close()
	defer c.switches.Close()
	snapshot, batches, err := c.options.Store.SnapshotAndWatch(ctx)
	if err != nil {
		return fmt.Errorf("controller: watch the store: %w", err)
	}
	saved, err := c.options.Store.Counters(ctx)
	if err != nil {
		return fmt.Errorf("controller: read the hit counters: %w", err)
	}
	if err := c.ledger.load(saved, snapshot, c.options.Clock()); err != nil {
		return fmt.Errorf("controller: %w", err)
	}
	c.model.load(snapshot)
	var work, books sync.WaitGroup
	booksOpen, closeBooks := context.WithCancel(context.WithoutCancel(ctx))
	books.Go(func() { c.keepHits(booksOpen) })
	defer books.Wait()
	defer closeBooks() // Nobody counts any more.
	defer work.Wait()
	defer cancel(nil)
	c.dialers.start(ctx, c, &work)
	c.dial(c.model.storedHosts())
	start := func(what string, fn func(context.Context) error) {
		work.Go(func() {
			if err := fn(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	start("serve hypervisors", c.serveDatabases)
	start("serve switches", c.serveSwitches)
	work.Go(func() { c.announce(ctx) })
	graceEnds := time.AfterFunc(graceTime, c.model.wakeAll)
	defer graceEnds.Stop()
	if c.options.Mirror != nil {
		work.Go(func() { _ = c.options.Mirror.Run(ctx, mirrorSource{c.model}) })
	}
	for list := range gathered(batches, &work) {
		for _, b := range list {
			c.ledger.follow(b)
		}
		heard := c.options.Clock()
		for i, is := range c.model.apply(list...) {
			c.metrics.stage(stageDurable, is.accepted, heard)
			c.metrics.stage(stageModelled, is.accepted, c.options.Clock())
			c.metrics.revision.Set(float64(list[i].Revision))
			c.dial(is.hosts)
		}
	}
	if cause := context.Cause(ctx); ctx.Err() != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("controller: %w", cause)
	}
	if ctx.Err() == nil {
		return errors.New("controller: the store has ended")
	}
	return nil
}

func (c *Controller) serveDatabases(ctx context.Context) error {
	secure := strings.HasPrefix(c.options.OVSDBListen, "ssl:")
	return c.databases.Serve(ctx, func(ctx context.Context, cl *ovsdb.Client) {
		c.metrics.connects.Inc()
		if err := c.serveDatabase(ctx, cl, "", secure); err != nil && ctx.Err() == nil {
			c.log.Warn("a hypervisor is disconnected", "peer", cl.RemoteAddr().String(), "reason", err)
		}
	}, func(peer net.Addr, err error) {
		c.log.Warn("refused a hypervisor", "peer", peer.String(), "err", err)
	})
}

func (c *Controller) serveSwitches(ctx context.Context) error {
	s := ofconn.Server{Handle: c.serveSwitch, Refused: c.refusedSwitch}
	return s.Serve(ctx, c.switches)
}

// announce wakes those who wait for ports.
func (c *Controller) announce(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.model.news.herald:
			c.model.news.announce(c.Port)
		}
	}
}

// maxDumps is how many bridges are compared at a time: enough that some that hang don't hold up the others.
const maxDumps = 32

// dumpSlot bounds how many bridges are compared and put right at a time, and so the memory that this takes.
func (c *Controller) dumpSlot(ctx context.Context) (release func(), err error) {
	select {
	case c.dumps <- struct{}{}:
		return func() { <-c.dumps }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// bridgeSpec is what the bridge of a hypervisor must be like.
func (c *Controller) bridgeSpec(id policy.HostID) ovsdb.BridgeSpec {
	return ovsdb.BridgeSpec{
		Name: c.options.Bridge.Name, DatapathType: c.options.Bridge.DatapathType, DatapathID: datapathText(DatapathID(id)),
		FailMode: "secure", Protocols: []string{"OpenFlow15"}, DisableInBand: true,
		Targets: []string{c.options.Advertise}, ConnectionMode: "out-of-band",
		InactivityProbe: 10 * time.Second, MaxBackoff: time.Second,
	}
}
