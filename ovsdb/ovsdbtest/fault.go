package ovsdbtest

import (
	"context"
	"time"
)

// Drop ends every connection.
func (s *Server) Drop() {
	s.mu.Lock()
	sessions := make([]*session, 0, len(s.sessions))
	for from := range s.sessions {
		sessions = append(sessions, from)
	}
	s.mu.Unlock()
	for _, from := range sessions {
		from.end()
	}
}

// Refuse makes further connections end as soon as they are made, or not.
func (s *Server) Refuse(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = on
}

// Mute makes the server take what it is sent and answer nothing, or not.
func (s *Server) Mute(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = on
}

func (s *Server) muted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mute
}

// Delay holds back every message to a client by d.
func (s *Server) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

func (s *Server) delay() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latency
}

// FailNext makes the next transaction of a client fail as a whole with this error,
// such as ovsdb.KindNotSupported.
func (s *Server) FailNext(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failNext = kind
}

// Hide makes methods unknown, as they are to an older server.
func (s *Server) Hide(methods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = methods
}

// Transactions counts the transactions that clients have sent, refused ones included.
func (s *Server) Transactions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transactions
}

// Connections counts the clients that are connected.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Probe sends every client an echo and waits for the answers. Calls must not overlap.
func (s *Server) Probe(ctx context.Context) error {
	s.mu.Lock()
	var asked []*session
	for from := range s.sessions {
		from.send(map[string]any{"method": "echo", "params": []any{"are you there"}, "id": "probe"})
		asked = append(asked, from)
	}
	s.mu.Unlock()
	for _, from := range asked {
		select {
		case <-from.echoes:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
