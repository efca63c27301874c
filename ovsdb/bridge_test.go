package ovsdb_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/ovsdb"
	"conjunct/ovsdb/ovsdbtest"
)

func bridgeSpec() ovsdb.BridgeSpec {
	return ovsdb.BridgeSpec{
		Name:            "br-int",
		DatapathType:    "netdev",
		DatapathID:      "00c0ffee00000001",
		FailMode:        "secure",
		Protocols:       []string{"OpenFlow15"},
		DisableInBand:   true,
		ExternalIDs:     map[string]string{"conjunct-host": "hv1"},
		Targets:         []string{"tcp:127.0.0.1:6653", "tcp:127.0.0.2:6653"},
		ConnectionMode:  "out-of-band",
		InactivityProbe: 5 * time.Second,
		MaxBackoff:      2 * time.Second,
	}
}

// targetsOf maps the targets of a bridge to their rows.
func targetsOf(s *ovsdb.Snapshot, bridge string) map[string]*ovsdb.Controller {
	targets := map[string]*ovsdb.Controller{}
	for _, id := range s.Bridge(bridge).Controllers {
		targets[s.Controllers[id].Target] = s.Controllers[id]
	}
	return targets
}

func TestEnsureBridgeCreates(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.dial(t)
		change, err := c.EnsureBridge(testContext(t), bridgeSpec())
		require.NoError(t, err)
		require.True(t, change.Created)
		require.Equal(t, []string{"bridge br-int created", "controller tcp:127.0.0.1:6653 added",
			"controller tcp:127.0.0.2:6653 added"}, change.Written)

		s := c.Snapshot() // the update came before the reply
		require.Equal(t, "hv1", s.SystemID())
		br := s.Bridge("br-int")
		require.NotNil(t, br)
		require.Equal(t, "netdev", br.DatapathType)
		require.Equal(t, "secure", br.FailMode)
		require.Equal(t, []string{"OpenFlow15"}, br.Protocols)
		require.Equal(t, map[string]string{"datapath-id": "00c0ffee00000001", "disable-in-band": "true"}, br.OtherConfig)
		require.Equal(t, map[string]string{"conjunct-host": "hv1"}, br.ExternalIDs)
		require.Equal(t, []ovsdb.UUID{br.UUID}, s.Root().Bridges)
		require.Equal(t, []ovsdb.BridgePort{{Interface: "br-int", Port: "br-int", Type: "internal",
			InterfaceUUID: s.Interface("br-int").UUID}}, s.Ports("br-int"))
		targets := targetsOf(s, "br-int")
		require.Len(t, targets, 2)
		for _, row := range targets {
			require.Equal(t, "out-of-band", row.ConnectionMode)
			require.Equal(t, int64(5000), *row.InactivityProbe)
			require.Equal(t, int64(2000), *row.MaxBackoff)
			require.Equal(t, map[string]string{"conjunct": "controller"}, row.ExternalIDs)
		}
	})
}

func TestEnsureBridgeWritesNothingWhenNothingDiffers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		first := w.dial(t)
		_, err := first.EnsureBridge(testContext(t), bridgeSpec())
		require.NoError(t, err)

		second := w.dial(t)
		before := second.Snapshot().Generation
		change, err := second.EnsureBridge(testContext(t), bridgeSpec())
		require.NoError(t, err)
		require.Zero(t, change)
		require.NoError(t, second.Echo(testContext(t)))
		require.Equal(t, before, second.Snapshot().Generation)
		if w.fake != nil {
			require.Equal(t, 1, w.fake.Transactions(), "the second must not even ask")
		}
	})
}

