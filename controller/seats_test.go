package controller

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

// seatingFrom reads the seating of a bridge with the given interfaces.
func seatingFrom(t *testing.T, gone map[uint16]bool, nics ...ovsdbtest.NIC) seating {
	t.Helper()
	db := ovsdbtest.New("hv1")
	t.Cleanup(db.Close)
	ctx := context.Background()
	require.NoError(t, ovsdbtest.AddBridge(ctx, db, "br-int"))
	for _, n := range nics {
		require.NoError(t, ovsdbtest.Plug(ctx, db, "br-int", n))
	}
	cl, err := ovsdb.NewClient(ctx, ovsdb.NewConn(db.Pipe(), ovsdb.Options{}))
	require.NoError(t, err)
	defer cl.Close()
	return seatingOf(cl.Snapshot(), "br-int", gone)
}

func TestSeating(t *testing.T) {
	for name, row := range map[string]struct {
		gone     map[uint16]bool
		nics     []ovsdbtest.NIC
		seats    map[uint16]string // ofport → iface-id
		uplinks  []uint16
		refused  []string
		problems []string
	}{
		"VMs and uplinks": {
			nics: []ovsdbtest.NIC{
				{Name: "tap1", IfaceID: "a", OFPort: 1, MAC: "fe:00:00:00:00:01"}, {Name: "tap2", IfaceID: "b", OFPort: 2},
				{Name: "eth2", OFPort: 41, Role: ovsdb.RoleUplink}, {Name: "eth1", OFPort: 40, Role: ovsdb.RoleUplink},
			},
			seats: map[uint16]string{1: "a", 2: "b"}, uplinks: []uint16{40, 41},
		},
		"not made yet": {nics: []ovsdbtest.NIC{{Name: "tap1", IfaceID: "a"}, {Name: "eth1", Role: ovsdb.RoleUplink}}},
		"failed": {
			nics:    []ovsdbtest.NIC{{Name: "tap1", IfaceID: "a", OFPort: -1}},
			refused: []string{"a"}, problems: []string{`interface tap1 (iface-id "a") failed: `},
		},
		"reserved number": {nics: []ovsdbtest.NIC{{Name: "tap1", IfaceID: "a", OFPort: 65534}}},
		"no iface-id": {
			nics:     []ovsdbtest.NIC{{Name: "stray", OFPort: 3}},
			problems: []string{"interface stray has no iface-id and is not an uplink: it passes nothing"},
		},
		"uplink with an iface-id": {
			nics:    []ovsdbtest.NIC{{Name: "eth1", IfaceID: "a", OFPort: 40, Role: ovsdb.RoleUplink}},
			refused: []string{"a"}, problems: []string{`interface eth1 is an uplink and has iface-id "a": it passes nothing`},
		},
		"iface-id twice": {
			nics:    []ovsdbtest.NIC{{Name: "tap1", IfaceID: "a", OFPort: 1}, {Name: "tap2", IfaceID: "a", OFPort: 2}, {Name: "tap3", IfaceID: "b", OFPort: 3}},
			seats:   map[uint16]string{3: "b"},
			refused: []string{"a"}, problems: []string{`iface-id "a" is on interfaces tap1 and tap2: none of them passes anything`},
		},
		"iface-id twice, one not made yet": {
			nics:  []ovsdbtest.NIC{{Name: "tap1", IfaceID: "a", OFPort: 1}, {Name: "tap2", IfaceID: "a"}},
			seats: map[uint16]string{1: "a"},
		},
		"one number twice": {
			nics: []ovsdbtest.NIC{
				{Name: "tap1", IfaceID: "a", OFPort: 1}, {Name: "tap2", IfaceID: "b", OFPort: 1},
				{Name: "tap4", IfaceID: "d", OFPort: 4}, {Name: "eth1", OFPort: 4, Role: ovsdb.RoleUplink},
			},
			problems: []string{
				"interfaces [eth1 tap4] have the same OpenFlow port 4: they pass nothing",
				"interfaces [tap1 tap2] have the same OpenFlow port 1: they pass nothing",
			},
		},
		"gone, says the switch": {
			gone:  map[uint16]bool{1: true, 40: true},
			nics:  []ovsdbtest.NIC{{Name: "tap1", IfaceID: "a", OFPort: 1}, {Name: "tap2", IfaceID: "b", OFPort: 2}, {Name: "eth1", OFPort: 40, Role: ovsdb.RoleUplink}},
			seats: map[uint16]string{2: "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := seatingFrom(t, row.gone, row.nics...)
			require.Len(t, s.seats, len(row.seats))
			for n, iface := range row.seats {
				require.Equal(t, iface, s.seats[n].iface)
				require.Equal(t, n, s.seats[n].ofport)
			}
			require.Equal(t, row.uplinks, append([]uint16(nil), s.uplinks...))
			require.Equal(t, row.problems, s.problems)
			require.Len(t, s.refused, len(row.refused))
			for _, iface := range row.refused {
				require.Contains(t, s.refused, iface)
			}
		})
	}
}
