package controller

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"conjunct/policy"
	"conjunct/store"
)

// openStore is a store in a directory of the test's own.
func openStore(t testing.TB) *store.Store {
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// put writes objects in one transaction.
func put(t testing.TB, s *store.Store, objects ...policy.Object) int64 {
	t.Helper()
	revision, err := s.Update(context.Background(), func(tx policy.Tx) error {
		for _, o := range objects {
			if err := tx.Put(o); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	return revision
}

// erase deletes an object.
func erase(t testing.TB, s *store.Store, k policy.Kind, id string) int64 {
	t.Helper()
	revision, err := s.Update(context.Background(), func(tx policy.Tx) error { return tx.Delete(k, id) })
	require.NoError(t, err)
	return revision
}

// start runs a controller until the test ends, or until stop. tune may change what it waits for.
func start(t testing.TB, o Options, tune ...func(*limits)) (c *Controller, stop func()) {
	t.Helper()
	o.Log = testLog(t)
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.OVSDBListen == "" {
		o.OVSDBListen = "tcp:127.0.0.1:0"
	}
	if o.OpenFlowListen == "" {
		o.OpenFlowListen = "tcp:127.0.0.1:0"
	}
	c, err := New(o)
	require.NoError(t, err)
	for _, f := range tune {
		f(&c.limits)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	done := false
	stop = func() {
		if done {
			return
		}
		done = true
		cancel()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(20 * time.Second):
			t.Error("Run did not return")
		}
	}
	t.Cleanup(stop)
	return c, stop
}

// basics are a project with a VPC, a subnet and a group that lets SSH in from anywhere.
func basics() []policy.Object {
	port := 22
	return []policy.Object{
		&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p"},
		&policy.VPC{Meta: policy.Meta{ID: "v"}, Name: "v", ProjectID: "p"},
		&policy.Subnet{Meta: policy.Meta{ID: "s"}, Name: "s", VPCID: "v", VLAN: 7, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}},
		&policy.Group{Meta: policy.Meta{ID: "web"}, Name: "web", ProjectID: "p"},
		&policy.Rule{
			Meta: policy.Meta{ID: "web-ssh"}, GroupID: "web", Direction: policy.Ingress, Protocol: policy.TCP,
			PortMin: &port, PortMax: &port, Remote: policy.Remote{Any: true},
		},
	}
}

// vm is an instance with one port of the same id; n makes MAC and address.
func vm(id string, n int, groups ...policy.GroupID) []policy.Object {
	return []policy.Object{
		&policy.Instance{Meta: policy.Meta{ID: id}, Name: id, ProjectID: "p", SecurityGroupIDs: groups},
		&policy.Port{
			Meta: policy.Meta{ID: id}, InstanceID: policy.InstanceID(id), SubnetID: "s",
			MAC:       policy.MAC{0xfa, 0x16, 0x3e, 0, byte(n >> 8), byte(n)},
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})},
		},
	}
}

const patience = 30 * time.Second

// eventually waits for a condition.
func eventually(t testing.TB, cond func() bool, what ...any) {
	t.Helper()
	require.Eventually(t, cond, patience, 5*time.Millisecond, what...)
}

// shortDir is a directory whose path fits into a socket's address (108 bytes).
func shortDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "cjc")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