// A bridge that is there keeps what the spec does not name.
func TestEnsureBridgeAdopts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		require.NoError(t, ovsdbtest.AddBridge(ctx, w.admin, "br-int"))
		require.NoError(t, ovsdbtest.Plug(ctx, w.admin, "br-int", ovsdbtest.NIC{Name: "tap1", IfaceID: "p1"}))
		require.NoError(t, ovsdbtest.Update(ctx, w.admin, "Bridge", "br-int", ovsdb.Row{
			"fail_mode":    ovsdb.String("standalone"),
			"protocols":    ovsdb.Strings("OpenFlow10", "OpenFlow13"),
			"external_ids": ovsdb.StringMap(map[string]string{"theirs": "1", "conjunct-host": "another"}),
			"other_config": ovsdb.StringMap(map[string]string{"hwaddr": "02:00:00:00:00:01", "disable-in-band": "false"}),
		}))
		_, err := w.admin.Transact(ctx,
			ovsdb.Insert{Table: "Controller", UUIDName: "a", Row: ovsdb.Row{"target": ovsdb.String("tcp:10.9.9.9:6653")}},
			ovsdb.Insert{Table: "Controller", UUIDName: "b", Row: ovsdb.Row{"target": ovsdb.String("tcp:127.0.0.1:6653"),
				"external_ids": ovsdb.StringMap(map[string]string{"note": "keep"})}},
			ovsdb.Insert{Table: "Controller", UUIDName: "c", Row: ovsdb.Row{"target": ovsdb.String("tcp:127.0.0.3:6653"),
				"external_ids": ovsdb.StringMap(map[string]string{"conjunct": "controller"})}},
			ovsdb.Insert{Table: "Controller", UUIDName: "d", Row: ovsdb.Row{"target": ovsdb.String("tcp:127.0.0.4:6653"),
				"external_ids": ovsdb.StringMap(map[string]string{"conjunct": "another cloud"})}},
			ovsdb.Update{Table: "Bridge", Row: ovsdb.Row{"controller": ovsdb.Set{
				ovsdb.NamedUUID("a"), ovsdb.NamedUUID("b"), ovsdb.NamedUUID("c"), ovsdb.NamedUUID("d")}}})
		require.NoError(t, err)

		c := w.dial(t)
		before := c.Snapshot().Bridge("br-int")
		change, err := c.EnsureBridge(ctx, bridgeSpec())
		require.NoError(t, err)
		require.False(t, change.Created)
		require.ElementsMatch(t, []string{
			"datapath_type", "fail_mode", "protocols", "other_config:datapath-id", "other_config:disable-in-band",
			"external_ids:conjunct-host", "controller tcp:127.0.0.1:6653 changed",
			"controller tcp:127.0.0.2:6653 added", "controller tcp:127.0.0.3:6653 removed",
		}, change.Written)

		s := c.Snapshot()
		br := s.Bridge("br-int")
		require.Equal(t, before.UUID, br.UUID)
		require.Equal(t, before.Ports, br.Ports)
		require.Equal(t, map[string]string{"theirs": "1", "conjunct-host": "hv1"}, br.ExternalIDs)
		require.Equal(t, map[string]string{"hwaddr": "02:00:00:00:00:01", "disable-in-band": "true",
			"datapath-id": "00c0ffee00000001"}, br.OtherConfig)
		targets := targetsOf(s, "br-int")
		require.Len(t, targets, 4)
		require.Empty(t, targets["tcp:10.9.9.9:6653"].ExternalIDs, "a foreign controller is left alone")
		require.Empty(t, targets["tcp:10.9.9.9:6653"].ConnectionMode)
		require.Contains(t, targets, "tcp:127.0.0.4:6653", "another owner's controller is left alone")
		require.Equal(t, map[string]string{"note": "keep", "conjunct": "controller"},
			targets["tcp:127.0.0.1:6653"].ExternalIDs)
		require.Equal(t, "out-of-band", targets["tcp:127.0.0.1:6653"].ConnectionMode)
		require.Len(t, s.Controllers, 4, "the removed row is collected")

		change, err = c.EnsureBridge(ctx, bridgeSpec())
		require.NoError(t, err)
		require.Zero(t, change)
	})
}

// What the spec leaves zero stays, whatever it is.
func TestEnsureBridgeLeavesWhatItDoesNotOwn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		c := w.dial(t)
		_, err := c.EnsureBridge(ctx, bridgeSpec())
		require.NoError(t, err)
		before := c.Snapshot()
		change, err := c.EnsureBridge(ctx, ovsdb.BridgeSpec{Name: "br-int", Targets: bridgeSpec().Targets})
		require.NoError(t, err)
		require.Zero(t, change)
		require.Same(t, before, c.Snapshot())
	})
}

// "system" and no type are the same datapath.
func TestEnsureBridgeKnowsTheDefaultDatapath(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		require.NoError(t, ovsdbtest.AddBridge(ctx, w.admin, "br-int"))
		change, err := w.dial(t).EnsureBridge(ctx, ovsdb.BridgeSpec{Name: "br-int", DatapathType: "system"})
		require.NoError(t, err)
		require.Zero(t, change)
	})
}

