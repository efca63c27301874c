package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conjunct/api"
	"conjunct/policy"
)

// defaultServer is where conjunctd listens unless it is told otherwise.
const defaultServer = "http://127.0.0.1:8440"

// session is one run of the program: what surrounds it, and what every verb is told.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	server, token, project string
	output                 format

	// Of verbs that change something.
	dryRun   bool
	wait     time.Duration // 0: no wait
	previews []*policy.Preview
}

// command is the whole tree of verbs.
func (s *session) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "conjunct",
		Short: "Security groups for Open vSwitch clouds, from the command line",
		Long: `conjunct speaks to conjunctd, the controller that keeps the bridge of every hypervisor programmed so that exactly
the allowed traffic passes. Ingress and egress are seen from the VM.

Objects are called by name or by id (or name:NAME, id:ID). A name is looked up in the project of --project, else among what
all projects share.

Exit status: 0 ok, 1 error, 2 wrong usage, 3 not found, 4 conflict, 5 denied (explain --exit-code), 6 timed out waiting,
7 the bridge differs (diff).`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPostRun: func(*cobra.Command, []string) {
			for _, p := range s.previews {
				s.preview(p)
			}
		},
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	flags := root.PersistentFlags()
	flags.StringVar(&s.server, "server", s.env("CONJUNCT_SERVER", defaultServer), "where conjunctd is (CONJUNCT_SERVER)")
	flags.StringVar(&s.token, "token", "", "bearer token (CONJUNCT_TOKEN)")
	flags.StringVar(&s.project, "project", s.env("CONJUNCT_PROJECT", ""), "project in which names are looked up, by name or id (CONJUNCT_PROJECT)")
	s.output = table
	flags.VarP(&s.output, "output", "o", "table, json, yaml or name")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formatWords(), cobra.ShellCompDirectiveNoFileComp)) // The flag exists.
	root.AddGroup(
		&cobra.Group{ID: groupIntent, Title: "What shall be:"},
		&cobra.Group{ID: groupInsight, Title: "What is, and why:"},
	)
	for _, verb := range verbs {
		cmd := verb.command(s)
		cmd.GroupID = verb.group
		root.AddCommand(cmd)
	}
	return root
}

// Groups of verbs in the help.
const (
	groupIntent  = "intent"
	groupInsight = "insight"
)

// verbs is the table of verbs, in no order that matters: the help sorts them.
var verbs = []struct {
	group   string
	command func(*session) *cobra.Command
}{
	{groupIntent, applyCommand},
	{groupIntent, deleteCommand},
	{groupIntent, getCommand},
	{groupIntent, createCommand},
	{groupIntent, moveCommand},
	{groupIntent, attachCommand},
	{groupIntent, detachCommand},
	{groupIntent, tokenCommand},
	{groupInsight, explainCommand},
	{groupInsight, effectiveRulesCommand},
	{groupInsight, membersCommand},
	{groupInsight, rulesCommand},
	{groupInsight, flowsCommand},
	{groupInsight, diffCommand},
	{groupInsight, auditCommand},
	{groupInsight, statusCommand},
	{groupInsight, watchCommand},
	{groupInsight, waitCommand},
}

func (s *session) env(name, otherwise string) string {
	if v := s.getenv(name); v != "" {
		return v
	}
	return otherwise
}

// client speaks to the server. The token of the environment is no flag's default, so that no help prints it.
func (s *session) client() (*api.Client, error) {
	token := s.token
	if token == "" {
		token = s.getenv("CONJUNCT_TOKEN")
	}
	c, err := api.NewClient(s.server, token)
	if err != nil {
		return nil, &usageError{err}
	}
	c.Warned = func(text string) { fmt.Fprintf(s.stderr, "Warning: %s\n", text) }
	return c, nil
}

const defaultWait = 30 * time.Second

// changes adds the flags of verbs that change something.
func (s *session) changes(flags *pflag.FlagSet) {
	flags.BoolVar(&s.dryRun, "dry-run", false, "judge the change and say what it would do, without making it")
	flags.DurationVar(&s.wait, "wait", 0, "wait until every bridge that the change concerns has confirmed it (exit status 6 if not in time)")
	flags.Lookup("wait").NoOptDefVal = defaultWait.String()
}

// options are those of a change.
func (s *session) options() (out []api.Option) {
	if s.dryRun {
		s.previews = append(s.previews, new(policy.Preview))
		out = append(out, api.Previewed(s.previews[len(s.previews)-1]))
	}
	if s.wait > 0 && !s.dryRun {
		out = append(out, api.WaitApplied(s.wait))
	}
	return out
}

// dryWords is what is said after a change that was not made.
func (s *session) dryWords() string {
	if s.dryRun {
		return " (dry run)"
	}
	return ""
}

// colored reports whether the output is a terminal whose owner has nothing against colours (no-color.org).
func (s *session) colored() bool {
	out := s.stdout
	if w, ok := out.(*written); ok {
		out = w.to
	}
	f, ok := out.(*os.File)
	if !ok || s.getenv("NO_COLOR") != "" || s.getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colours of ECMA-48, by what they say here.
const (
	good    = "32"
	bad     = "31"
	changed = "33"
	quiet   = "2"
)

// paint colours a text where colours are shown.
func (s *session) paint(color, text string) string {
	if !s.colored() || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (s *session) printf(form string, args ...any) { fmt.Fprintf(s.stdout, form, args...) }
