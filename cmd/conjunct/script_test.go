package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/policy"
	"conjunct/policy/policytest"
)

var update = flag.Bool("update", false, "write the golden files again; read the diff before you commit it")

// prepared are the worlds in which scripts run, beyond an empty store.
var prepared = map[string]func(*world){
	"bridge.txt": func(w *world) { w.hosts.Set(func(h *policytest.Reported) { h.Probe = probed }) },
	"hosts.txt": func(w *world) {
		w.hosts.Set(func(h *policytest.Reported) {
			h.Hosts["hv1"] = policy.HostStatus{ID: "hv1", State: policy.HostReady, AppliedRevision: 7, DesiredRevision: 7, Flows: 4}
			h.Hosts["hv2"] = policy.HostStatus{
				ID: "hv2", State: policy.HostDegraded, AppliedRevision: 5, DesiredRevision: 7, Flows: 9,
				Drift: policy.Drift{Foreign: 2, Repaired: 2}, Problems: []string{"table 60 is full"},
			}
			h.Applied["hv2"] = 0
			h.Ports["web-0"] = policy.PortStatus{State: policy.PortActive, OFPort: 3, AppliedRevision: 7}
			h.Ports["app-0"] = policy.PortStatus{State: policy.PortFailed, Problem: "the interface has no ofport"}
			h.Flows["hv1"] = []string{
				"# pipeline: classify", "cookie=0xc001000000000000, priority=0 actions=drop",
				"# port web-0 of instance web", "cookie=0xc002000000000002, table=0, priority=100,in_port=3 actions=goto_table:10",
				"# rule allowHTTPInbound of group webSG: ingress tcp 80 from 0.0.0.0/0", "cookie=0xc00a000000000004, table=60, priority=100,tcp,tp_dst=80 actions=conjunction(4,1/2)",
				"# table=60 is only named here", "cookie=0xc001000000000001, table=6, priority=0 actions=resubmit(,60)",
			}
			h.Diffs["hv1"] = policy.FlowDiff{}
			h.Diffs["hv2"] = policy.FlowDiff{
				Missing: []string{"cookie=0xc00a000000000004, table=60, priority=100,tcp,tp_dst=80 actions=conjunction(4,1/2)"},
				Extra:   []string{"table=60, priority=1 actions=NORMAL"},
				Changed: []string{"cookie=0xc001000000000000, priority=0 actions=drop"},
			}
		})
	},
}

// probed are two bridges that do what the policy says, but that somebody has put a flow on the one of app that lets all TCP in
// that no rule is about.
func probed(p policy.Probe) ([]policy.Passage, error) {
	web := policy.Passage{Port: "web-0", Direction: policy.Egress, Host: "hv1", OFPort: 3}
	app := policy.Passage{Port: "app-0", Direction: policy.Ingress, Host: "hv2", OFPort: 5, Passed: true}
	if p.Connection.DstPort == 8080 {
		web.Passed = true
		web.Tables = []policy.FlowLookup{{
			Table: 40, Name: "egress rules", Meaning: "rule allow8080AppOutbound of group webSG",
			Flow: "cookie=0xc00a000000000004, table=40, priority=100,tcp,tp_dst=8080 actions=conjunction(4,1/2)",
		}}
		app.Tables = []policy.FlowLookup{{
			Table: 60, Name: "ingress rules", Meaning: "rule allow8080WebInbound of group appSG",
			Flow: "cookie=0xc00a000000000005, table=60, priority=100,tcp,tp_dst=8080 actions=conjunction(5,1/2)",
		}}
		return []policy.Passage{web, app}, nil
	}
	const flow, meaning = "table=60, priority=9,tcp actions=NORMAL", "not one of conjunct's"
	web.Tables = []policy.FlowLookup{{Table: 40, Name: "egress rules", Meaning: "nothing matches"}}
	app.Tables = []policy.FlowLookup{{Table: 60, Name: "ingress rules", Flow: flow, Meaning: meaning}}
	app.Differences = []policy.FlowDifference{{Kind: policy.FlowExtra, Flow: flow, Meaning: meaning}}
	return []policy.Passage{web, app}, nil
}

// TestScripts runs every testdata/*.txt: lines of prose after ==, and commands with what they print. A command begins with "$ conjunct";
// below it stand its standard output, its standard error with "! " before each line, and its exit status if it is not 0.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if prepare := prepared[filepath.Base(file)]; prepare != nil {
				prepare(w)
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			got := w.script(string(text))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			sameLines(t, string(text), got)
		})
	}
}

// sameLines fails at the first line that differs.
func sameLines(t *testing.T, want, got string) {
	t.Helper()
	wanted, have := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(wanted), len(have)) {
		if i >= len(wanted) || i >= len(have) || wanted[i] != have[i] {
			t.Fatalf("line %d differs:\nwant:\n%s\ngot:\n%s", i+1, excerpt(wanted, i), excerpt(have, i))
		}
	}
}

func excerpt(lines []string, at int) string {
	return strings.Join(lines[min(len(lines), max(0, at-2)):min(len(lines), at+3)], "\n")
}

const (
	prompt = "$ conjunct"
	prose  = "== "
)

// script runs the commands of a text and returns the text with what they say.
func (w *world) script(text string) string {
	var b strings.Builder
	ids := &naming{known: make(map[string]string), count: make(map[string]int)}
	answer := false // whether the line is a command's answer, which is replaced
	for line := range strings.Lines(text) {
		command, is := strings.CutPrefix(line, prompt)
		switch {
		case is:
			b.WriteString(line)
			b.WriteString(w.transcript(ids, fields(strings.TrimSpace(command))))
			answer = true
		case strings.HasPrefix(line, prose):
			b.WriteString(line)
			answer = false
		case !answer:
			b.WriteString(line)
		}
	}
	return b.String()
}

func (w *world) transcript(ids *naming, args []string) string {
	var b strings.Builder
	r := w.run("", args...)
	b.WriteString(r.out)
	for line := range strings.Lines(r.errors) {
		b.WriteString("! " + line)
	}
	if r.status != exitOK {
		fmt.Fprintf(&b, "exit status %d\n", r.status)
	}
	text := strings.ReplaceAll(b.String(), w.env["CONJUNCT_SERVER"], "http://SERVER")
	return ids.replace(text) + "\n"
}

// fields splits a command line at spaces that are not between single quotes.
func fields(line string) []string {
	out := []string{} // Of nil, cobra would take the test's own arguments.
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

// naming replaces what is random by what is the same in every run.
type naming struct {
	known map[string]string
	count map[string]int
}

var (
	randomID = regexp.MustCompile(`\b(prf|prj|vpc|sub|ins|prt|sg|sgr|att|ips|ipe|tok)-[0-9a-z]{16}\b`)
	timeText = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z`)
	secret   = regexp.MustCompile(`cjt_\S+`)
)

func (n *naming) replace(text string) string {
	text = secret.ReplaceAllString(text, "SECRET")
	text = timeText.ReplaceAllString(text, "TIME")
	return randomID.ReplaceAllStringFunc(text, func(id string) string {
		if n.known[id] == "" {
			prefix, _, _ := strings.Cut(id, "-")
			n.count[prefix]++
			n.known[id] = fmt.Sprintf("%s-%016d", prefix, n.count[prefix])
		}
		return n.known[id]
	})
}
