package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"conjunct/api"
	"conjunct/controller"
	"conjunct/members"
	"conjunct/policy"
	"conjunct/store"
)

// grace is how long requests under way may take once the daemon is asked to end.
const grace = 5 * time.Second

// serve runs the daemon until ctx ends. The flows stay on the bridges.
func serve(ctx context.Context, c *Config) error {
	limitGarbage(openingGarbage)
	log := newLogger(c.Log, os.Stderr)
	slog.SetDefault(log)
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	options, err := c.Etcd.options()
	if err != nil {
		return err
	}
	options.Dir, options.DefaultProfile, options.AuditKeep, options.Log = c.etcdDir(), policy.ProfileName(c.Profile), c.Audit.Keep, log.With("part", "store")
	objects, err := store.Open(ctx, options)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer objects.Close()
	limitGarbage(garbage)
	if _, err := objects.Update(ctx, policy.RestoreDefaults); err != nil {
		return fmt.Errorf("default groups of profile %q: %w", c.Profile, err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mirror, checks, err := newMirror(c, registry, log)
	if err != nil {
		return err
	}
	peers, err := peerTLS(c.TLS)
	if err != nil {
		return err
	}
	bridges, err := controller.New(controller.Options{
		Store: objects, Registry: registry, Log: log.With("part", "controller"),
		OVSDBListen: c.OVSDB.Listen, OpenFlowListen: c.OpenFlow.Listen, Advertise: c.OpenFlow.Advertise, TLS: peers,
		Bridge:        controller.Bridge{Name: c.Bridge.Name, DatapathType: c.Bridge.DatapathType, Foreign: controller.Foreign(c.Bridge.Foreign)},
		DriftInterval: time.Duration(c.Bridge.Compare), Mirror: mirror,
	})
	if err != nil {
		return err
	}
	rest, err := api.NewServer(api.Options{Objects: objects, Inspector: bridges, Metrics: registry, Log: log.With("part", "api"), Checks: checks})
	if err != nil {
		return err
	}
	if path, err := api.EnsureAdminToken(ctx, objects, c.DataDir); err != nil {
		return err
	} else if path != "" {
		log.Info("wrote the first token", "file", path)
	}
	listener, err := listen(c.API)
	if err != nil {
		return fmt.Errorf("api.listen: %w", err)
	}
	profiles, err := listenDebug(c.Debug)
	if err != nil {
		return fmt.Errorf("debug.listen: %w", err)
	}
	log.Info("serving", "version", version, "api", listener.Addr().String(), "ovsdb", c.OVSDB.Listen, "openflow", c.OpenFlow.Listen)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return bridges.Run(ctx) })
	group.Go(func() error { return serveDebug(ctx, profiles) })
	group.Go(func() error { return rest.Serve(ctx, listener, grace) })
	return group.Wait()
}

func newLogger(c LogConfig, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // Config.check has read it.
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// newMirror makes the mirror of members, where a Redis is named; nothing waits for it, so it does not count for readiness.
func newMirror(c *Config, registry prometheus.Registerer, log *slog.Logger) (*members.Mirror, []api.Check, error) {
	if c.Redis.URL == "" {
		return nil, nil, nil
	}
	m, err := members.NewMirror(members.Options{URL: c.Redis.URL, Log: log.With("part", "redis")})
	if err != nil {
		return nil, nil, fmt.Errorf("redis.url: %w", err)
	}
	gauge := func(name, help string, value func(members.Stats) float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(m.Stats()) }))
	}
	gauge("conjunct_redis_connected", "1 while everything is in Redis.", func(s members.Stats) float64 {
		if s.Connected {
			return 1
		}
		return 0
	})
	gauge("conjunct_redis_lag_seconds", "How long the oldest change has waited for Redis.", func(s members.Stats) float64 { return s.Lag.Seconds() })
	gauge("conjunct_redis_queue", "Groups and changes that wait for Redis.", func(s members.Stats) float64 { return float64(s.Queue) })
	gauge("conjunct_redis_resyncs", "How often all groups were written afresh.", func(s members.Stats) float64 { return float64(s.Resyncs) })
	gauge("conjunct_redis_errors", "Failed sessions with Redis.", func(s members.Stats) float64 { return float64(s.Errors) })
	check := api.Check{Name: "redis", Optional: true, Run: func(context.Context) error {
		if s := m.Stats(); !s.Connected {
			return errors.New(s.LastError)
		}
		return nil
	}}
	return m, []api.Check{check}, nil
}

// listen opens the API's listener, with TLS where a certificate is given.
func listen(c APIConfig) (net.Listener, error) {
	if c.TLSCert == "" {
		return net.Listen("tcp", c.Listen)
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, err
	}
	return tls.Listen("tcp", c.Listen, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
}
