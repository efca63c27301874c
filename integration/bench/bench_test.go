package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const output = `goos: linux
cpu: AMD EPYC
pkg: conjunct/integration
BenchmarkColdStart-2   	       1	         0 ns/op	     21012 flows	         0.8121 ratio	       650 start-ms	       800 ovs-ofctl-ms	        12.5 load
BenchmarkThroughput/rules=10000-2 	       1	         0 ns/op	      2500 ns/KiB	         3.25 processor-ratio	         1.5 load
PASS
ok  	conjunct/integration	30.1s
`

const fleetReport = `{"options": {"hosts": 10}, "usage": {"sync": {"rss_peak_bytes": 104857600}, "join": {"rss_peak_bytes": 209715200}},
 "changes": [{"what": "a member joins a group that every host refers to", "hosts": {"p50_ms": 1.25, "p99_ms": 50}, "mods_per_change": 10, "hosts_per_change": 10},
             {"what": "200 ports a second change their groups", "rest": {"p99_ms": 80}}],
 "trouble": [{"what": "a", "ratio": 1.2}, {"what": "b", "ratio": 1.1}]}`

const curveReport = `{"by_hosts": [
  {"hosts": 10, "addresses": 20000, "join_every_host": {"hosts": {"p50_ms": 3}}, "join_one_host": {"hosts": {"p50_ms": 2}}, "cpu_ms_per_change": 1},
  {"hosts": 100, "addresses": 20000, "join_every_host": {"hosts": {"p50_ms": 9}}, "join_one_host": {"hosts": {"p50_ms": 2}}, "cpu_ms_per_change": 6}],
 "by_addresses": [
  {"hosts": 10, "addresses": 1000, "join_every_host": {"hosts": {"p50_ms": 3}}, "join_one_host": {"hosts": {"p50_ms": 2}}, "cpu_ms_per_change": 1},
  {"hosts": 10, "addresses": 10000, "join_every_host": {"hosts": {"p50_ms": 3}}, "join_one_host": {"hosts": {"p50_ms": 3}}, "cpu_ms_per_change": 1}]}`

// docs makes a directory with the document and the fleet's reports, and runs the command there.
func docs(t *testing.T, in string) (dir, printed string, err error) {
	dir = t.TempDir()
	files := map[string]string{"performance.md": "# Head\n" + tableBegins + "\nold\n" + tableEnds + "\nTail\n", "fleet.json": fleetReport, "curve.json": curveReport}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	var out bytes.Buffer
	err = run([]string{"-docs", dir, "-fleet", filepath.Join(dir, "fleet.json"), "-curve", filepath.Join(dir, "curve.json")}, strings.NewReader(in), &out)
	return dir, out.String(), err
}

func TestVerdicts(t *testing.T) {
	dir, printed, err := docs(t, output)
	require.NoError(t, err, "a target that is missed is no error")
	text, err := os.ReadFile(filepath.Join(dir, "performance", "results.json"))
	require.NoError(t, err)
	var r Results
	require.NoError(t, json.Unmarshal(text, &r))
	require.Equal(t, "AMD EPYC", r.Machine["cpu"])
	require.Equal(t, 2500.0, r.Measured["Throughput/rules=10000"]["ns/KiB"], "units stay as the benchmark has them")
	require.NotContains(t, r.Measured["ColdStart"], "ns/op")
	require.Equal(t, 200.0, r.Measured["Fleet"]["peak-MiB"])
	got := map[string]Outcome{}
	for _, v := range r.Verdicts {
		got[v.Benchmark+" "+v.Metric] = v.Outcome
	}
	for what, want := range map[string]Outcome{
		"ColdStart ratio": Met, "ColdStart flows": Met, "Throughput/rules=10000 processor-ratio": Missed, "Join join-ratio": Unmeasured,
		everyJoin + " hosts-p50-ms/host": Met, everyJoin + " hosts-p99-ms/host": Missed, everyJoin + " flow-mods/host": Met,
		"Fleet/ports-a-second-change-their-groups rest-p99-ms": Met, "Fleet/trouble worst-ratio": Met, "Curve/addresses latency-growth": Met,
	} {
		require.Equal(t, want, got[what], what)
	}
	require.Contains(t, printed, "*** 2 of ")
	require.Contains(t, printed, "processor-ratio is 3.25, not ≤ 2")
}

func TestTableBetweenItsMarkers(t *testing.T) {
	dir, _, err := docs(t, output)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "# Head\n"+tableBegins))
	require.True(t, strings.HasSuffix(string(text), tableEnds+"\nTail\n"))
	require.NotContains(t, string(text), "\nold\n")
	require.Contains(t, string(text), "at a load of 0 to 12.5")
	require.Contains(t, string(text), "| ColdStart | ratio | ≤ 1 | 0.812 | met | 650 start-ms | 800 ovs-ofctl-ms | a switch")
}

func TestDrawing(t *testing.T) {
	dir, _, err := docs(t, output)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "performance", "cost-curves.svg"))
	require.NoError(t, err)
	circles := 0
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			circles++
		}
	}
	require.Equal(t, 2*2*3, circles, "two charts of two sizes and three series")
	c := chart{series: []series{{points: [][2]float64{{10, 3}, {1000, 40}}}}}
	require.Equal(t, axis{1, 3, 100}, c.axis(0, 100))
	require.Equal(t, axis{0, 2, 100}, c.axis(1, 100))
	require.Equal(t, "0.01", power(-2))
}

func TestNothingMeasured(t *testing.T) {
	err := run([]string{"-docs", t.TempDir()}, strings.NewReader("PASS\n"), io.Discard)
	require.ErrorContains(t, err, "nothing was measured")
}

// TestTargets: each is there once and says why.
func TestTargets(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range targets {
		require.False(t, seen[row.Benchmark+row.Metric], "%s %s twice", row.Benchmark, row.Metric)
		seen[row.Benchmark+row.Metric] = true
		require.NotEmpty(t, row.Why)
		require.Contains(t, []Bound{AtMost, AtLeast}, row.Bound)
	}
}
