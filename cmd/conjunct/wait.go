package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func waitCommand(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wait KIND NAME",
		Short: "Wait until something is so",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return usage("say what to wait for") },
	}
	cmd.AddCommand(waitPortCommand(s))
	return cmd
}

func waitPortCommand(s *session) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "port PORT",
		Short: "Wait until a port is active: its flows are confirmed by the switch",
		Long: `Wait ends when the port is active. Before that it passes nothing at all, so that a VM may be started afterwards and finds
its network. The exit status is 6 when the port is not active in time.`,
		Example: `  conjunct wait port web-0 --timeout 5m`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			found, err := n.port(args[0])
			if err != nil {
				return err
			}
			p, err := n.client.Ports().Get(cmd.Context(), found.ID, api.WaitActive(timeout))
			if err != nil {
				return err
			}
			if s.output == table {
				s.printf("port %s %s\n", p.ID, p.State)
			} else if err := s.show(n, []shown{{kindOf(policy.KindPort), p}}, true); err != nil {
				return err
			}
			if p.State == policy.PortActive {
				return nil
			}
			message := fmt.Sprintf("port %s is not active after %s but %s", p.ID, timeout, p.State)
			if p.Problem != "" {
				message += ": " + p.Problem
			}
			return &lateError{message}
		},
		ValidArgsFunction: s.completeFirst(policy.KindPort),
	}
	cmd.Flags().DurationVar(&timeout, "timeout", defaultWait, "how long to wait, at most 10m")
	return cmd
}
