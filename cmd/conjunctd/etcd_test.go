package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"conjunct/policy"
	"conjunct/store"
	"conjunct/tlstest"
)

// locked starts an etcd that speaks TLS, asks for certificates and passwords, and gives the user conjunct the keys of Conjunct.
func locked(t *testing.T, ca *tlstest.Authority) string {
	c := embed.NewConfig()
	c.Dir, c.LogLevel, c.LogOutputs = t.TempDir(), "error", []string{"/dev/null"}
	c.MaxTxnOps, c.MaxRequestBytes = store.MaxOperations, store.MaxRequest
	c.ListenPeerUrls = nil
	c.ListenClientUrls = []url.URL{{Scheme: "https", Host: "127.0.0.1:0"}}
	tls := &c.ClientTLSInfo
	tls.TrustedCAFile, tls.CertFile, tls.KeyFile = ca.Files("etcd", "127.0.0.1")
	tls.ClientCertAuth = true
	e, err := embed.StartEtcd(c)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	<-e.Server.ReadyNotify()
	endpoint := "https://" + e.Clients[0].Addr().String()

	options := EtcdConfig{Endpoints: []string{endpoint}}
	options.CA, options.Cert, options.Key = ca.Files("root")
	as, err := options.options()
	require.NoError(t, err)
	root, err := clientv3.New(clientv3.Config{Endpoints: as.Endpoints, TLS: as.TLS})
	require.NoError(t, err)
	defer func() { _ = root.Close() }()
	ctx := t.Context()
	for _, err := range []error{
		second(root.RoleAdd(ctx, "root")), second(root.UserAdd(ctx, "root", "r00t")), second(root.UserGrantRole(ctx, "root", "root")),
		second(root.RoleAdd(ctx, "conjunct")), second(root.UserAdd(ctx, "conjunct", "s3cret")), second(root.UserGrantRole(ctx, "conjunct", "conjunct")),
		second(root.RoleGrantPermission(ctx, "conjunct", "/conjunct/", clientv3.GetPrefixRangeEnd("/conjunct/"), clientv3.PermissionType(clientv3.PermReadWrite))),
		second(root.AuthEnable(ctx)),
	} {
		require.NoError(t, err)
	}
	return endpoint
}

func second[T any](_ T, err error) error { return err }

func TestEtcd_TLSAndAuthentication(t *testing.T) {
	ca := tlstest.New(t)
	endpoint := locked(t, ca)
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("s3cret\n"), 0o600))
	// A certificate's common name is a user's as well, where no password is given: this one is nobody.
	good := EtcdConfig{Endpoints: []string{endpoint}, Username: "conjunct", PasswordFile: password}
	good.CA, good.Cert, good.Key = ca.Files("conjunctd")
	patience := 20 * time.Second
	open := func(c EtcdConfig) (*store.Store, error) {
		var wrong []string
		c.check(func(key, _ string, _ ...any) { wrong = append(wrong, key) })
		require.Empty(t, wrong)
		o, err := c.options()
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return store.Open(ctx, o)
	}

	s, err := open(good)
	require.NoError(t, err)
	_, err = s.Update(t.Context(), func(tx policy.Tx) error {
		return tx.Put(&policy.Project{Meta: policy.Meta{ID: "p"}, Name: "p"})
	})
	require.NoError(t, err)
	found, err := s.Fsck(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	s.Close()

	patience = time.Second // Handshakes that fail are tried again until then.
	for name, change := range map[string]func(*EtcdConfig){
		"no password":           func(c *EtcdConfig) { c.Username, c.PasswordFile = "", "" },
		"another password":      func(c *EtcdConfig) { c.PasswordFile = c.CA },
		"no certificate":        func(c *EtcdConfig) { c.Cert, c.Key = "", "" },
		"an authority unknown":  func(c *EtcdConfig) { c.CA, _, _ = tlstest.New(t).Files("x") },
		"the machine's instead": func(c *EtcdConfig) { c.CA = "" },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			s, err := open(c)
			if err == nil {
				s.Close()
			}
			require.ErrorContains(t, err, "etcd")
		})
	}
}

func TestEtcd_WhatCantWork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none")
	for _, row := range []struct {
		c    EtcdConfig
		want string
	}{
		{EtcdConfig{Endpoints: []string{"http://127.0.0.1:2379"}, CA: "x"}, "etcd.endpoints"},
		{EtcdConfig{Endpoints: []string{"10.0.0.1:2379"}, Username: "u", PasswordFile: "f"}, "etcd.endpoints"},
		{EtcdConfig{Endpoints: []string{"http://10.0.0.1:2379"}, Username: "u", PasswordFile: "f"}, "etcd.endpoints"},
		{EtcdConfig{Endpoints: []string{"127.0.0.1:2379", "http://localhost:2379"}, Username: "u", PasswordFile: "f"}, ""},
		{EtcdConfig{Endpoints: []string{"https://10.0.0.1:2379"}, Username: "u", PasswordFile: "f", Cert: "c"}, "etcd.cert"},
	} {
		got := ""
		row.c.check(func(key, _ string, _ ...any) { got = key })
		require.Equal(t, row.want, got, "%+v", row.c)
	}
	for key, c := range map[string]EtcdConfig{
		"etcd.password_file": {PasswordFile: file},
		"etcd.ca":            {Endpoints: []string{"https://localhost:1"}, CA: file},
		"etcd.cert":          {Endpoints: []string{"https://localhost:1"}, Cert: file, Key: file},
	} {
		_, err := c.options()
		require.ErrorContains(t, err, key)
		require.ErrorContains(t, err, file)
	}
}
