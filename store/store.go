package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"conjunct/policy"
)

// DefaultPrefix is what all keys begin with; v1 is the version of their layout.
const DefaultPrefix = "/conjunct/v1/"

// Options say where the objects are. Either Dir or Endpoints is needed.
type Options struct {
	Dir            string      // of the etcd inside this process
	Endpoints      []string    // of an external etcd; Dir is ignored then
	TLS            *tls.Config // for Endpoints
	Username       string      // for Endpoints that ask who comes, with Password
	Password       string
	Prefix         string             // of all keys; DefaultPrefix when empty
	DefaultProfile policy.ProfileName // the installation's, by name or id; isolated when empty; it has to exist
	AuditKeep      int                // records of the audit log that are kept at least; DefaultAuditKeep when 0
	Log            *slog.Logger       // nil discards
	Clock          func() time.Time   // nil is time.Now
}

func (o Options) withDefaults() Options {
	o.Prefix = strings.TrimRight(cmp.Or(o.Prefix, DefaultPrefix), "/") + "/"
	o.AuditKeep = cmp.Or(o.AuditKeep, DefaultAuditKeep)
	o.DefaultProfile = cmp.Or(o.DefaultProfile, policy.ProfileIsolated)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

// Store is the objects as this process knows them, and the way to change them. It is safe for concurrent use.
//
//	workspace  where transactions are tried out, one at a time, without waiting for etcd
//	mirror     what everybody reads; the same objects
//
// One goroutine applies what etcd reports to both, in the order of revisions.
type Store struct {
	client  *clientv3.Client
	layout  layout
	log     *slog.Logger
	clock   func() time.Time
	numbers *numbers
	fence   *fence
	health  health
	turns   *turns
	commits chan struct{} // a token for every commit that etcd has
	// MaxOperations and newsTimeout, but for tests of what lies beyond them.
	operations int
	patience   time.Duration
	audited    struct {
		keep    int
		written atomic.Int64  // records since the last look
		many    chan struct{} // holds one token when it is time to look
		off     bool          // but for measuring what it costs
	}

	workspace struct {
		sync.Mutex
		*state
	}
	mirror *mirror

	close   func() // of what Open started: the client and etcd
	stop    context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
}

// Open starts the etcd of the directory, or connects to the endpoints, loads all objects and follows what changes. The
// context bounds the opening alone. Close must be called.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	if len(o.Endpoints) > 0 {
		client, err := dialExternal(ctx, o)
		if err != nil {
			return nil, err
		}
		return open(ctx, client, o, func() { _ = client.Close() })
	}
	server, err := startEmbedded(ctx, o.Dir, o.Log.With("part", "etcd"))
	if err != nil {
		return nil, err
	}
	client := server.client()
	return open(ctx, client, o, func() {
		_ = client.Close()
		server.close()
	})
}

// New is Open on a client that the caller has and keeps; of the options, it reads those that don't say where etcd is.
func New(ctx context.Context, client *clientv3.Client, o Options) (*Store, error) {
	return open(ctx, client, o.withDefaults(), func() {})
}

func open(ctx context.Context, client *clientv3.Client, o Options, closeClient func()) (*Store, error) {
	s := &Store{
		client: client, layout: layout(o.Prefix), log: o.Log, clock: o.Clock, close: closeClient,
		operations: MaxOperations, patience: newsTimeout, turns: newTurns(), commits: make(chan struct{}, maxCommits),
	}
	s.audited.keep, s.audited.many = o.AuditKeep, make(chan struct{}, 1)
	s.numbers, s.fence = newNumbers(client, s.layout), newFence(s.layout)
	snapshot, err := s.load(ctx, o.DefaultProfile, 0)
	if err == nil {
		err = nameProfile(snapshot)
	}
	if err == nil {
		s.workspace.state = stateOf(s.layout, snapshot)
		err = s.repairIndex(ctx, s.workspace.state)
	}
	if err != nil {
		closeClient()
		return nil, err
	}
	s.mirror = newMirror(snapshot)
	following, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.follow(following) })
	s.running.Go(func() { s.keepAudit(following) })
	return s, nil
}

// nameProfile makes the default profile, which may be given by name, the id of one that exists.
func nameProfile(s *policy.Snapshot) error {
	if _, ok := policy.Find[*policy.Profile](s, s.DefaultProfile); ok {
		return nil
	}
	var names []string
	for _, p := range policy.List[*policy.Profile](s, nil) {
		if p.Name == string(s.DefaultProfile) {
			s.DefaultProfile = policy.ProfileName(p.ID)
			return nil
		}
		names = append(names, p.Name)
	}
	return fmt.Errorf("%q is not a profile; there are %s", s.DefaultProfile, strings.Join(names, ", "))
}

// Close ends everything that Open started and closes the channels of those who watch. To close again does nothing.
func (s *Store) Close() {
	s.closing.Do(func() {
		s.stop()
		s.running.Wait()
		s.mirror.close()
		s.close()
	})
}

// View calls fn with the newest state that this process knows, which includes every Update that has returned. The snapshot
// must not be changed nor kept; objects may be kept, and must not be changed. fn keeps the state from advancing, and
// must not call View again.
func (s *Store) View(fn func(*policy.Snapshot)) { s.mirror.view(fn) }

// Revision is that of the newest batch of changes that this process knows.
func (s *Store) Revision() int64 { return s.mirror.revision() }

func (s *Store) profile() (name policy.ProfileName) {
	s.View(func(v *policy.Snapshot) { name = v.DefaultProfile })
	return name
}

// SnapshotAndWatch returns the state and exactly the batches that follow it, in the order of revisions, none lost and
// none twice. A reader that falls maxPending batches behind gets what waits merged into one, which has the newest revision
// and, per object, what it was before the first and is after the last. The channel is closed when the context or the store ends.
func (s *Store) SnapshotAndWatch(ctx context.Context) (*policy.Snapshot, <-chan policy.Batch, error) {
	return s.mirror.snapshotAndWatch(ctx)
}
