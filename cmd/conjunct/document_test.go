package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"conjunct/policy"
)

// TestTextsSurviveYAML writes texts as the manifests do and reads them as apply does.
func TestTextsSurviveYAML(t *testing.T) {
	survives := func(t require.TestingT, s string) {
		var out bytes.Buffer
		require.NoError(t, (&session{stdout: &out}).encode([]*node{mapping("key", text(s))}))
		docs, err := split("f", out.Bytes())
		require.NoError(t, err, out.String())
		require.Len(t, docs, 1, out.String())
		var got map[string]string
		require.NoError(t, json.Unmarshal(docs[0].json, &got), out.String())
		require.Equal(t, map[string]string{"key": s}, got, out.String())
	}
	for _, s := range []string{
		"", " ", "a", "on", "off", "y", "N", "yes", "null", "~", "true", "1", "1.0", "1e3", "0x1f", "0o17", "017", "12:30:45", "2024-01-01",
		"=", "<<", "- a", "a: b", "a:", "# a", "a # b", "'", `"`, "|", ">", "&a", "*a", "!a", "%a", "@a", "`a", "{", "[", "a\nb", "a\n", "\na",
		" a", "a ", "\t", "a\tb", "---", "--- a", "...", "\u00e9", "\u2028", "\ufeff", "fa:16:3e:00:00:01", "2001:db8::1", "::",
	} {
		survives(t, s)
	}
	rapid.Check(t, func(t *rapid.T) { survives(t, rapid.StringMatching(`[ -~\n\té☃]{0,20}`).Draw(t, "text")) })
}

func TestGeneratedIDs(t *testing.T) {
	for _, k := range policy.Kinds() {
		require.True(t, generated(k, policy.NewID(k)), k)
		for _, id := range []string{"web", k.Prefix(), k.Prefix() + "-1", policy.NewID(k) + "0"} {
			require.False(t, generated(k, id), id)
		}
	}
}
