package ovsdbtest

import (
	"encoding/json"
	"net"
	"sync"
	"time"
)

// A session is one client's connection. What it is sent is queued without bound, as
// the real server does, so that a client that reads slowly holds up nobody.
type session struct {
	server   *Server
	nc       net.Conn
	monitors []*monitor // guarded by server.mu

	mu     sync.Mutex
	queue  [][]byte
	closed bool
	ready  chan struct{} // holds a token while queue may be non-empty
	echoes chan struct{} // a token for each echo that the client has answered
}

func newSession(s *Server, nc net.Conn) *session {
	return &session{server: s, nc: nc, ready: make(chan struct{}, 1), echoes: make(chan struct{}, 1)}
}

// run serves the connection until it ends.
func (s *session) run() {
	var writer sync.WaitGroup
	writer.Go(s.write)
	s.read()
	s.end()
	writer.Wait()
}

// end makes both directions stop.
func (s *session) end() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
	s.nc.Close()
}

func (s *session) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// send queues a message.
func (s *session) send(m any) {
	frame, err := json.Marshal(m)
	if err != nil {
		panic(err) // a value of our own making
	}
	s.mu.Lock()
	s.queue = append(s.queue, frame)
	s.mu.Unlock()
	s.signal()
}

func (s *session) write() {
	for range s.ready {
		s.mu.Lock()
		frames, closed := s.queue, s.closed
		s.queue = nil
		s.mu.Unlock()
		if closed {
			return
		}
		for _, frame := range frames {
			time.Sleep(s.server.delay())
			if _, err := s.nc.Write(frame); err != nil {
				s.nc.Close()
				return
			}
		}
	}
}

// A call is any message from the client.
type call struct {
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
	ID     json.RawMessage   `json:"id"`
}

func (s *session) read() {
	dec := json.NewDecoder(s.nc)
	for {
		var c call
		if err := dec.Decode(&c); err != nil {
			return
		}
		if s.server.muted() {
			continue
		}
		if c.Method == "" {
			select {
			case s.echoes <- struct{}{}:
			default:
			}
			continue
		}
		s.server.serve(s, c)
	}
}

// reply answers a call. The server's lock is held, so that an update and the reply to
// its cause leave in this order.
func (s *session) reply(c call, result any, err error) {
	if err != nil {
		s.send(map[string]any{"id": c.ID, "result": nil, "error": err})
		return
	}
	s.send(map[string]any{"id": c.ID, "result": result, "error": nil})
}
