package ovsdb

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

var someUUID = UUID{0x36, 0xbe, 0xf0, 0x46, 0x7d, 0xa7, 0x43, 0xa5, 0x90, 0x5c, 0xc1, 0x78, 0x99, 0x21, 0x6f, 0xcb}

const someUUIDText = "36bef046-7da7-43a5-905c-c17899216fcb"

// Each value, and the one text it is written as (RFC 7047 section 5.1).
var values = []struct {
	text  string
	value Value
}{
	{`"br-int"`, String("br-int")},
	{`""`, String("")},
	{`"ü\t\"\\"`, String("ü\t\"\\")},
	{`0`, Integer(0)},
	{`-9223372036854775808`, Integer(math.MinInt64)},
	{`9223372036854775807`, Integer(math.MaxInt64)},
	{`1.5`, Real(1.5)},
	{`9223372036854775808`, Real(1 << 63)},
	{`true`, Boolean(true)},
	{`["uuid","` + someUUIDText + `"]`, someUUID},
	{`["named-uuid","row_1"]`, NamedUUID("row_1")},
	{`["set",[]]`, Set{}},
	{`["set",["a","b"]]`, Set{String("a"), String("b")}},
	{`["set",[["uuid","` + someUUIDText + `"]]]`, Set{someUUID}},
	{`["map",[]]`, Map{}},
	{`["map",[["k","v"],["l",""]]]`, Map{{String("k"), String("v")}, {String("l"), String("")}}},
	{`["map",[[7,["uuid","` + someUUIDText + `"]]]]`, Map{{Integer(7), someUUID}}},
}

func TestValues(t *testing.T) {
	for _, tt := range values {
		t.Run(tt.text, func(t *testing.T) {
			v, err := DecodeValue([]byte(tt.text))
			require.NoError(t, err)
			require.Equal(t, tt.value, v)
			text, err := json.Marshal(v)
			require.NoError(t, err)
			require.JSONEq(t, tt.text, string(text))
		})
	}
}

// A whole number is an Integer however it is written.
func TestWholeNumbers(t *testing.T) {
	for text, want := range map[string]Integer{"1.0": 1, "1e3": 1000, "-0.0": 0, "-0": 0, "-2.50e1": -25} {
		v, err := DecodeValue([]byte(text))
		require.NoError(t, err)
		require.Equal(t, want, v, text)
	}
}

func TestValuesRefused(t *testing.T) {
	for _, text := range []string{
		``, `null`, `{}`, `{"uuid":"x"}`, `"a" "b"`, `"a",`, `tru`, `NaN`, `1e999`,
		`[]`, `["set"]`, `["set",[],[]]`, `["bag",[]]`, `[1,[]]`, `[null,null]`,
		`["set","a"]`, `["set",null]`, `["set",{}]`, `["set",[null]]`, `["set",[["set",[]]]]`, `["set",["a","a"]]`,
		`["map",[["k"]]]`, `["map",["k","v"]]`, `["map",[["k","v","w"]]]`, `["map",{"k":"v"}]`, `["map",[[["map",[]],1]]]`,
		`["map",[["k",null]]]`, `["map",[["k","v"],["k","w"]]]`,
		`["uuid",1]`, `["uuid",""]`, `["uuid","36bef046"]`, `["uuid","36bef046-7da7-43a5-905c-c17899216fcg"]`,
		`["uuid","36bef0467-da7-43a5-905c-c17899216fcb"]`, `["uuid","36bef046-7da7-43a5-905c-c17899216fcb0"]`,
		`["named-uuid",""]`, `["named-uuid","0a"]`, `["named-uuid","a-b"]`, `["named-uuid",7]`,
		"\"zero \\u0000 byte\"",
	} {
		t.Run(text, func(t *testing.T) {
			v, err := DecodeValue([]byte(text))
			require.Error(t, err, "%v", v)
			require.Nil(t, v)
		})
	}
}

func TestRealIsFinite(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := json.Marshal(Real(f))
		require.Error(t, err)
	}
}

func TestRow(t *testing.T) {
	var row Row
	require.NoError(t, json.Unmarshal([]byte(`{"name":"br0","ports":["set",[]],"tag":7}`), &row))
	require.Equal(t, Row{"name": String("br0"), "ports": Set{}, "tag": Integer(7)}, row)
	text, err := json.Marshal(row)
	require.NoError(t, err)
	require.Equal(t, `{"name":"br0","ports":["set",[]],"tag":7}`, string(text))

	for _, bad := range []string{`[]`, `"x"`, `{"name":null}`, `{"name":["set"]}`} {
		require.Error(t, json.Unmarshal([]byte(bad), &row), "%s", bad)
	}
	require.Error(t, (&row).UnmarshalJSON([]byte(`null`)))
}

func TestConstructors(t *testing.T) {
	require.Equal(t, Set{String("b"), String("a")}, Strings("b", "a"))
	require.Equal(t, Set{someUUID}, UUIDs(someUUID))
	require.Equal(t, Map{{String("a"), String("1")}, {String("b"), String("2")}}, StringMap(map[string]string{"b": "2", "a": "1"}))
	set, ok := SetOf(String("x"))
	require.True(t, ok)
	require.Equal(t, Set{String("x")}, set)
	_, ok = SetOf(Map{})
	require.False(t, ok)
}

func TestUUID(t *testing.T) {
	u, err := ParseUUID(someUUIDText)
	require.NoError(t, err)
	require.Equal(t, someUUID, u)
	require.Equal(t, someUUIDText, u.String())
	require.False(t, u.IsZero())
	require.True(t, UUID{}.IsZero())
	upper, err := ParseUUID("36BEF046-7DA7-43A5-905C-C17899216FCB")
	require.NoError(t, err)
	require.Equal(t, u, upper)
}

// What was read can be written, and reads as the same again.
func FuzzDecodeValue(f *testing.F) {
	for _, tt := range values {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte("-0.0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeValue(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		again, err := DecodeValue(text)
		require.NoError(t, err, "%s", text)
		require.Equal(t, v, again)
	})
}
