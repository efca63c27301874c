package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestA047_ServiceFollowsFromProtocolAndPort(t *testing.T) {
	n := func(v int) *int { return &v }
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{Protocol: TCP, PortMin: n(22), PortMax: n(22)}, "SSH"},
		{Rule{Protocol: TCP, PortMin: n(80), PortMax: n(80)}, "HTTP"},
		{Rule{Protocol: TCP, PortMin: n(443), PortMax: n(443)}, "HTTPS"},
		{Rule{Protocol: TCP, PortMin: n(3389), PortMax: n(3389)}, "RDP"},
		{Rule{Protocol: TCP, PortMin: n(3306), PortMax: n(3306)}, "MySQL"},
		{Rule{Protocol: UDP, PortMin: n(53), PortMax: n(53)}, "DNS"},
		{Rule{Protocol: UDP, PortMin: n(22), PortMax: n(22)}, "Custom"},
		{Rule{Protocol: TCP, PortMin: n(80), PortMax: n(81)}, "Custom"},
		{Rule{Protocol: TCP, PortMin: n(1), PortMax: n(65535)}, "All TCP"},
		{Rule{Protocol: TCP, PortMin: n(8081), PortMax: n(8081)}, "Custom"},
		{Rule{Protocol: SCTP}, "All SCTP"},
		{Rule{Protocol: All}, "All"},
		{Rule{Protocol: "4"}, "IP in IP"},
		{Rule{Protocol: "200"}, "Custom"},
		{Rule{Protocol: ICMP}, "All ICMP"},
		{Rule{Protocol: ICMP, ICMPType: n(8)}, "Ping"},
		{Rule{Protocol: ICMPv6, ICMPType: n(128)}, "Ping"},
		{Rule{Protocol: ICMPv6, ICMPType: n(8)}, "Custom"},
		{Rule{Protocol: ICMP, ICMPType: n(3)}, "Custom"},
	} {
		require.Equal(t, c.want, c.rule.Service(), "%+v", c.rule)
	}
}
