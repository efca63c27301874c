package ovsdb

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var cond, plain = dialects[1], dialects[2]

// feed gives updates to a cache, the first of them as the reply to the request.
func feed(d dialect, texts ...string) (*cache, error) {
	c := newCache()
	for i, text := range texts {
		decode := d.decodeNote
		if i == 0 {
			decode = d.decodeFirst
		} else {
			text = `["` + monitorID + `",` + text + `]`
		}
		u, err := decode([]byte(text))
		if err == nil {
			err = c.apply(u)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

const (
	idA = "aaaaaaaa-0000-4000-8000-000000000001"
	idB = "bbbbbbbb-0000-4000-8000-000000000002"
)

func mustUUID(t *testing.T, s string) UUID {
	u, err := ParseUUID(s)
	require.NoError(t, err)
	return u
}

// The same story in both forms of row updates ends in the same rows.
func TestCacheFollowsUpdates(t *testing.T) {
	bridge := func(member, row string) string {
		return fmt.Sprintf(`{"Bridge":{"%s":{"%s":%s}}}`, idA, member, row)
	}
	for _, story := range []struct {
		name    string
		dialect dialect
		texts   []string
	}{
		{"update2", cond, []string{
			bridge("initial", `{"name":"br0","protocols":["set",["OpenFlow13","OpenFlow10"]],"external_ids":["map",[["a","1"],["b","2"],["c","3"]]]}`),
			bridge("modify", `{"protocols":["set",["OpenFlow15","OpenFlow10"]],"external_ids":["map",[["a","1"],["b","4"],["d","5"]]],"fail_mode":"secure"}`),
			bridge("modify", `{"ports":["uuid","`+idB+`"],"datapath_id":"1"}`),
			bridge("modify", `{"datapath_id":["set",[]]}`),
		}},
		{"update", plain, []string{
			bridge("new", `{"name":"br0","protocols":["set",["OpenFlow13","OpenFlow10"]],"external_ids":["map",[["a","1"],["b","2"],["c","3"]]],"fail_mode":["set",[]]}`),
			bridge("new", `{"name":"br0","protocols":["set",["OpenFlow13","OpenFlow15"]],"external_ids":["map",[["b","4"],["c","3"],["d","5"]]],"fail_mode":"secure"}`),
			bridge("new", `{"name":"br0","protocols":["set",["OpenFlow13","OpenFlow15"]],"external_ids":["map",[["b","4"],["c","3"],["d","5"]]],"fail_mode":"secure","ports":["uuid","`+idB+`"],"datapath_id":"1"}`),
			bridge("new", `{"name":"br0","protocols":["set",["OpenFlow13","OpenFlow15"]],"external_ids":["map",[["b","4"],["c","3"],["d","5"]]],"fail_mode":"secure","ports":["uuid","`+idB+`"],"datapath_id":["set",[]]}`),
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			c, err := feed(story.dialect, story.texts...)
			require.NoError(t, err)
			require.Equal(t, &Bridge{
				UUID: mustUUID(t, idA), Name: "br0", FailMode: "secure",
				Ports:       []UUID{mustUUID(t, idB)},
				Protocols:   []string{"OpenFlow13", "OpenFlow15"},
				ExternalIDs: map[string]string{"b": "4", "c": "3", "d": "5"},
			}, c.snapshot().Bridge("br0"))

			gone := map[bool]string{true: `{"delete":null}`, false: `{"old":{"name":"br0"}}`}[story.dialect.v2]
			u, err := story.dialect.decodeUpdates([]byte(`{"Bridge":{"` + idA + `":` + gone + `}}`))
			require.NoError(t, err)
			require.NoError(t, c.apply(u))
			require.Nil(t, c.snapshot().Bridge("br0"))
		})
	}
}

// A snapshot never changes, whatever comes after it.
func TestSnapshotsAreImmutable(t *testing.T) {
	c, err := feed(cond, `{"Bridge":{"`+idA+`":{"initial":{"name":"br0","protocols":"OpenFlow10","external_ids":["map",[["a","1"]]]}}}}`)
	require.NoError(t, err)
	before := c.snapshot()
	u, err := cond.decodeUpdates([]byte(`{"Bridge":{"` + idA + `":{"modify":{"protocols":"OpenFlow15","external_ids":["map",[["a","2"]]],"fail_mode":"secure"}}}}`))
	require.NoError(t, err)
	require.NoError(t, c.apply(u))
	require.Equal(t, []string{"OpenFlow10"}, before.Bridge("br0").Protocols)
	require.Equal(t, map[string]string{"a": "1"}, before.Bridge("br0").ExternalIDs)
	require.Empty(t, before.Bridge("br0").FailMode)
	require.Equal(t, []string{"OpenFlow10", "OpenFlow15"}, c.snapshot().Bridge("br0").Protocols)
	require.Less(t, before.Generation, c.snapshot().Generation)
	require.Same(t, c.snapshot(), c.snapshot())
}

func TestTakeNamesRowsOnce(t *testing.T) {
	c, err := feed(cond, `{"Bridge":{"`+idA+`":{"initial":{"name":"br0"}}},"Port":{"`+idB+`":{"initial":{"name":"p"}}}}`,
		`{"Bridge":{"`+idA+`":{"delete":null}}}`)
	require.NoError(t, err)
	rows, s := c.take()
	require.ElementsMatch(t, []RowRef{{TableBridge, mustUUID(t, idA)}, {TablePort, mustUUID(t, idB)}}, rows)
	require.Empty(t, s.Bridges)
	rows, again := c.take()
	require.Empty(t, rows)
	require.Same(t, s, again)
}

func TestUpdatesRefused(t *testing.T) {
	row := func(s string) string { return `{"Bridge":{"` + idA + `":` + s + `}}` }
	for _, tt := range []struct {
		dialect dialect
		text    string
		want    string
	}{
		{cond, `null`, "without a result"},
		{cond, `[]`, "malformed"},
		{cond, `{"Bridge":[]}`, "malformed"},
		{cond, `{"Bridge":{"x":{}}}`, "not a UUID"},
		{cond, `{"Manager":{}}`, "not asked for"},
		{cond, row(`{}`), "0 members"},
		{cond, row(`null`), "0 members"},
		{cond, row(`{"insert":{},"delete":null}`), "2 members"},
		{cond, row(`{"replace":{}}`), "unknown member"},
		{cond, row(`{"insert":null}`), "null"},
		{cond, row(`{"insert":{"name":["set"]}}`), "array of 1"},
		{cond, row(`{"insert":{"nme":"x"}}`), "was not asked for"},
		{cond, row(`{"insert":{"name":7}}`), "want a string"},
		{cond, row(`{"insert":{"name":["set",["a","b"]]}}`), "at most one"},
		{cond, row(`{"insert":{"name":["map",[]]}}`), "at most one"},
		{cond, row(`{"insert":{"ports":"x"}}`), "want a uuid"},
		{cond, row(`{"insert":{"ports":["map",[]]}}`), "want a set"},
		{cond, row(`{"insert":{"protocols":7}}`), "want a string"},
		{cond, row(`{"insert":{"external_ids":"x"}}`), "want a map"},
		{cond, row(`{"insert":{"external_ids":["map",[[1,"x"]]]}}`), "want a string"},
		{cond, row(`{"insert":{"external_ids":["map",[["x",1]]]}}`), "want a string"},
		{cond, row(`{"modify":{"name":"x"}}`), "never seen"},
		{cond, `{"Interface":{"` + idA + `":{"insert":{"ofport":"1"}}}}`, "want an integer"},
		{cond, `{"Interface":{"` + idA + `":{"insert":{"ofport":1.5}}}}`, "want an integer"},
		{cond, `{"Port":{"` + idA + `":{"insert":{"tag":true}}}}`, "want an integer"},
		{cond, `{"Controller":{"` + idA + `":{"insert":{"is_connected":"yes"}}}}`, "want a boolean"},
		{plain, row(`{}`), "neither old nor new"},
		{plain, row(`{"insert":{}}`), "unknown field"},
		{plain, row(`{"new":[]}`), "row"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			u, err := tt.dialect.decodeUpdates([]byte(tt.text))
			if err == nil {
				err = newCache().apply(u)
			} else {
				err = fmt.Errorf("malformed: %w", err)
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestNotesRefused(t *testing.T) {
	since := dialects[0]
	for _, tt := range []struct {
		dialect dialect
		params  string
	}{
		{cond, `[]`}, {cond, `["conjunct"]`}, {cond, `["other",{}]`}, {cond, `[null,{}]`}, {cond, `["conjunct",{},{}]`},
		{since, `["conjunct",{}]`}, {since, `{"a":1}`},
	} {
		_, err := tt.dialect.decodeNote([]byte(tt.params))
		require.Error(t, err, "%s", tt.params)
	}
	_, err := since.decodeFirst([]byte(`[false,"x"]`))
	require.Error(t, err)
	u, err := since.decodeFirst([]byte(`[false,"00000000-0000-0000-0000-000000000000",{}]`))
	require.NoError(t, err)
	require.Empty(t, u)
}

// Every monitored column takes each shape of value or refuses it, and its default.
func TestColumnsTakeDefaults(t *testing.T) {
	for _, table := range newCache().tables() {
		require.IsIncreasing(t, table.columns(), table.name())
		for _, column := range table.columns() {
			taken := 0
			for _, v := range []Value{String("x"), Integer(1), Boolean(true), someUUID, Set{}, StringMap(map[string]string{"a": "b"})} {
				if table.apply(someUUID, rowUpdate{rowWhole, Row{column: v}}) == nil {
					taken++
				}
			}
			// The empty set and one other kind.
			require.Equal(t, 2, taken, "%s.%s", table.name(), column)
		}
	}
}

func FuzzDecodeUpdates(f *testing.F) {
	f.Add(0, `{"Bridge":{"`+idA+`":{"insert":{"name":"br0","ports":["uuid","`+idB+`"]}}}}`)
	f.Add(1, `{"Interface":{"`+idA+`":{"initial":{"name":"tap","ofport":1,"external_ids":["map",[["iface-id","x"]]]}}}}`)
	f.Add(2, `{"Port":{"`+idA+`":{"new":{"name":"tap","tag":["set",[]]}}}}`)
	f.Fuzz(func(t *testing.T, i int, text string) {
		d := dialects[uint(i)%uint(len(dialects))]
		params := []any{monitorID, json.RawMessage(text)}
		if d.lastTxn {
			params = []any{monitorID, UUID{}.String(), json.RawMessage(text)}
		}
		raw, err := json.Marshal(params)
		if err != nil {
			return // no JSON
		}
		u, err := d.decodeNote(raw)
		if err != nil {
			return
		}
		c := newCache()
		if c.apply(u) != nil {
			return
		}
		s := c.snapshot()
		for _, b := range s.Bridges {
			for _, p := range s.Ports(b.Name) {
				require.False(t, strings.ContainsRune(p.Interface, 0))
			}
		}
		require.LessOrEqual(t, len(s.Bridges), len(u[TableBridge]))
	})
}
