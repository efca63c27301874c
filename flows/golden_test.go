package flows

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestGolden_Tiers is the worked example of four tiers as a whole: what the bridge of a host with all four VMs holds, in the
// switch's own syntax. Read the difference before committing another.
func TestGolden_Tiers(t *testing.T) {
	w, v, ofports := tiers()
	var b strings.Builder
	for _, f := range Compile(w.Snapshot, v, ofports, []uint16{9}) {
		b.WriteString(f.String() + "\n")
	}
	const file = "testdata/tiers.flows"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}
