package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"conjunct/policy"
	"conjunct/store"
)

// Config is the daemon's configuration.
type Config struct {
	DataDir  string         `json:"data_dir"`
	API      APIConfig      `json:"api"`
	OVSDB    ListenConfig   `json:"ovsdb"`
	OpenFlow OpenFlowConfig `json:"openflow"`
	TLS      TLSConfig      `json:"tls"`
	Etcd     EtcdConfig     `json:"etcd"`
	Redis    RedisConfig    `json:"redis"`
	Bridge   BridgeConfig   `json:"bridge"`
	Audit    AuditConfig    `json:"audit"`
	Profile  string         `json:"profile"` // of projects that name none: a preset, or one that the store holds
	Log      LogConfig      `json:"log"`
	Debug    ListenConfig   `json:"debug"` // profiles of the daemon; nowhere when empty, and on loopback only
}

// APIConfig is where the REST API listens. Without a certificate it is plain HTTP, on loopback only unless Insecure.
type APIConfig struct {
	Listen   string `json:"listen"`
	TLSCert  string `json:"tls_cert"`
	TLSKey   string `json:"tls_key"`
	Insecure bool   `json:"insecure"`
}

// ListenConfig is where something listens: for hypervisors' databases tcp:ADDR:PORT, ssl:ADDR:PORT or unix:PATH, for profiles
// ADDR:PORT.
type ListenConfig struct {
	Listen string `json:"listen"`
}

// OpenFlowConfig is where switches dial in, and the address that they are told.
type OpenFlowConfig struct {
	Listen    string `json:"listen"`
	Advertise string `json:"advertise"`
}

// TLSConfig is for ovsdb and openflow: the authority that signs hypervisors' certificates, and the daemon's own.
type TLSConfig struct {
	CA   string `json:"ca"`
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// EtcdConfig names an external cluster; none: etcd runs inside, in the data directory. Endpoints begin with https:// where the
// cluster speaks TLS: CA is the authority of its certificates, the machine's authorities when empty, and Cert and Key are the
// daemon's own, for a cluster that asks for one. Username and the first line of PasswordFile are for a cluster with authentication.
type EtcdConfig struct {
	Endpoints    []string `json:"endpoints"`
	CA           string   `json:"ca"`
	Cert         string   `json:"cert"`
	Key          string   `json:"key"`
	Username     string   `json:"username"`
	PasswordFile string   `json:"password_file"`
}

// AuditConfig is how much of the audit log is kept.
type AuditConfig struct {
	Keep int `json:"keep"` // records, at least; a tenth more may be there
}

// RedisConfig names the Redis that mirrors members; empty: none does.
type RedisConfig struct {
	URL string `json:"url"`
}

// BridgeConfig is the bridge that is programmed on every hypervisor.
type BridgeConfig struct {
	Name         string `json:"name"`
	DatapathType string `json:"datapath_type"` // system or netdev
	Foreign      string `json:"foreign"`       // what to do about flows that others wrote into our tables: remove or report
	// Compare is how often a bridge is compared with what is wanted, beside the changes.
	Compare Duration `json:"compare"`
}

// LogConfig is how the daemon logs: level debug, info, warn or error; format text or json.
type LogConfig struct {
	Level  string `json:"level"`
	Format string `json:"format"`
}

// Duration is a time.Duration that reads as 60s or 1m30s.
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// MarshalText is the opposite of UnmarshalText.
//
//nolint:unparam // encoding.TextMarshaler
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func defaults() *Config {
	return &Config{
		DataDir:  "/var/lib/conjunct",
		API:      APIConfig{Listen: "127.0.0.1:8440"},
		OVSDB:    ListenConfig{Listen: "tcp:127.0.0.1:6640"},
		OpenFlow: OpenFlowConfig{Listen: "tcp:127.0.0.1:6653", Advertise: "tcp:127.0.0.1:6653"},
		Etcd:     EtcdConfig{Endpoints: []string{}},
		Bridge:   BridgeConfig{Name: "br-int", DatapathType: "system", Foreign: "remove", Compare: Duration(time.Minute)},
		Audit:    AuditConfig{Keep: store.DefaultAuditKeep},
		Profile:  string(policy.ProfileIsolated),
		Log:      LogConfig{Level: "info", Format: "text"},
	}
}

// load reads the file, where one is named, over the defaults, and then the settings by key. Unknown keys are errors.
func load(file string, settings map[string]string) (*Config, error) {
	c := defaults()
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the configuration: %w", err)
		}
		if err := yaml.UnmarshalStrict(b, c); err != nil {
			return nil, fmt.Errorf("read the configuration %s: %w", file, err)
		}
	}
	for key, value := range settings {
		if err := set(c, key, value); err != nil {
			return nil, err
		}
	}
	return c, c.check()
}

