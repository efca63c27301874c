package ovsdb

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each operation as it stands on the wire (RFC 7047 section 5.2), members in order.
func TestOperations(t *testing.T) {
	where := []Condition{Equal("name", String("a"))}
	for _, tt := range []struct {
		op          Op
		text        string
		name, table string
	}{
		{Insert{Table: "Port"}, `{"op":"insert","row":{},"table":"Port"}`, "insert", "Port"},
		{Insert{Table: "Port", UUIDName: "p", Row: Row{"tag": Integer(7), "interfaces": NamedUUID("i")}},
			`{"op":"insert","row":{"interfaces":["named-uuid","i"],"tag":7},"table":"Port","uuid-name":"p"}`, "insert", "Port"},
		{Select{Table: "Bridge"}, `{"op":"select","table":"Bridge","where":[]}`, "select", "Bridge"},
		{Select{Table: "Bridge", Where: where, Columns: []string{"name"}},
			`{"columns":["name"],"op":"select","table":"Bridge","where":[["name","==","a"]]}`, "select", "Bridge"},
		{Update{Table: "Bridge", Where: where, Row: Row{"fail_mode": Set(nil)}},
			`{"op":"update","row":{"fail_mode":["set",[]]},"table":"Bridge","where":[["name","==","a"]]}`, "update", "Bridge"},
		{Mutate{Table: "Bridge", Mutations: []Mutation{{"ports", "insert", UUIDs(someUUID)}}},
			`{"mutations":[["ports","insert",["set",[["uuid","` + someUUIDText + `"]]]]],"op":"mutate","table":"Bridge","where":[]}`, "mutate", "Bridge"},
		{Delete{Table: "Bridge", Where: ByUUID(someUUID)},
			`{"op":"delete","table":"Bridge","where":[["_uuid","==",["uuid","` + someUUIDText + `"]]]}`, "delete", "Bridge"},
		{Wait{Table: "Bridge", Until: "=="},
			`{"columns":[],"op":"wait","rows":[],"table":"Bridge","timeout":0,"until":"==","where":[]}`, "wait", "Bridge"},
		{Wait{Table: "Bridge", Columns: []string{"name"}, Until: "!=", Rows: []Row{{"name": String("a")}}},
			`{"columns":["name"],"op":"wait","rows":[{"name":"a"}],"table":"Bridge","timeout":0,"until":"!=","where":[]}`, "wait", "Bridge"},
		{Comment("why"), `{"comment":"why","op":"comment"}`, "comment", ""},
		{Update{Table: "T", Where: []Condition{Includes("m", StringMap(map[string]string{"k": "v"}))}},
			`{"op":"update","row":{},"table":"T","where":[["m","includes",["map",[["k","v"]]]]]}`, "update", "T"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			text, err := json.Marshal(tt.op)
			require.NoError(t, err)
			require.Equal(t, tt.text, string(text))
			name, table := tt.op.describe()
			require.Equal(t, tt.name, name)
			require.Equal(t, tt.table, table)
		})
	}
}

func TestSetKeys(t *testing.T) {
	require.Empty(t, setKeys("external_ids", nil))
	text, err := json.Marshal(setKeys("external_ids", map[string]string{"b": "2", "a": "1"}))
	require.NoError(t, err)
	require.Equal(t, `[["external_ids","delete",["set",["a","b"]]],["external_ids","insert",["map",[["a","1"],["b","2"]]]]]`, string(text))
}
