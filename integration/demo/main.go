// Command demo shows security groups at work on one machine: two hypervisors with an Open vSwitch each, conjunctd, four VMs
// and a host outside. It applies examples/lab.yaml and examples/tiers.yaml, sends real packets for every pair and service, and
// changes the policy while connections are open. It exits with 0 only when everything was as expected.
//
// With -profiles it shows the same manifest under each of the five profiles instead, with VMs that have no group beside those
// that have, and says what each profile changes and why.
//
//	demo [-v] [-profiles] [-daemon bin/conjunctd] [-client bin/conjunct] [-examples examples]
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"conjunct/integration/cloud"
	"conjunct/integration/lab"
)

func main() {
	daemon := flag.String("daemon", "bin/conjunctd", "the conjunctd to run")
	client := flag.String("client", "bin/conjunct", "the conjunct to run")
	examples := flag.String("examples", "examples", "where lab.yaml and tiers.yaml are")
	profiles := flag.Bool("profiles", false, "show the five profiles")
	verbose := flag.Bool("v", false, "say what the lab does")
	flag.Parse()
	if err := lab.Usable(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	wrong := 0
	err := lab.Run(ctx, log, func(ctx context.Context, t lab.T) {
		s := &show{t: t, ctx: ctx}
		s.stage(func() *cloud.Cloud {
			return cloud.New(t, cloud.Options{Daemon: *daemon, CLI: *client, Hypervisors: []string{"hv1", "hv2"}})
		}, *examples)
		if *profiles {
			s.profiles()
		} else {
			s.matrix()
			s.live()
		}
		wrong = s.wrong
	})
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	case wrong > 0:
		fmt.Printf("\n%d things were not as expected.\n", wrong)
		os.Exit(1)
	}
	fmt.Println("\nEverything was as expected.")
}
