package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// version is stamped by the Makefile.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "conjunctd:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "conjunctd", Short: "A central controller of security groups for Open vSwitch", Version: version,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.PersistentFlags().String("config", "", "YAML file with the configuration")
	addFlags(root.PersistentFlags())
	root.AddCommand(&cobra.Command{
		Use: "serve", Short: "Run the daemon", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configFrom(cmd.Flags())
			if err != nil {
				return err
			}
			return serve(cmd.Context(), c)
		},
	}, &cobra.Command{
		Use: "config", Short: "Check the configuration and print it as it would be used", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configFrom(cmd.Flags())
			if err != nil {
				return err
			}
			b, err := yaml.Marshal(c)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(b)
			return err
		},
	})
	return root
}
