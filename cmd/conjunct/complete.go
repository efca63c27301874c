package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"conjunct/policy"
)

// completionTimeout is how long somebody who pressed the tab key waits for a server that does not answer.
const completionTimeout = 2 * time.Second

const nothing = cobra.ShellCompDirectiveNoFileComp

// completeFirst completes the first word with the names of a kind.
func (s *session) completeFirst(k policy.Kind) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, nothing
		}
		return s.completions(cmd, k), nothing
	}
}

// completeObjects completes KIND NAME....
func (s *session) completeObjects(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return append(kindWords(), "all"), nothing
	}
	k, err := kindCalled(args[0])
	if err != nil {
		return nil, nothing
	}
	return s.completions(cmd, k.noun), nothing
}

// completeEnds completes FROM TO PROTOCOL.
func (s *session) completeEnds(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0, 1:
		return append(s.completions(cmd, policy.KindInstance), s.completions(cmd, policy.KindPort)...), nothing
	case 2:
		return []string{"tcp", "udp", "sctp", "icmp", "icmpv6"}, nothing
	}
	return nil, nothing
}

func (s *session) completions(cmd *cobra.Command, k policy.Kind) []string {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	n, err := s.names(ctx)
	if err != nil {
		return nil
	}
	found, err := n.shown(kindOf(k), "", nil)
	if err != nil {
		return nil
	}
	var out []string
	for _, o := range found {
		out = append(out, labelOf(o.object))
	}
	return out
}
