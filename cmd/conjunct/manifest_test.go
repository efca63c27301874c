package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // LINE JSON of each document
		wrong      string
	}{
		{"nothing", "", nil, ""},
		{"only comments", "# a\n---\n# b\n---\n", nil, ""},
		{"one", "a: 1\n", []string{`1 {"a":1}`}, ""},
		{"two, with comments before", "# c\na: 1\n---\n\n# d\nb: 2\n", []string{`2 {"a":1}`, `6 {"b":2}`}, ""},
		{"a marker first", "---\na: 1\n", []string{`2 {"a":1}`}, ""},
		{"a document on the marker's line", "--- {a: 1}\n--- {b: 2}", []string{`1 {"a":1}`, `2 {"b":2}`}, ""},
		{"an end and a document without a beginning", "a: 1\n...\nb: 2\n", []string{`1 {"a":1}`, `3 {"b":2}`}, ""},
		{"an end before a beginning", "a: 1\n... # so\n---\nb: 2\n...\n", []string{`1 {"a":1}`, `4 {"b":2}`}, ""},
		{"a directive", "%YAML 1.2\n---\na: 1\n", nil, "f:1: yaml: found incompatible YAML document"},
		{"a marker that is none", "a: |\n  ---\n  b\n", []string{`1 {"a":"---\nb\n"}`}, ""},
		{"a word that begins like a marker", "---a: 1\n", []string{`1 {"---a":1}`}, ""},
		{"DOS ends of lines", "a: 1\r\n---\r\nb: 2\r\n", []string{`1 {"a":1}`, `3 {"b":2}`}, ""},
		{"a byte order mark", "\ufeffa: 1\n", []string{`1 {"a":1}`}, ""},
		{"JSON", "{\"a\": [1, null]}\n", []string{`1 {"a":[1,null]}`}, ""},
		{"no object", "just words\n", []string{`1 "just words"`}, ""},
		{"a key twice", "a: 1\n---\nb: 1\nb: 2\n", nil, `f:3: yaml: unmarshal errors:
  line 4: key "b" already set in map`},
		{"an open brace", "a: 1\n---\n\nb: {c: 1\n", nil, "f:4: yaml: line 4: did not find expected ',' or '}'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs, err := split("f", []byte(c.text))
			if c.wrong != "" {
				require.EqualError(t, err, c.wrong)
				return
			}
			require.NoError(t, err)
			var got []string
			for _, d := range docs {
				require.Equal(t, "f", d.file)
				got = append(got, fmt.Sprintf("%d %s", d.line, d.json))
			}
			require.Equal(t, c.want, got)
		})
	}
}

// FuzzSplit holds that whatever is taken is JSON, from a line that the text has.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a: 1\n---\nb: 2\n", "--- |\n x\n", "%YAML 1.2\n---\na: &x 1\nb: *x\n", "{\"a\": 1}", "---\r\n..."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		docs, _ := split("f", []byte(text)) // What is wrong is left out.
		for _, d := range docs {
			require.True(t, json.Valid(d.json))
			require.LessOrEqual(t, d.line, 1+strings.Count(text, "\n"))
			require.Positive(t, d.line)
		}
	})
}
