package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

const (
	// MaxOperations is how many keys one transaction may compare or write: some three for an entry of an IP set, six to
	// ten for a port.
	MaxOperations = 1 << 17
	// MaxRequest is how many bytes one transaction may have.
	MaxRequest = 64 << 20
	// Retention is how far back the embedded etcd keeps the history that Since reads.
	Retention = 30 * time.Minute

	backendQuota = 8 << 30     // bytes; etcd's own advice for the upper end
	slowRequest  = time.Second // is warned of; a bulk of ten thousand objects takes a few tenths
	memberName   = "conjunct"
)

// embedded is an etcd of one member inside this process. It listens nowhere: whoever could reach a listener could
// write policy. Its client calls the server's functions.
type embedded struct {
	etcd *embed.Etcd
	lock *os.File
}

// startEmbedded runs etcd on the directory, which is made when it is missing and must be no other process's.
func startEmbedded(ctx context.Context, dir string, log *slog.Logger) (_ *embedded, err error) {
	e := &embedded{}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	if e.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	if e.etcd, err = embed.StartEtcd(embeddedConfig(dir, log)); err != nil {
		return nil, fmt.Errorf("start etcd in %s: %w", dir, err)
	}
	select {
	case <-e.etcd.Server.ReadyNotify():
		return e, nil
	case err = <-e.etcd.Err():
		return nil, fmt.Errorf("start etcd in %s: %w", dir, err)
	case <-e.etcd.Server.StopNotify():
		return nil, fmt.Errorf("start etcd in %s: it stopped", dir)
	case <-ctx.Done():
		return nil, fmt.Errorf("start etcd in %s: %w", dir, ctx.Err())
	}
}

func embeddedConfig(dir string, log *slog.Logger) *embed.Config {
	// The member's own address is part of its identity, but with one member nobody ever dials it.
	self := url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	c := embed.NewConfig()
	c.Name, c.Dir = memberName, dir
	c.ListenClientUrls, c.ListenPeerUrls = nil, nil
	c.AdvertiseClientUrls, c.AdvertisePeerUrls = []url.URL{self}, []url.URL{self}
	c.InitialCluster = memberName + "=" + self.String()
	// Nobody has to catch up with the only member: its last requests, each up to MaxRequest, need not stay in memory for that.
	c.SnapshotCount, c.SnapshotCatchUpEntries = 1000, 1
	c.MaxTxnOps, c.MaxRequestBytes = MaxOperations, MaxRequest
	c.QuotaBackendBytes = backendQuota
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModePeriodic, Retention.String()
	c.WarningApplyDuration, c.WarningUnaryRequestDuration = slowRequest, slowRequest
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zapLogger(log))
	return c
}

func (e *embedded) client() *clientv3.Client { return v3client.New(e.etcd.Server) }

func (e *embedded) close() {
	if e.etcd != nil {
		e.etcd.Close()
	}
	if e.lock != nil {
		_ = e.lock.Close()
	}
}

// lockDir makes the directory this process's own until the file is closed. etcd itself would wait for ever.
func lockDir(dir string) (*os.File, error) {
	if dir == "" {
		return nil, errors.New("open store: neither a directory nor etcd endpoints are given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	name := filepath.Join(dir, "lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open store: %s is in use by another process: %w", name, err)
	}
	return f, nil
}
