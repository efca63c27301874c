package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"conjunct/policy"
)

// Objects is where the objects are; the store is one. Errors are policy's.
type Objects interface {
	// Update runs fn on the present state and makes its writes durable together, at the revision that it returns.
	Update(ctx context.Context, fn func(policy.Tx) error) (revision int64, err error)
	// DryRun judges what fn writes as Update does, and stores nothing.
	DryRun(ctx context.Context, fn func(policy.Tx) error) error
	// View shows the present state, with every Update that has returned. The snapshot is not kept.
	View(fn func(*policy.Snapshot))
	Revision() int64
	// Healthy tells whether the store can be written.
	Healthy(ctx context.Context) error
	// Since is every batch after the revision, from the history and then as they come, until the context ends. Errors
	// other than policy.ErrUnavailable mean that the history does not reach back that far. A channel that is closed
	// early is asked for again.
	Since(ctx context.Context, revision int64) (<-chan policy.Batch, error)
	// Audit reads who changed what (policy.WithActor says who), newest first; next is the id to go on before, "" at the end.
	Audit(ctx context.Context, q policy.AuditQuery) (records []policy.AuditRecord, next string, err error)
}

// Check is something that has to be well, by its name in /readyz and in /v1/status.
type Check struct {
	Name string
	Run  func(context.Context) error
	// Optional checks are reported and do not make the server unready.
	Optional bool
}

// Options are what a Server works with. Objects, Inspector and Metrics are required.
type Options struct {
	Objects   Objects
	Inspector policy.Inspector
	Metrics   *prometheus.Registry // the server registers its own here and serves all of it at /metrics
	Log       *slog.Logger         // nil: slog.Default
	Clock     func() time.Time     // nil: time.Now
	Checks    []Check              // beside the store's
	Leader    func() string        // who leads, for /v1/status; nil: nobody says
	BodyLimit int64                // bytes of a request's body; 0: DefaultBodyLimit
}

// DefaultBodyLimit is what a request's body may have at most, in bytes.
const DefaultBodyLimit = 16 << 20

// Time-outs of the HTTP server. bodyTimeout is set while a body is read and taken back then: as the server's own ReadTimeout it
// would end the waits and watches, which are long, in the middle.
const (
	readHeaderTimeout = 10 * time.Second
	bodyTimeout       = 2 * time.Minute
	idleTimeout       = 2 * time.Minute
)

// Server answers the REST requests of openapi.yaml. It is an http.Handler.
type Server struct {
	Options
	router  *mux.Router
	metrics *metrics
	closing chan struct{} // closed when waits and watches shall end
}

// NewServer makes a server.
func NewServer(o Options) (*Server, error) {
	if o.Objects == nil || o.Inspector == nil || o.Metrics == nil {
		return nil, errors.New("api: a server needs Objects, an Inspector and Metrics")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.BodyLimit == 0 {
		o.BodyLimit = DefaultBodyLimit
	}
	s := &Server{Options: o, closing: make(chan struct{})}
	var err error
	if s.metrics, err = newMetrics(o.Metrics); err != nil {
		return nil, fmt.Errorf("api: register metrics: %w", err)
	}
	s.router = s.newRouter()
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// Serve answers on the listener until the context ends, then lets what is under way end within the grace period; waits and
// watches end at once. It is called once.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the API on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	close(s.closing)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := h.Shutdown(stopping); err != nil {
		_ = h.Close() // What does not end in time is cut off.
	}
	<-failed
	return nil
}
