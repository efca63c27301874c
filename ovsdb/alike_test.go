package ovsdb_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFakeIsAlike runs testdata/alike.txt against the server in process and the real
// one, over connections that share no code with package ovsdb, and demands the same
// answers and the same notifications.
func TestFakeIsAlike(t *testing.T) {
	real, fake := realWorld(t), fakeWorld(t)
	text, err := os.ReadFile("testdata/alike.txt")
	require.NoError(t, err)
	r, f := newTalk(t, real), newTalk(t, fake)
	for _, call := range monitorCalls {
		require.Equal(t, r.call(t, call...), f.call(t, call...), "%v", call)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		n++
		assert.Equal(t, r.transact(t, n, line), f.transact(t, n, line), "transaction %d: %s", n, line)
	}
	require.Greater(t, n, 50)
}

// monitorCalls start a monitor in each dialect, on columns of each kind; and some that
// are refused.
var monitorCalls = func() [][]any {
	requests := map[string]any{
		"Open_vSwitch": []any{map[string]any{"columns": []string{"bridges", "external_ids", "datapath_types", "ovs_version"}}},
		"Bridge":       []any{map[string]any{"columns": []string{"name", "ports", "controller", "fail_mode", "protocols", "external_ids"}}},
		"Port":         []any{map[string]any{"columns": []string{"name", "interfaces", "tag", "external_ids"}}},
		"Interface":    []any{map[string]any{"columns": []string{"name", "type", "ofport", "mac_in_use", "external_ids", "link_state", "error"}}},
		"Controller":   []any{map[string]any{"columns": []string{"target", "is_connected", "inactivity_probe"}}},
	}
	zero := "00000000-0000-0000-0000-000000000000"
	bad := map[string]any{"Bridge": []any{map[string]any{"columns": []string{"nme"}}}}
	return [][]any{
		{"monitor", "Open_vSwitch", "one", requests},
		{"monitor_cond", "Open_vSwitch", "two", requests},
		{"monitor_cond_since", "Open_vSwitch", "three", requests, zero},
		{"monitor", "Open_vSwitch", "bad", bad},
		{"monitor", "No_such_DB", "bad", requests},
		{"transact", "No_such_DB"},
		{"echo", "a", 1},
		{"no_such_method"},
	}
}()

// A talk is a bare JSON-RPC connection and the names of the rows it has seen.
type talk struct {
	nc    net.Conn
	dec   *json.Decoder
	names map[string]string // UUID to name
}

func newTalk(t *testing.T, w *world) *talk {
	nc, err := net.Dial("unix", strings.TrimPrefix(w.unix, "unix:"))
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	k := &talk{nc, json.NewDecoder(nc), map[string]string{}}
	reply, _ := k.roundTrip(t, "transact", "Open_vSwitch", json.RawMessage(
		`{"op":"select","table":"Open_vSwitch","where":[],"columns":["_uuid"]}`))
	row := reply["result"].([]any)[0].(map[string]any)["rows"].([]any)[0].(map[string]any)
	k.names[row["_uuid"].([]any)[1].(string)] = "$root"
	return k
}

// roundTrip returns the reply and the notifications that came before it.
func (k *talk) roundTrip(t *testing.T, method string, params ...any) (reply map[string]any, notes []any) {
	if params == nil {
		params = []any{}
	}
	require.NoError(t, json.NewEncoder(k.nc).Encode(map[string]any{"method": method, "params": params, "id": 1}))
	for {
		var m map[string]any
		require.NoError(t, k.dec.Decode(&m))
		if m["method"] == nil {
			return m, notes
		}
		notes = append(notes, m)
	}
}

func (k *talk) call(t *testing.T, call ...any) string {
	reply, notes := k.roundTrip(t, call[0].(string), call[1:]...)
	return k.canonical(t, reply, notes)
}

// transact runs a line of the script, the nth.
func (k *talk) transact(t *testing.T, n int, line string) string {
	for id, name := range k.names {
		line = strings.ReplaceAll(line, `"`+name+`"`, `"`+id+`"`)
	}
	params := []any{"Open_vSwitch"}
	var ops []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(line), &ops), "%s", line)
	for _, op := range ops {
		params = append(params, op)
	}
	reply, notes := k.roundTrip(t, "transact", params...)
	results, _ := reply["result"].([]any)
	for i, result := range results {
		if m, ok := result.(map[string]any); ok && m["uuid"] != nil {
			k.names[m["uuid"].([]any)[1].(string)] = fmt.Sprintf("$%d.%d", n, i)
		}
	}
	return k.canonical(t, reply, notes)
}

// canonical renders messages with names for UUIDs, sets in order and without the prose
// of errors; notifications of one change are in the order of their monitors.
func (k *talk) canonical(t *testing.T, reply map[string]any, notes []any) string {
	slices.SortFunc(notes, func(a, b any) int {
		return strings.Compare(a.(map[string]any)["method"].(string), b.(map[string]any)["method"].(string))
	})
	if reply["result"] == nil {
		delete(reply, "result") // null or absent, as the version likes
	}
	if reply["error"] == nil {
		delete(reply, "error")
	}
	text, err := json.MarshalIndent(k.tidy(map[string]any{"reply": reply, "notes": notes}), "", " ")
	require.NoError(t, err)
	return string(text)
}

func (k *talk) tidy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, refused := v["error"].(string); refused {
			delete(v, "details")
			delete(v, "syntax")
		}
		for key, value := range maps.Clone(v) {
			delete(v, key)
			if name, ok := k.names[key]; ok {
				key = name
			}
			v[key] = k.tidy(value)
			if list, ok := value.([]any); ok && key == "rows" {
				k.sort(list)
			}
		}
	case []any:
		for i := range v {
			v[i] = k.tidy(v[i])
		}
		if len(v) == 2 && (v[0] == "set" || v[0] == "map") {
			k.sort(v[1].([]any))
		}
	case string:
		if name, ok := k.names[v]; ok {
			return name
		}
	}
	return v
}

func (k *talk) sort(list []any) {
	slices.SortFunc(list, func(a, b any) int {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return strings.Compare(string(x), string(y))
	})
}
