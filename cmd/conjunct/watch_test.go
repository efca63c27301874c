package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

// watching is a run of watch, whose lines come as they are written.
type watching struct {
	*testing.T
	lines  chan string
	stop   context.CancelFunc
	status chan int
}

// lineWriter sends each line.
type lineWriter struct {
	mu   sync.Mutex
	rest string
	out  chan<- string
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest += string(b)
	for {
		line, rest, whole := strings.Cut(w.rest, "\n")
		if !whole {
			return len(b), nil
		}
		w.out <- line
		w.rest = rest
	}
}

func (w *world) watch(args ...string) *watching {
	ctx, stop := context.WithTimeout(w.Context(), time.Minute)
	o := &watching{T: w.T, lines: make(chan string, 100), stop: stop, status: make(chan int, 1)}
	s := &session{stdin: strings.NewReader(""), stdout: &lineWriter{out: o.lines}, stderr: &lineWriter{out: o.lines}, getenv: func(name string) string { return w.env[name] }}
	go func() { o.status <- run(ctx, s, append([]string{"watch"}, args...)) }()
	w.Cleanup(stop)
	return o
}

// next is the next line.
func (o *watching) next() string {
	select {
	case line := <-o.lines:
		return line
	case <-time.After(30 * time.Second):
		o.Fatal("nothing came")
		return ""
	}
}

// end interrupts the watch, which is no error.
func (o *watching) end() {
	o.stop()
	require.Equal(o, exitOK, <-o.status)
}

func TestWatchShowsWhatChanges(t *testing.T) {
	w := newWorld(t)
	o := w.watch("--since", "1") // From the beginning, so that nothing depends on when the watch is there.
	w.must("create", "project", "shop", "--id", "shop", "--profile", "open-until-ruled")
	require.Regexp(t, `^\d+  project shop  created$`, o.nextOf("project"))
	w.must("create", "vpc", "net", "--id", "net")
	require.Regexp(t, `^\d+  vpc net  created$`, o.next())
	w.must("create", "ip-set", "offices", "--id", "offices", "--entry", "192.0.2.0/24")
	require.Regexp(t, `^\d+  ip-set offices  created$`, o.next())
	require.Regexp(t, `^\d+  ip-set-entry 192.0.2.0/24 \(ipe-\w+\)  created$`, o.next())
	w.must("delete", "vpc", "net")
	require.Regexp(t, `^\d+  vpc net  deleted$`, o.next())
	w.applied("apiVersion: conjunct/v1\nkind: Project\nmetadata: {name: shop}\nspec: {profile: open-until-ruled, smtp_allowed: true}\n")
	require.Regexp(t, `^\d+  project shop  changed$`, o.next())
	o.end()
}

// nextOf skips the lines of other kinds.
func (o *watching) nextOf(kind string) string {
	for {
		if line := o.next(); strings.Contains(line, "  "+kind+" ") {
			return line
		}
	}
}

func TestWatchAsJSON(t *testing.T) {
	w := newWorld(t)
	o := w.watch("projects", "vpcs", "--since", "1", "-o", "json")
	w.must("create", "project", "shop", "--id", "shop")
	w.must("create", "sg", "web")
	w.must("create", "vpc", "net", "--id", "net")
	for _, want := range []struct{ kind, id string }{{"project", "shop"}, {"vpc", "net"}} {
		var e api.Event
		require.NoError(t, json.Unmarshal([]byte(o.next()), &e))
		require.Len(t, e.Changes, 1)
		require.Equal(t, policy.Kind(want.kind), e.Changes[0].Kind)
		require.Equal(t, want.id, e.Changes[0].ID)
	}
	o.end()

	again := w.watch("vpcs", "--since", "1", "-o", "name")
	require.Equal(t, "vpc/net", again.next())
	again.end()
}

func TestWatchRefuses(t *testing.T) {
	w := newWorld(t)
	r := w.run("", "watch", "tokens")
	require.Equal(t, exitError, r.status)
	require.Contains(t, r.errors, `"token" is not a kind that can be watched`)
	r = w.run("", "watch", "things")
	require.Equal(t, exitUsage, r.status)
}
