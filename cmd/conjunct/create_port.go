package main

import (
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
	"conjunct/policy"
)

// portFlags are a port as flags say it.
type portFlags struct {
	instance, subnet, mac, hypervisor, iface string
	addresses, pairs, groups, roles          []string
}

func createPortCommand(s *session) *cobra.Command {
	var f portFlags
	cmd := &cobra.Command{
		Use:   "port [ID] --instance INSTANCE --subnet SUBNET --mac MAC --address ADDRESS",
		Short: "A port: a VM's network interface",
		Example: `  conjunct create port web-0 --instance web --subnet lan --mac fa:16:3e:00:00:12 \
      --address 10.0.0.12 --address 2001:db8:0:1::12 --hypervisor hv1`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := s.names(cmd.Context())
			if err != nil {
				return err
			}
			in, err := f.port(n)
			if err != nil {
				return err
			}
			return create(s, n, policy.KindPort, n.client.Ports(), strings.Join(args, ""), in)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.instance, "instance", "", "the instance")
	flags.StringVar(&f.subnet, "subnet", "", "the subnet, or VPC/SUBNET")
	flags.StringVar(&f.mac, "mac", "", "the MAC address")
	flags.StringSliceVar(&f.addresses, "address", nil, "an address (may be repeated)")
	flags.StringSliceVar(&f.pairs, "allowed-address", nil, "a further address or CIDR that the VM may use, as CIDR or MAC=CIDR (may be repeated)")
	flags.StringVar(&f.hypervisor, "hypervisor", "", "where the port is expected (default: nowhere yet)")
	flags.StringVar(&f.iface, "iface-id", "", "external_ids:iface-id of its interface (default: the port's id)")
	flags.StringSliceVar(&f.groups, "group", nil, "a security group beside the instance's (may be repeated)")
	flags.StringSliceVar(&f.roles, "role", nil, "what the VM may do beside: dhcp_server, router (may be repeated)")
	needs(cmd, "instance", "subnet", "mac", "address")
	return cmd
}

func (f *portFlags) port(n *names) (*api.Port, error) {
	p := &policy.Port{IfaceID: f.iface}
	var err error
	if p.MAC, err = policy.ParseMAC(f.mac); err != nil {
		return nil, &usageError{err}
	}
	for _, text := range f.addresses {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, usage("%q is not an address such as 10.0.0.1 or 2001:db8::1", text)
		}
		p.Addresses = append(p.Addresses, a)
	}
	for _, text := range f.pairs {
		pair, err := addressPair(text)
		if err != nil {
			return nil, &usageError{err}
		}
		p.AllowedAddressPairs = append(p.AllowedAddressPairs, pair)
	}
	for _, role := range f.roles {
		p.Roles = append(p.Roles, policy.PortRole(role))
	}
	instance, err := n.id(policy.KindInstance, f.instance)
	if err != nil {
		return nil, err
	}
	subnet, err := n.id(policy.KindSubnet, f.subnet)
	if err != nil {
		return nil, err
	}
	host, err := n.optional(policy.KindHypervisor, f.hypervisor)
	if err != nil {
		return nil, err
	}
	p.InstanceID, p.SubnetID, p.HypervisorID = policy.InstanceID(instance), policy.SubnetID(subnet), policy.HostID(host)
	p.SecurityGroupIDs, err = n.groupIDs(f.groups)
	return &api.Port{Port: *p}, err
}

// addressPair reads CIDR or MAC=CIDR.
func addressPair(text string) (out policy.AddressPair, err error) {
	mac, cidr, both := strings.Cut(text, "=")
	if !both {
		mac, cidr = "", text
	}
	if err := out.MAC.UnmarshalText([]byte(mac)); err != nil {
		return out, err
	}
	out.CIDR, err = policy.ParsePrefix(cidr)
	return out, err
}
