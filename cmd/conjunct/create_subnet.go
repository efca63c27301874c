package main

import (
	"net/netip"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

func createSubnetCommand(s *session) *cobra.Command {
	var id, vpc string
	var cidrs []string
	var vlan int
	cmd := &cobra.Command{
		Use:     "subnet NAME --vpc VPC --cidr CIDR",
		Short:   "A subnet: one segment of a VPC",
		Example: `  conjunct create subnet lan --vpc net --cidr 10.0.0.0/24 --cidr 2001:db8:0:1::/64 --vlan 100`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			in := &api.Subnet{Name: args[0], VLAN: vlan}
			if in.CIDRs, err = prefixes(cidrs); err != nil {
				return err
			}
			owner, err := n.id(policy.KindVPC, vpc)
			if err != nil {
				return err
			}
			in.VPCID = policy.VPCID(owner)
			return create(s, n, policy.KindSubnet, n.client.Subnets(), id, in)
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the object's id (default: one is made up)")
	cmd.Flags().StringVar(&vpc, "vpc", "", "the VPC")
	cmd.Flags().StringSliceVar(&cidrs, "cidr", nil, "a CIDR, one of each IP version at most (may be repeated)")
	cmd.Flags().IntVar(&vlan, "vlan", 0, "the segment's tag on the fabric, 1 to 4094; 0 is untagged")
	needs(cmd, "vpc", "cidr")
	return cmd
}

// prefixes reads CIDRs; a mistake is one of usage.
func prefixes(texts []string) (out []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := policy.ParsePrefix(text)
		if err != nil {
			return nil, &usageError{err}
		}
		out = append(out, p)
	}
	return out, nil
}

// needs makes flags required.
func needs(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // The flag has just been added.
		}
	}
}