// Many controllers at once end with one bridge and one row a target.
func TestEnsureBridgeRace(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const racers = 8
		clients := make([]*ovsdb.Client, racers)
		for i := range clients {
			clients[i] = w.dial(t)
		}
		created := race(t, clients, bridgeSpec())
		require.Equal(t, 1, created)

		s := w.dial(t).Snapshot()
		require.Len(t, s.Bridges, 1)
		require.Len(t, s.Bridge("br-int").Controllers, 2)
		require.Len(t, s.Controllers, 2)
		require.Len(t, s.PortRows, 1)
		require.Len(t, s.Interfaces, 1)

		// Adopting races, too: one more target must come once.
		spec := bridgeSpec()
		spec.Targets = append(spec.Targets, "tcp:127.0.0.9:6653")
		require.Zero(t, race(t, clients, spec))
		require.Len(t, w.dial(t).Snapshot().Controllers, 3)
	})
}

func race(t *testing.T, clients []*ovsdb.Client, spec ovsdb.BridgeSpec) (created int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			change, err := c.EnsureBridge(testContext(t), spec)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if change.Created {
				created++
			}
		})
	}
	all.Wait()
	return created
}

func TestEnsureBridgeRefusals(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := testContext(t)
		require.NoError(t, ovsdbtest.AddBridge(ctx, w.admin, "br-ex"))
		require.NoError(t, ovsdbtest.Plug(ctx, w.admin, "br-ex", ovsdbtest.NIC{Name: "br-int"}))
		c := w.dial(t)

		// The port of a bridge of that name is taken.
		_, err := c.EnsureBridge(ctx, bridgeSpec())
		require.True(t, ovsdb.IsKind(err, ovsdb.KindConstraint), "%v", err)
		require.Nil(t, c.Snapshot().Bridge("br-int"), "all or nothing")

		// The server knows better which values exist.
		_, err = c.EnsureBridge(ctx, ovsdb.BridgeSpec{Name: "br-ex", FailMode: "open"})
		var refusal *ovsdb.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "update", refusal.Op)
		require.Equal(t, "Bridge", refusal.Table)
		require.Equal(t, ovsdb.KindConstraint, refusal.Kind)

		for _, id := range []string{"1", "0000000000000000", "00C0FFEE00000001"} {
			_, err = c.EnsureBridge(ctx, ovsdb.BridgeSpec{Name: "br-ex", DatapathID: id})
			require.ErrorContains(t, err, "datapath id")
		}
		_, err = c.EnsureBridge(ctx, ovsdb.BridgeSpec{})
		require.ErrorContains(t, err, "without a name")
	})
}

func TestEnsureBridgeWithoutRoot(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, err := w.admin.Transact(testContext(t), ovsdb.Delete{Table: "Open_vSwitch"})
		require.NoError(t, err)
		c := w.dial(t)
		require.Empty(t, c.SystemID())
		_, err = c.EnsureBridge(testContext(t), bridgeSpec())
		require.ErrorIs(t, err, ovsdb.ErrNoRoot)
	})
}

// What we write is what the official tool reads, and the other way round.
func TestBridgeAsOvsVsctlSeesIt(t *testing.T) {
	w := realWorld(t)
	c := w.dial(t)
	_, err := c.EnsureBridge(testContext(t), bridgeSpec())
	require.NoError(t, err)
	require.Equal(t, "br-int", w.vsctl(t, "list-br"))
	require.Equal(t, "secure", w.vsctl(t, "get-fail-mode", "br-int"))
	require.Equal(t, "tcp:127.0.0.1:6653\ntcp:127.0.0.2:6653", w.vsctl(t, "get-controller", "br-int"))
	require.Equal(t, `{datapath-id="00c0ffee00000001", disable-in-band="true"}`, w.vsctl(t, "get", "Bridge", "br-int", "other_config"))

	w.vsctl(t, "add-br", "br-vs", "--", "set-fail-mode", "br-vs", "secure", "--", "add-port", "br-vs", "tap1", "tag=7",
		"--", "set", "Interface", "tap1", "external_ids:iface-id=p1", "--", "set", "Port", "tap1", "external_ids:conjunct-role=uplink")
	s := until(t, c, func(s *ovsdb.Snapshot) bool { return s.Bridge("br-vs") != nil })
	require.Equal(t, "secure", s.Bridge("br-vs").FailMode)
	ports := s.Ports("br-vs")
	require.Len(t, ports, 2)
	require.Equal(t, "p1", ports[1].IfaceID)
	require.Equal(t, int64(7), *ports[1].Tag)
	require.Equal(t, ovsdb.RoleUplink, ports[1].Role)

	change, err := c.EnsureBridge(testContext(t), ovsdb.BridgeSpec{Name: "br-vs", FailMode: "secure"})
	require.NoError(t, err)
	require.Zero(t, change)
	w.vsctl(t, "del-br", "br-int")
	until(t, c, func(s *ovsdb.Snapshot) bool { return s.Bridge("br-int") == nil && len(s.Controllers) == 0 })
}
