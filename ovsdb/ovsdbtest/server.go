package ovsdbtest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"sync"
	"time"

	"conjunct/ovsdb"
)

// A Server is one hypervisor's database and its connections. Its methods may be called
// from any goroutine.
type Server struct {
	running sync.WaitGroup

	mu           sync.Mutex
	db           database
	changed      chan struct{} // closed and replaced by every commit
	sessions     map[*session]bool
	listeners    []net.Listener
	hidden       []string // methods that an older server would not have
	latency      time.Duration
	mute         bool
	refuse       bool
	failNext     string
	transactions int
	closed       bool
}

// New makes a server with the one Open_vSwitch row, named systemID ("" for no name).
func New(systemID string) *Server {
	s := &Server{
		db:       newDatabase(),
		changed:  make(chan struct{}),
		sessions: map[*session]bool{},
	}
	root := ovsdb.Row{
		"ovs_version":    ovsdb.String("3.1.0"),
		"db_version":     ovsdb.String(schemaVersion),
		"datapath_types": ovsdb.Strings("netdev", "system"),
	}
	if systemID != "" {
		root["external_ids"] = ovsdb.StringMap(map[string]string{"system-id": systemID})
	}
	if _, err := s.Transact(context.Background(), ovsdb.Insert{Table: "Open_vSwitch", Row: root}); err != nil {
		panic(err) // a row of our own making
	}
	return s
}

// Close ends all connections and listeners and waits for their goroutines. Dialling
// out ends with the context of DialOut.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, nl := range s.listeners {
		nl.Close()
	}
	s.mu.Unlock()
	s.Drop()
	s.running.Wait()
}

// Transact runs operations as a client would. It is how tests change rows in the name
// of ovs-vswitchd or of an administrator.
func (s *Server) Transact(_ context.Context, ops ...ovsdb.Op) ([]ovsdb.Result, error) {
	raw := make([]json.RawMessage, len(ops))
	for i, op := range ops {
		text, err := json.Marshal(op)
		if err != nil {
			return nil, err
		}
		raw[i] = text
	}
	s.mu.Lock()
	results := s.commit(raw)
	s.mu.Unlock()
	text, err := json.Marshal(results)
	if err != nil {
		return nil, err
	}
	return ovsdb.DecodeResults(text, ops)
}

// Pipe returns the client's end of a connection in memory.
func (s *Server) Pipe() net.Conn {
	client, server := net.Pipe()
	s.start(server)
	return client
}

// start serves a connection in a goroutine that Close waits for.
func (s *Server) start(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		nc.Close()
		return
	}
	s.running.Go(func() { s.ServeConn(nc) })
}

// ServeConn serves a connection until it ends, and closes it.
func (s *Server) ServeConn(nc net.Conn) {
	from := newSession(s, nc)
	if !s.enter(from) {
		nc.Close()
		return
	}
	from.run()
	s.mu.Lock()
	delete(s.sessions, from)
	s.mu.Unlock()
}

func (s *Server) enter(from *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse || s.closed {
		return false
	}
	s.sessions[from] = true
	return true
}

// Listen serves everybody who connects to network and address, as package net has
// them, with TLS if config is not nil. It returns where it listens.
func (s *Server) Listen(network, address string, config *tls.Config) (net.Addr, error) {
	nl, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	if config != nil {
		nl = tls.NewListener(nl, config)
	}
	s.mu.Lock()
	s.listeners = append(s.listeners, nl)
	s.mu.Unlock()
	s.running.Go(func() {
		for {
			nc, err := nl.Accept()
			if err != nil {
				return
			}
			s.start(nc)
		}
	})
	return nl.Addr(), nil
}

// redial is the pause of DialOut between connections.
const redial = 20 * time.Millisecond

// DialOut connects to a controller, as after ovs-vsctl set-manager, serves it, and
// connects again whenever the connection has ended, until ctx ends. dial makes the
// connection.
func (s *Server) DialOut(ctx context.Context, dial func(context.Context) (net.Conn, error)) {
	for ctx.Err() == nil {
		nc, err := dial(ctx)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { nc.Close() })
			s.ServeConn(nc)
			stop()
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
}