// check lists all that can't work, each with its key.
func (c *Config) check() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.DataDir == "" {
		bad("data_dir", "a directory is required")
	}
	if (c.API.TLSCert == "") != (c.API.TLSKey == "") {
		bad("api.tls_cert", "tls_cert and tls_key go together")
	}
	host, _, err := net.SplitHostPort(c.API.Listen)
	switch {
	case err != nil:
		bad("api.listen", "%q is not ADDRESS:PORT: %v", c.API.Listen, err)
	case c.API.TLSCert == "" && !c.API.Insecure && !loopback(host):
		bad("api.listen", "%s is not loopback and there is no tls_cert: tokens would travel in the clear; give a certificate or set api.insecure: true", c.API.Listen)
	}
	for key, target := range map[string]string{"ovsdb.listen": c.OVSDB.Listen, "openflow.listen": c.OpenFlow.Listen, "openflow.advertise": c.OpenFlow.Advertise} {
		kind, _, _ := strings.Cut(target, ":")
		switch {
		case kind != "tcp" && kind != "ssl" && kind != "unix":
			bad(key, "%q is not tcp:ADDRESS:PORT, ssl:ADDRESS:PORT or unix:PATH", target)
		case kind == "ssl" && (c.TLS.CA == "" || c.TLS.Cert == "" || c.TLS.Key == ""):
			bad(key, "%s needs tls.ca, tls.cert and tls.key", target)
		}
	}
	c.Etcd.check(bad)
	if c.Debug.Listen != "" {
		host, _, err := net.SplitHostPort(c.Debug.Listen)
		switch {
		case err != nil:
			bad("debug.listen", "%q is not ADDRESS:PORT: %v", c.Debug.Listen, err)
		case !loopback(host):
			bad("debug.listen", "%s is not loopback: profiles tell what the daemon holds in memory, and ask for no token", c.Debug.Listen)
		}
	}
	if c.Audit.Keep < 1 {
		bad("audit.keep", "%d is below 1: a change without a record can't be made", c.Audit.Keep)
	}
	if c.Bridge.Name == "" {
		bad("bridge.name", "a name is required")
	}
	oneOf := func(key, value string, allowed ...string) {
		for _, a := range allowed {
			if value == a {
				return
			}
		}
		bad(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
	oneOf("bridge.datapath_type", c.Bridge.DatapathType, "system", "netdev")
	oneOf("bridge.foreign", c.Bridge.Foreign, "remove", "report")
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "text", "json")
	if time.Duration(c.Bridge.Compare) < time.Second {
		bad("bridge.compare", "%s is below 1s", time.Duration(c.Bridge.Compare))
	}
	if !policy.ValidName(c.Profile) { // Whether it exists shows when the store is open.
		bad("profile", "%q is not the name of a profile, such as %s", c.Profile, presetNames())
	}
	return errors.Join(errs...)
}

func presetNames() string {
	var names []string
	for _, p := range policy.Presets() {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// etcdDir is where the embedded etcd keeps its files.
func (c *Config) etcdDir() string { return filepath.Join(c.DataDir, "etcd") }
