package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
)

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		says   string
	}{
		{nil, exitOK, ""},
		{errors.New("oops"), exitError, "conjunct: oops\n"},
		{usage("%d of them", 3), exitUsage, "conjunct: 3 of them\nsee 'conjunct --help'\n"},
		{&absentError{"no such thing"}, exitNotFound, "conjunct: no such thing\n"},
		{&takenError{"it exists"}, exitConflict, "conjunct: it exists\n"},
		{&lateError{"not yet"}, exitTimeout, "conjunct: not yet\n"},
		{errDenied, exitDenied, ""},
		{fmt.Errorf("diff: %w", errDrift), exitDrift, ""},
		{&api.Behind{Revision: 7, Hosts: []policy.HostID{"hv1", "hv2"}}, exitTimeout, "conjunct: stored at revision 7, not yet applied on hv1, hv2\n"},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), exitTimeout, "conjunct: ask: context deadline exceeded\n"},
		{&api.Problem{Status: http.StatusNotFound, Title: "There is no such thing"}, exitNotFound, "conjunct: There is no such thing\n"},
		{&api.Problem{Status: http.StatusConflict, Detail: "in use", Conflicts: []policy.Holder{{Kind: "vpc", ID: "vpc-1", Name: "net"}}}, exitConflict,
			"conjunct: in use\n  in the way: vpc net (vpc-1)\n"},
		{&api.Problem{Status: http.StatusPreconditionFailed, Detail: "stale"}, exitConflict, "conjunct: stale\n"},
		{&api.Problem{Status: http.StatusUnprocessableEntity, Detail: "x", Errors: []policy.Finding{{Pointer: "/name", Message: "wrong"}}}, exitError,
			"conjunct: wrong\n  at /name\n"},
		{&api.Problem{Status: http.StatusUnprocessableEntity, Title: "Not valid", Errors: []policy.Finding{{Pointer: "/a", Message: "one"}, {Message: "two"}}}, exitError,
			"conjunct: not valid, for 2 reasons:\n  /a: one\n  two\n"},
		{&api.Problem{Status: http.StatusConflict, Errors: []policy.Finding{{Message: "repeat with detach=true"}}}, exitConflict, "conjunct: repeat with --detach\n"},
		{&api.Problem{Status: http.StatusInternalServerError, Detail: "the log has it", RequestID: "r-1"}, exitError, "conjunct: the log has it\n  request_id r-1\n"},
		{fmt.Errorf("put: %w", &api.Problem{Status: http.StatusForbidden, Detail: "a viewer only reads"}), exitError, "conjunct: a viewer only reads\n"},
	} {
		var wrong bytes.Buffer
		s := &session{stderr: &wrong, getenv: func(string) string { return "" }}
		require.Equal(t, c.status, s.end(s.command(), c.err), "%v", c.err)
		require.Equal(t, c.says, wrong.String())
	}
}

// TestInterrupted holds that a run that is stopped while the server thinks ends, and says so.
func TestInterrupted(t *testing.T) {
	asked := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer slow.Close()
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-asked
		stop()
	}()
	w := &world{T: t, env: map[string]string{"CONJUNCT_SERVER": slow.URL}}
	r := w.runIn(ctx, "", "status")
	require.Equal(t, exitError, r.status)
	require.Contains(t, r.errors, "context canceled")
	require.NotContains(t, r.errors, "CONJUNCT_SERVER")
}

func TestNotOurServer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }))
	defer other.Close()
	w := &world{T: t, env: map[string]string{"CONJUNCT_SERVER": other.URL}}
	r := w.run("", "status")
	require.Equal(t, exitError, r.status)
	require.Equal(t, "conjunct: the server answered 502 Bad Gateway\n", r.errors)
}

func TestWaitIsAFlagWithAndWithoutTime(t *testing.T) {
	for _, c := range []struct {
		args []string
		wait time.Duration
	}{{nil, 0}, {[]string{"--wait"}, defaultWait}, {[]string{"--wait=2m"}, 2 * time.Minute}} {
		s := &session{getenv: func(string) string { return "" }}
		cmd, _, err := s.command().Find([]string{"apply"})
		require.NoError(t, err)
		require.NoError(t, cmd.ParseFlags(c.args))
		require.Equal(t, c.wait, s.wait)
	}
}

// TestOutputThatCanNotBeWritten holds that a full disk is an error of every format, whatever the verb did.
func TestOutputThatCanNotBeWritten(t *testing.T) {
	w := lab(t)
	for _, args := range [][]string{
		{"get", "all"}, {"get", "all", "-o", "yaml"}, {"get", "all", "-o", "json"}, {"get", "all", "-o", "name"}, {"status"},
		{"apply", "-f", "../../examples/tiers.yaml"}, {"explain", "web", "app", "tcp", "8080"},
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		var wrong bytes.Buffer
		s := &session{stdin: strings.NewReader(""), stdout: full, stderr: &wrong, getenv: func(name string) string { return w.env[name] }}
		require.Equal(t, exitError, run(t.Context(), s, args), "%s", args)
		require.Contains(t, wrong.String(), "no space left on device")
		require.NoError(t, full.Close())
	}
}
