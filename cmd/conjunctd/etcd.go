package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"conjunct/store"
)

// check lists what of it can't work.
func (c *EtcdConfig) check(bad func(key, format string, args ...any)) {
	if (c.Cert == "") != (c.Key == "") {
		bad("etcd.cert", "cert and key go together")
	}
	if (c.Username == "") != (c.PasswordFile == "") {
		bad("etcd.username", "username and password_file go together")
	}
	for _, e := range c.Endpoints {
		u, err := url.Parse(e)
		plain := err != nil || u.Scheme != "https"
		switch {
		case plain && (c.CA != "" || c.Cert != ""):
			bad("etcd.endpoints", "%q does not begin with https://, but etcd.ca or etcd.cert is given", e)
		case plain && c.Username != "" && !near(e, u):
			bad("etcd.endpoints", "%q is neither https:// nor loopback: the password would travel in the clear", e)
		}
	}
}

// near reports whether the endpoint is on this machine.
func near(endpoint string, u *url.URL) bool {
	if u != nil && u.Hostname() != "" {
		return loopback(u.Hostname())
	}
	host, _, err := net.SplitHostPort(endpoint)
	return err == nil && loopback(host)
}

// options are those of the store that say where the cluster is and how one comes in.
func (c *EtcdConfig) options() (o store.Options, err error) {
	o = store.Options{Endpoints: c.Endpoints, Username: c.Username}
	if c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return o, fmt.Errorf("etcd.password_file: %w", err)
		}
		o.Password, _, _ = strings.Cut(string(b), "\n")
	}
	if len(c.Endpoints) == 0 || !strings.HasPrefix(c.Endpoints[0], "https://") {
		return o, nil
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		if o.TLS.RootCAs, err = authority("etcd.ca", c.CA); err != nil {
			return o, err
		}
	}
	if c.Cert != "" {
		own, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return o, fmt.Errorf("etcd.cert, etcd.key: %w", err)
		}
		o.TLS.Certificates = []tls.Certificate{own}
	}
	return o, nil
}
