package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
)

// listenDebug opens the listener for profiles, nil where none is asked for.
func listenDebug(c ListenConfig) (net.Listener, error) {
	if c.Listen == "" {
		return nil, nil
	}
	return net.Listen("tcp", c.Listen)
}

// serveDebug hands out profiles of this process (net/http/pprof) until ctx ends; a nil listener hands out none.
func serveDebug(ctx context.Context, l net.Listener) error {
	if l == nil {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: grace}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
