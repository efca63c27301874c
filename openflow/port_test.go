package openflow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	. "conjunct/openflow"
)

func TestPortText(t *testing.T) {
	for _, c := range []struct {
		text string
		port Port
		back string
	}{
		{"1", 1, "1"}, {"65279", 65279, "65279"}, {"0x10", 16, "16"},
		{"LOCAL", PortLocal, "LOCAL"}, {"local", PortLocal, "LOCAL"}, {"65534", PortLocal, "LOCAL"}, {"4294967294", PortLocal, "LOCAL"},
		{"in_port", PortInPort, "IN_PORT"}, {"CONTROLLER", PortController, "CONTROLLER"}, {"none", PortAny, "ANY"}, {"ANY", PortAny, "ANY"},
		{"65285", 0xffffff05, "65285"}, {"0xffffff05", 0xffffff05, "65285"},
	} {
		p, err := ParsePort(c.text)
		require.NoError(t, err, c.text)
		require.Equal(t, c.port, p, c.text)
		require.Equal(t, c.back, p.String())
	}
	for _, bad := range []string{"", "-1", "65536", "0xfffffe00", "4294967296", "eth0", "1_0", "1.5"} {
		_, err := ParsePort(bad)
		require.Error(t, err, bad)
	}
}

func TestErrorIsGoError(t *testing.T) {
	var err error = Error{Code: ErrTableFull, Data: []byte{6, 14, 0, 56, 0, 0, 0, 9}}
	require.ErrorIs(t, err, ErrTableFull)
	require.EqualError(t, err, "OFPFMFC_TABLE_FULL, about message type 14 xid 9")
	require.EqualError(t, MakeErrorCode(99, 7), "OpenFlow error type 99 code 7")
	require.Equal(t, uint16(5), ErrTableFull.Type())
	require.Equal(t, uint16(1), ErrTableFull.Code())
	require.EqualError(t, ErrBadConjunction, "NXBAC_BAD_CONJUNCTION")
	require.EqualError(t, Error{Code: ErrHelloIncompatible, Data: []byte("no 1.5")}, "OFPHFC_INCOMPATIBLE: no 1.5")

	// An experimenter that we do not know means something else by its codes.
	wire := []byte{6, 1, 0, 16, 0, 0, 0, 1, 0xff, 0xff, 0, 15, 0, 0, 0x12, 0x34}
	_, m, err := Decode(wire)
	require.NoError(t, err)
	require.Equal(t, Raw{MsgType: TypeError, Body: wire[8:]}, m)
	again, err := Append(nil, 1, m)
	require.NoError(t, err)
	require.Equal(t, wire, again)
}

func TestHelloVersions(t *testing.T) {
	decode := func(wire ...byte) Hello {
		_, m, err := Decode(wire)
		require.NoError(t, err)
		return m.(Hello)
	}
	us := Hello{Versions: HelloVersions15}
	require.Equal(t, uint8(6), us.Common(decode(6, 0, 0, 8, 0, 0, 0, 1)), "no bitmap: all up to the header's")
	require.Equal(t, uint8(0), us.Common(decode(4, 0, 0, 8, 0, 0, 0, 1)))
	require.Equal(t, uint8(6), us.Common(decode(4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x50)))
	require.Equal(t, uint8(0), us.Common(decode(6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x12)), "the bitmap counts")
	require.Equal(t, uint8(6), us.Common(decode(6, 0, 0, 24, 0, 0, 0, 1, 0, 9, 0, 5, 1, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x40)), "other elements are left out")
}
