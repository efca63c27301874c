package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A small fleet goes through all stages: the flow mods are exactly those expected, a restart sends none, and the report says
// what was found.
func TestFleet_SmallOneGoesThroughAllStages(t *testing.T) {
	dir := t.TempDir()
	daemon, report := filepath.Join(dir, "conjunctd"), filepath.Join(dir, "report.json")
	out, err := exec.Command("go", "build", "-o", daemon, "conjunct/cmd/conjunctd").CombinedOutput()
	require.NoError(t, err, "%s", out)
	o, err := parse([]string{
		"-daemon", daemon, "-report", report, "-hosts", "6", "-ports", "4", "-groups", "12", "-addresses", "200", "-changes", "4",
		"-rate", "20", "-for", "1s",
	}, t.Output())
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, measure(t.Context(), o, &said), "%s", &said)

	b, err := os.ReadFile(report)
	require.NoError(t, err)
	var r Report
	require.NoError(t, json.Unmarshal(b, &r))
	require.Empty(t, r.Failures)
	require.Positive(t, r.Sync.Flows)
	require.Equal(t, "a member joins a group that every host refers to", r.Changes[0].What)
	require.Equal(t, 6.0, r.Changes[0].Mods)
	require.Equal(t, 4, r.Changes[0].Count)
	require.Len(t, r.Trouble, 5)
	require.Contains(t, r.Trouble[4].Problem, "rules")
	require.NotNil(t, r.Restart)
	require.Zero(t, r.Restart.Mods)
	for _, q := range r.Stages {
		require.Positive(t, q.P50, q.Name)
	}
}

func TestOptions_ErrorsNameTheFlag(t *testing.T) {
	for _, row := range []struct{ flag, value, want string }{
		{"-hosts", "0", "-hosts 0: want 1 to"},
		{"-stages", "join,fly", `-stages: "fly" is not one of`},
		{"-addresses", "1", "-addresses 1: want 2 to"},
	} {
		_, err := parse([]string{row.flag, row.value}, t.Output())
		require.ErrorContains(t, err, row.want)
	}
}

// Every port has two groups of its tenant, addresses of its subnet that nobody else has, and a MAC of its own.
func TestWorld_IsConsistent(t *testing.T) {
	o, err := parse([]string{"-hosts", "100", "-ports", "10", "-groups", "200", "-addresses", "20000"}, t.Output())
	require.NoError(t, err)
	w := newWorld(o)
	require.Len(t, w.members, 10_000)
	seen, hosts := map[string]bool{}, map[int]map[int]bool{}
	for i, m := range w.members {
		p := w.port(i, 0)
		require.Len(t, p.SecurityGroupIDs, 2)
		require.NotEqual(t, p.SecurityGroupIDs[0], p.SecurityGroupIDs[1])
		require.True(t, w.tenants[m.tenant].v4.Contains(p.Addresses[0]), "%v", p.Addresses[0])
		require.True(t, w.tenants[m.tenant].v6.Contains(p.Addresses[1]))
		for _, word := range []string{p.Addresses[0].String(), p.Addresses[1].String(), p.MAC.String()} {
			require.False(t, seen[word], word)
			seen[word] = true
		}
		if m.host >= 0 {
			if hosts[m.tenant] == nil {
				hosts[m.tenant] = map[int]bool{}
			}
			hosts[m.tenant][m.host] = true
		}
	}
	for n := range w.tenants {
		require.LessOrEqual(t, len(hosts[n]), o.Spread)
	}
}
