package members

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"conjunct/policy"
)

// Options configure a Mirror. What is zero gets the value in parentheses.
type Options struct {
	// URL is redis://, rediss:// or unix://, of one server: Redis 6.2 or later.
	URL string
	Log *slog.Logger // (slog.Default)
	// Clock tells the time for Stats.Lag and for a generated epoch (time.Now).
	Clock func() time.Time
	// Epoch names the history that revisions count: another one whenever they start over, as after restoring a backup of the
	// store. Several mirrors of the same epoch may write at once, and whoever is ahead prevails. (One of its own for
	// each Mirror; then one Mirror should run at a time.)
	Epoch string
	// Queue bounds how many groups and changes wait for Redis in detail (100,000).
	Queue int
	// Stream is about how many entries conjunct:changes keeps (100,000).
	Stream int64
	// Probe is how often the epoch is looked at, and so how soon an emptied Redis is seen (1 s).
	Probe time.Duration
	// Audit is how often every group is compared as a whole, and so how soon something changed by hand is put right (5 min).
	Audit time.Duration
	// Timeout is how long Redis may take to answer before the connection is given up (5 s).
	Timeout time.Duration
}

// Mirror keeps a copy of the groups' members in Redis, for everyone who wants to know them. It is a cache: nothing is lost
// with it, and nothing waits for it. Offer what changes, Run it beside everything else, look at Stats.
//
// Whatever happens to Redis, the mirror finds its way back: a lost connection, a server that starts empty, an emptied or
// changed database, a stall. It does not trust its memory of what Redis holds: each change carries the revision it is made for,
// after every reconnect all groups are compared, and each group now and then.
type Mirror struct {
	options Options
	redis   *redis.Options
	wake    chan struct{} // one slot: there is something to do

	mu    sync.Mutex
	queue *queue
	stats Stats
}

// NewMirror returns a mirror that does nothing until Run. It fails when the URL can't be understood.
func NewMirror(o Options) (*Mirror, error) {
	parsed, err := redis.ParseURL(o.URL)
	if err != nil {
		var bad *url.Error // prints the URL, and with it the password
		if errors.As(err, &bad) {
			err = bad.Err
		}
		return nil, fmt.Errorf("read the Redis URL: %w", err)
	}
	o = withDefaults(o)
	parsed.DialTimeout, parsed.ReadTimeout, parsed.WriteTimeout = o.Timeout, o.Timeout, o.Timeout
	parsed.MaxRetries = -1 // A session that fails begins anew with all that has to be checked then.
	parsed.PoolSize = 1
	parsed.PipelinePoolSize = -1
	parsed.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	m := &Mirror{options: o, redis: parsed, wake: make(chan struct{}, 1), queue: newQueue(o.Queue, o.Clock())}
	m.stats.Epoch = o.Epoch
	return m, nil
}

func withDefaults(o Options) Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Epoch == "" {
		o.Epoch = o.Clock().UTC().Format("20060102T150405Z-") + rand.Text()[:8]
	}
	o.Queue = orDefault(o.Queue, 100_000)
	o.Stream = orDefault(o.Stream, 100_000)
	o.Probe = orDefault(o.Probe, time.Second)
	o.Audit = orDefault(o.Audit, 5*time.Minute)
	o.Timeout = orDefault(o.Timeout, 5*time.Second)
	return o
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Offer hands over a change and never waits. Offer a change only when the Source's answers have it in them, and those of a
// group in the order of their revisions.
func (m *Mirror) Offer(u Update) {
	now := m.options.Clock()
	m.mu.Lock()
	m.stats.Offered = max(m.stats.Offered, u.Revision)
	m.queue.offer(u, now)
	m.mu.Unlock()
	m.poke()
}

func (m *Mirror) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Run mirrors until ctx ends, and returns its error. One Run at a time.
func (m *Mirror) Run(ctx context.Context, source Source) error {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		connected, err := m.session(ctx, source)
		if ctx.Err() != nil {
			break
		}
		m.lost(err)
		if connected {
			pause = 0
		}
		pause = nextPause(pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	m.mu.Lock()
	m.stats.Connected = false
	m.mu.Unlock()
	return ctx.Err()
}

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

func nextPause(d time.Duration) time.Duration { return min(max(2*d, firstPause), maxPause) }

// session connects and mirrors until something fails; connected tells whether it came as far as having everything in Redis.
func (m *Mirror) session(ctx context.Context, source Source) (connected bool, err error) {
	defer m.doubt()
	conn, err := dial(ctx, m.redis)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	// A read from a stalled server heeds no context; closing the connection ends it.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	o := *m.redis
	o.Dialer = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	client := redis.NewClient(&o)
	defer client.Close()
	only := client.Conn() // is never dialled again: a session ends with its connection
	defer only.Close()

	s := &session{mirror: m, source: source, client: only, marks: make(map[policy.GroupID]int64)}
	if s.scripts, err = loadScripts(ctx, only); err != nil {
		return false, err
	}
	err = s.run(ctx)
	return s.resynced, err
}

// doubt has everything written again: what was on its way may have arrived or not.
func (m *Mirror) doubt() {
	m.mu.Lock()
	m.queue.all(m.options.Clock())
	m.mu.Unlock()
	m.poke()
}

func dial(ctx context.Context, o *redis.Options) (net.Conn, error) {
	d := &net.Dialer{Timeout: o.DialTimeout}
	if o.TLSConfig != nil {
		return (&tls.Dialer{NetDialer: d, Config: o.TLSConfig}).DialContext(ctx, o.Network, o.Addr)
	}
	return d.DialContext(ctx, o.Network, o.Addr)
}

// lost notes the end of a session, and logs it when the mirror was connected before or never was.
func (m *Mirror) lost(err error) {
	m.mu.Lock()
	news := m.stats.Connected || m.stats.Errors == 0
	m.stats.Connected = false
	m.stats.Errors++
	m.stats.LastError = err.Error()
	m.mu.Unlock()
	if news {
		m.options.Log.Warn("Redis does not mirror group members", "err", err)
	}
}
