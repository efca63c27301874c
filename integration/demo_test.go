package integration

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// TestDemo runs what `make demo` runs, in both of its forms. The demo itself measures and fails on what is not as expected.
func TestDemo(t *testing.T) {
	if err := lab.Usable(); err != nil {
		t.Skip(err)
	}
	for name, args := range map[string][]string{"the four tiers": nil, "the five profiles": {"-profiles"}} {
		t.Run(name, func(t *testing.T) {
			args = append(args, "-daemon", daemon, "-client", client, "-examples", "../examples")
			out, err := exec.CommandContext(t.Context(), demo, args...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "Everything was as expected.")
			require.NotContains(t, string(out), "NOT AS EXPECTED")
		})
	}
}
