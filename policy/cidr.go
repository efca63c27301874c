package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
)

// CIDR is a prefix as people write one: a bare address stands for its /32 or /128. Host bits are kept, so that a
// validation can say what was meant.
type CIDR netip.Prefix

// ParsePrefix reads a CIDR or a bare address. It does not mask host bits. Zones and IPv4-mapped IPv6 are refused.
func ParsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, aerr := netip.ParseAddr(s)
		if aerr != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR such as 10.0.0.0/8 or 2001:db8::/32", s)
		}
		p = HostPrefix(a)
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4 address written as IPv6; write %s", s, p.Addr().Unmap())
	}
	return p, nil
}

// HostPrefix is the /32 or /128 of an address.
func HostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// HasHostBits reports whether bits beyond the prefix length are set.
func HasHostBits(p netip.Prefix) bool { return p != p.Masked() }

// UnmarshalText reads what ParsePrefix reads.
func (c *CIDR) UnmarshalText(b []byte) error {
	p, err := ParsePrefix(string(b))
	*c = CIDR(p)
	return err
}

// MarshalText writes the prefix form.
func (c CIDR) MarshalText() ([]byte, error) { return netip.Prefix(c).MarshalText() }

func strictJSON(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value")
	}
	return nil
}

func (c CIDR) version() int { return Version(CIDR(c).Prefix().Addr()) }

// Prefix is the CIDR as a netip.Prefix, host bits and all.
func (c CIDR) Prefix() netip.Prefix { return netip.Prefix(c) }

func (c CIDR) String() string { return netip.Prefix(c).String() }

// Version is the IP version of an address: 4 or 6.
func Version(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}
