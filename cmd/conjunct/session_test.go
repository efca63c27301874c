package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// device is a character device, as a terminal is.
func device(t *testing.T) *os.File {
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestColoursAreForTerminalsAlone(t *testing.T) {
	env := map[string]string{}
	getenv := func(name string) string { return env[name] }
	terminal := &session{stdout: device(t), getenv: getenv}
	require.Equal(t, "\x1b[32mallowed\x1b[0m", terminal.paint(good, "allowed"))
	require.Equal(t, "allowed", (&session{stdout: new(bytes.Buffer), getenv: getenv}).paint(good, "allowed"))
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		env = map[string]string{name: value}
		require.Equal(t, "allowed", terminal.paint(good, "allowed"), name)
	}
}

func TestSettingsOfTheEnvironment(t *testing.T) {
	w := lab(t)
	w.must("create", "project", "labs")
	w.env["CONJUNCT_PROJECT"] = "labs"
	require.Equal(t, "security-group/default-allow-egress\nsecurity-group/default-allow-ssh\nsecurity-group/default-allow-web-protocols\n", w.must("get", "sg", "-o", "name"))
	require.Equal(t, exitNotFound, w.run("", "get", "sg", "webSG").status)
	require.Equal(t, "security-group/webSG\n", w.must("get", "sg", "webSG", "--project", "shop", "-o", "name"))

	server := w.env["CONJUNCT_SERVER"]
	w.env["CONJUNCT_SERVER"] = ""
	require.Contains(t, w.must("--help"), defaultServer)
	require.Contains(t, w.must("status", "--server", server), "revision ")
	require.NotContains(t, w.must("--help"), w.env["CONJUNCT_TOKEN"], "no help shows the token")

	w.env["CONJUNCT_SERVER"] = server
	token := w.env["CONJUNCT_TOKEN"]
	w.env["CONJUNCT_TOKEN"] = ""
	require.Equal(t, exitError, w.run("", "status").status)
	require.Contains(t, w.must("status", "--token", token), "revision ")
}

// TestEveryVerbIsExplained holds the help to what people need of it.
func TestEveryVerbIsExplained(t *testing.T) {
	s := &session{getenv: func(string) string { return "" }}
	root := s.command()
	seen := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		require.NotEmpty(t, cmd.Short, cmd.CommandPath())
		if cmd.RunE != nil && !cmd.HasSubCommands() {
			seen++
			require.Contains(t, cmd.Example, cmd.CommandPath(), "an example of it")
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	for _, c := range root.Commands() {
		walk(c)
	}
	require.Greater(t, seen, 20)
}

func TestCompletion(t *testing.T) {
	w := lab(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"get", ""}, "security-groups\n"},
		{[]string{"get", "sg", ""}, "webSG\n"},
		{[]string{"delete", "ports", ""}, "web-0\n"},
		{[]string{"flows", ""}, "hv2\n"},
		{[]string{"diff", ""}, "hv1\n"},
		{[]string{"explain", ""}, "jumphost\n"},
		{[]string{"explain", "web", ""}, "database-0\n"},
		{[]string{"explain", "web", "app", ""}, "sctp\n"},
		{[]string{"members", ""}, "appSG\n"},
		{[]string{"attach", ""}, "databaseSG\n"},
		{[]string{"effective-rules", ""}, "app-0\n"},
		{[]string{"wait", "port", ""}, "app-0\n"},
		{[]string{"status", "-o", ""}, "yaml\n"},
		{[]string{"token", "create", "x", "--role", ""}, "provisioner\n"},
		{[]string{"watch", ""}, "rules\n"},
	} {
		r := w.run("", append([]string{"__complete"}, c.args...)...)
		require.Equal(t, exitOK, r.status, r.errors)
		require.Contains(t, r.out, c.want, "%q", c.args)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		require.Contains(t, w.must("completion", shell), "conjunct", shell)
	}
	w.env["CONJUNCT_SERVER"] = "http://127.0.0.1:1"
	require.Equal(t, exitOK, w.run("", "__complete", "get", "sg", "").status, "without a server nothing is completed")
}

// TestViewer has a token that reads and changes nothing.
func TestViewer(t *testing.T) {
	w := lab(t)
	w.env["CONJUNCT_TOKEN"] = strings.TrimSpace(w.must("token", "create", "watcher", "--role", "viewer", "--expires-in", "1h"))
	require.Contains(t, w.must("get", "sg"), "webSG")
	require.Contains(t, w.must("explain", "web", "app", "tcp", "8080"), "allowed: ")
	for _, args := range [][]string{
		{"apply", "-f", "../../examples/tiers.yaml", "--dry-run"}, {"create", "project", "other"}, {"delete", "sg", "webSG", "--detach"},
		{"attach", "webSG", "--instance", "app"}, {"token", "list"},
	} {
		r := w.run("", args...)
		require.Equal(t, exitError, r.status, "%s", args)
		require.Contains(t, r.errors, "viewer", "%s", args)
		require.Empty(t, r.out)
	}
}

// TestTheProjectOfTheSessionIsMade sets a project before it exists.
func TestTheProjectOfTheSessionIsMade(t *testing.T) {
	w := newWorld(t)
	w.env["CONJUNCT_PROJECT"] = "shop"
	w.must("create", "hypervisor", "hv1")
	require.Equal(t, exitNotFound, w.run("", "create", "vpc", "net").status)
	w.must("create", "project", "shop")
	w.must("create", "vpc", "net")
	w.env["CONJUNCT_PROJECT"] = "labs"
	w.must("create", "project", "labs")
	w.must("create", "sg", "web")
	require.Equal(t, "security-group/default-allow-egress\nsecurity-group/default-allow-ssh\nsecurity-group/default-allow-web-protocols\nsecurity-group/web\n", w.must("get", "sg", "-o", "name"))
	require.Equal(t, exitNotFound, w.run("", "get", "vpc", "name:net").status)
	require.Equal(t, "vpc/net\n", w.must("get", "vpc", "name:net", "--project", "shop", "-o", "name"))
}
