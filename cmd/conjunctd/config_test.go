package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func TestConfig_RunsWithoutAnyFile(t *testing.T) {
	c, err := load("", nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8440", c.API.Listen)
	require.Equal(t, "br-int", c.Bridge.Name)
}

func TestConfig_FlagsWinOverVariablesOverTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("bridge: {name: file, datapath_type: netdev, compare: 5s}\netcd: {endpoints: [a]}\n"), 0o600))
	flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
	addFlags(flags)
	require.NoError(t, flags.Parse([]string{"--bridge-name=flag", "--etcd-endpoints=x,y"}))
	settings, err := given(flags, []string{"CONJUNCT_BRIDGE_NAME=env", "CONJUNCT_BRIDGE_FOREIGN=report", "CONJUNCT_TOKEN=t", "PATH=/"})
	require.NoError(t, err)
	c, err := load(file, settings)
	require.NoError(t, err)
	require.Equal(t, BridgeConfig{Name: "flag", DatapathType: "netdev", Foreign: "report", Compare: Duration(5 * time.Second)}, c.Bridge)
	require.Equal(t, []string{"x", "y"}, c.Etcd.Endpoints)
}

func TestConfig_ErrorsNameTheKey(t *testing.T) {
	for _, row := range []struct{ key, value, want string }{
		{"api.listen", "0.0.0.0:8440", "api.listen: 0.0.0.0:8440 is not loopback"},
		{"api.listen", "nowhere", "api.listen: \"nowhere\" is not ADDRESS:PORT"},
		{"api.tls_cert", "x", "api.tls_cert: tls_cert and tls_key go together"},
		{"openflow.listen", "ssl:127.0.0.1:6653", "openflow.listen: ssl:127.0.0.1:6653 needs tls.ca"},
		{"ovsdb.listen", "6640", "ovsdb.listen: \"6640\" is not tcp:"},
		{"bridge.foreign", "ignore", "bridge.foreign: \"ignore\" is not one of remove, report"},
		{"audit.keep", "0", "audit.keep: 0 is below 1"},
		{"audit.keep", "many", "audit.keep: \"many\""},
		{"bridge.compare", "soon", "bridge.compare: \"soon\""},
		{"debug.listen", "0.0.0.0:6060", "debug.listen: 0.0.0.0:6060 is not loopback"},
		{"debug.listen", "6060", "debug.listen: \"6060\" is not ADDRESS:PORT"},
		{"etcd.cert", "x", "etcd.cert: cert and key go together"},
		{"etcd.username", "x", "etcd.username: username and password_file go together"},
		{"profile", "no such", "profile: \"no such\" is not the name of a profile"},
		{"bridge.nmae", "x", "bridge.nmae: there is no such key"},
	} {
		_, err := load("", map[string]string{row.key: row.value})
		require.ErrorContains(t, err, row.want, row.key)
	}
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("brigde: {}\n"), 0o600))
	_, err := load(file, nil)
	require.ErrorContains(t, err, "brigde")
	flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
	addFlags(flags)
	_, err = given(flags, []string{"CONJUNCT_BRIDGE_NMA=x"})
	require.ErrorContains(t, err, "CONJUNCT_BRIDGE_NMA")
}
