package ovsdb

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

var threeOps = []Op{Insert{Table: "Port"}, Update{Table: "Bridge"}, Select{Table: "Interface"}}

func TestDecodeResults(t *testing.T) {
	results, err := DecodeResults([]byte(`[{"uuid":["uuid","`+someUUIDText+`"]},{"count":2},{"rows":[{"name":"a"}]}]`), threeOps)
	require.NoError(t, err)
	require.Equal(t, []Result{{UUID: someUUID}, {Count: 2}, {Rows: []Row{{"name": String("a")}}}}, results)
}

// A refusal names the operation and table that it is about.
func TestDecodeResultsRefusal(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		guard            bool
	}{
		{"first", `[{"error":"constraint violation","details":"d"},null,null]`,
			"ovsdb: insert Port (operation 0): constraint violation: d", false},
		{"second", `[{"uuid":["uuid","` + someUUIDText + `"]},{"error":"domain error"},null]`,
			"ovsdb: update Bridge (operation 1): domain error", false},
		{"commit", `[{"uuid":["uuid","` + someUUIDText + `"]},{"count":2},{"rows":[]},{"error":"referential integrity violation","details":"d"}]`,
			"ovsdb: commit: referential integrity violation: d", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeResults([]byte(tt.text), threeOps)
			require.EqualError(t, err, tt.want)
			require.False(t, IsGuardFailed(err))
		})
	}
	_, err := DecodeResults([]byte(`[{"error":"timed out"}]`), []Op{Wait{Table: "Bridge"}})
	require.True(t, IsGuardFailed(err))
	require.True(t, IsKind(err, KindTimedOut))
	require.False(t, IsKind(nil, KindTimedOut))
}

func TestDecodeResultsMalformed(t *testing.T) {
	for _, text := range []string{
		``, `null`, `{}`, `7`, `[]`, `[{},{}]`, `[1,2,3]`, `[null,null,null]`, `[{"error":7},null,null]`,
		`[{"uuid":"x"},{"count":1},{"rows":[]}]`, `[{},{"count":1},{"rows":[]}]`,
		`[{"uuid":["uuid","` + someUUIDText + `"]},{"count":"x"},{"rows":[]}]`,
		`[{"uuid":["uuid","` + someUUIDText + `"]},{"count":1},{"rows":[{"name":null}]}]`,
		`[{"uuid":["uuid","` + someUUIDText + `"]},{"count":1},null]`,
		`[{"uuid":["uuid","` + someUUIDText + `"]},{"count":1},{"rows":[]},{}]`,
	} {
		results, err := DecodeResults([]byte(text), threeOps)
		require.ErrorIs(t, err, errFrame, "%s", text)
		require.Nil(t, results)
	}
}

func FuzzDecodeResults(f *testing.F) {
	f.Add([]byte(`[{"uuid":["uuid","` + someUUIDText + `"]},{"count":2},{"rows":[{"name":"a"}]}]`))
	f.Add([]byte(`[{"error":"constraint violation","details":"d"},null,null]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		results, err := DecodeResults(data, threeOps)
		if err == nil {
			require.Len(t, results, len(threeOps))
			_, err := json.Marshal(results[2].Rows)
			require.NoError(t, err)
		}
	})
}
