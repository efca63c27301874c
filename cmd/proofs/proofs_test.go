package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stream is what `go test -json` would write for these results: "pass pkg Test/sub".
func stream(t *testing.T, results ...string) string {
	var out strings.Builder
	for _, r := range results {
		words := strings.SplitN(r, " ", 3)
		e := event{Action: words[0], Package: "conjunct/" + words[1]}
		if len(words) > 2 {
			e.Test = words[2]
			b, err := json.Marshal(event{Action: "output", Package: e.Package, Test: e.Test, Output: "said by " + e.Test + "\n"})
			require.NoError(t, err)
			out.Write(append(b, '\n'))
		}
		b, err := json.Marshal(e)
		require.NoError(t, err)
		out.Write(append(b, '\n'))
	}
	return out.String()
}

func ran(t *testing.T, results ...string) *outcomes {
	o, err := follow(strings.NewReader(stream(t, results...)), &strings.Builder{})
	require.NoError(t, err)
	return o
}

func TestNamesBearNumbers(t *testing.T) {
	for test, want := range map[string]map[string]string{
		"TestA009_A010_FirstRule":               {"A-009": "TestA009_A010_FirstRule", "A-010": "TestA009_A010_FirstRule"},
		"TestTraffic/A-017_A-018_tcp_alone/udp": {"A-017": "TestTraffic/A-017_A-018_tcp_alone", "A-018": "TestTraffic/A-017_A-018_tcp_alone"},
		"TestA036_Members/A-036_again":          {"A-036": "TestA036_Members"},
		"TestTraffic/A-0171":                    {},
		"TestDATA123":                           {},
		"TestTraffic":                           {},
	} {
		require.Equal(t, want, bears(test), test)
	}
}

func TestDocumentIsReadBack(t *testing.T) {
	found := ran(t, "pass policy TestA001_X", "pass api TestY/A-001_with_words", "pass api").proofs(nil)
	table := []requirement{{number: "A-001", subject: "s", text: "a | b"}, {number: "A-002", subject: "s", text: "c", reason: "the console's"}}
	require.Empty(t, unexplained(table, found))
	text := document(table, found)
	require.Contains(t, text, "1 of 2 requirements")
	require.Contains(t, text, "| A-002 | c | the console's |")
	require.Equal(t, found, parseDocument(text))
	require.Equal(t, proofs{"A-001": {"api TestY/A-001 with words", "policy TestA001_X"}}, found)
}

func TestALostTestIsFound(t *testing.T) {
	listed := ran(t, "pass lab TestT/A-001_x", "pass lab TestA002_Y").proofs(nil)
	table := []requirement{{number: "A-001"}, {number: "A-002"}}
	for name, c := range map[string]struct {
		results []string
		want    []string
	}{
		"all there":    {[]string{"pass lab TestT/A-001_x", "pass lab TestA002_Y"}, nil},
		"skipped here": {[]string{"skip lab TestT", "pass lab TestA002_Y"}, nil},
		"gone":         {[]string{"pass lab TestA002_Y"}, []string{"A-001 has no test", `A-001: no test of the run is "lab TestT/A-001 x"`}},
		"renamed":      {[]string{"pass lab TestT/A-001_z", "pass lab TestA002_Y"}, []string{`no test of the run is "lab TestT/A-001 x"`, `does not list "lab TestT/A-001 z"`}},
		"no such one":  {[]string{"pass lab TestT/A-001_x", "pass lab TestA002_A003_Y"}, []string{"A-003, which is no requirement"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := ran(t, c.results...).proofs(listed)
			var said strings.Builder
			for _, err := range append(unexplained(table, found), differences(listed, found)...) {
				said.WriteString(err.Error() + "\n")
			}
			for _, want := range c.want {
				require.Contains(t, said.String(), want)
			}
			if c.want == nil {
				require.Empty(t, said.String())
			}
		})
	}
	require.ErrorContains(t, unexplained([]requirement{{number: "A-001", reason: "none"}, {number: "A-002"}}, listed)[0], "take the reason")
}

func TestFailuresAreShown(t *testing.T) {
	var out strings.Builder
	o, err := follow(strings.NewReader(stream(t, "pass a TestGood", "fail a TestBad", "fail a")), &out)
	require.NoError(t, err)
	require.Equal(t, 1, o.failed)
	require.Equal(t, "said by TestBad\n", out.String())
	_, err = follow(strings.NewReader("go: cannot find main module\n"), &out)
	require.ErrorContains(t, err, "no test ran")
	require.Contains(t, out.String(), "cannot find main module")
}
