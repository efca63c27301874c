package main

import (
	"time"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func tokenCommand(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "token",
		Aliases: []string{"tokens"},
		Short:   "Create, list and revoke the tokens that open the API",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return usage("say what to do: create, list or revoke") },
	}
	cmd.AddCommand(tokenCreateCommand(s), tokenListCommand(s), tokenRevokeCommand(s))
	return cmd
}

func tokenCreateCommand(s *session) *cobra.Command {
	var role string
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "create NAME --role ROLE",
		Short: "Create a token and print its secret, which nobody can see again",
		Long: `Create prints the secret of the token on a line of its own, and nothing else, on the standard output.

Roles: admin changes everything; provisioner writes VPCs, subnets, instances and ports; user is bound to the project of
--project; viewer reads.`,
		Example: `  CONJUNCT_TOKEN=$(conjunct token create ci --role viewer --expires-in 720h)`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			in := &api.Token{Name: args[0], Role: policy.Role(role)}
			if in.Role == policy.RoleUser {
				if in.ProjectID, err = n.home(false); err != nil {
					return err
				}
			}
			if lasts > 0 {
				end := time.Now().Add(lasts).UTC().Truncate(time.Second)
				in.ExpiresAt = &end
			}
			out, err := n.client.Tokens().Create(cmd.Context(), in, s.options()...)
			if err != nil {
				return err
			}
			all := []shown{{kindOf(policy.KindToken), out}}
			switch {
			case s.dryRun: // The secret of the answer opens nothing.
				out.Secret = ""
				return s.made(n, all, "created", nil)
			case s.output != table:
				return s.show(n, all, true)
			}
			s.printf("%s\n", out.Secret)
			return nil
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "admin, provisioner, user or viewer")
	cmd.Flags().DurationVar(&lasts, "expires-in", 0, "how long it is valid, such as 720h (default: without end)")
	needs(cmd, "role")
	cmd.Flags().BoolVar(&s.dryRun, "dry-run", false, "judge the request without creating a token")
	_ = cmd.RegisterFlagCompletionFunc("role", func(*cobra.Command, []string, string) (out []string, _ cobra.ShellCompDirective) {
		for _, r := range policy.Roles {
			out = append(out, string(r))
		}
		return out, nothing
	}) // The flag exists.
	return cmd
}

func tokenListCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens, without their secrets", Example: `  conjunct token list`, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			found, err := n.shown(kindOf(policy.KindToken), "", nil)
			if err != nil {
				return err
			}
			return s.show(n, found, false)
		},
	}
}

func tokenRevokeCommand(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke NAME...", Aliases: []string{"delete"}, Short: "Revoke tokens; whoever holds one is out at once", Example: `  conjunct token revoke ci`, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.deleteNamed(cmd, "", append([]string{string(policy.KindToken)}, args...), s.options())
		},
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return s.completions(cmd, policy.KindToken), nothing
		},
	}
	cmd.Flags().BoolVar(&s.dryRun, "dry-run", false, "judge the request without revoking")
	return cmd
}
