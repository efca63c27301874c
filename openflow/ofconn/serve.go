package ofconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Server takes switches that dial.
type Server struct {
	Options Options
	// Handle owns the connection, which is closed when it returns. It must return when ctx ends.
	Handle func(ctx context.Context, c *Conn)
	// Refused hears of handshakes that failed; nil to ignore them.
	Refused func(peer net.Addr, err error)
}

// Serve accepts on l until ctx ends, and then returns nil after every Handle has returned. Each switch is handled in a
// goroutine of its own, so one that is slow in its handshake delays nobody. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	options := s.Options
	options.rooms = new(rooms)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	for wait := time.Duration(0); ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			wait = 0
			work.Go(func() { s.serve(ctx, nc, options) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept switches: %w", err)
		default: // out of file descriptors, and the like: that passes
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	}
}

func (s *Server) serve(ctx context.Context, nc net.Conn, options Options) {
	peer := nc.RemoteAddr()
	c, err := New(ctx, nc, options)
	if err != nil {
		if s.Refused != nil {
			s.Refused(peer, err)
		}
		return
	}
	defer c.Close()
	s.Handle(ctx, c)
}
