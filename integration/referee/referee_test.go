package referee

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	worlds    = flag.Int("worlds", 50, "how many random worlds the referee makes")
	questions = flag.Int("questions", 60, "how many questions it asks about each")
	seed      = flag.Uint64("seed", 0, "the seed of the first world")
	switches  = flag.Int("switches", 2, "how many real switches run side by side")
)

// TestReferee holds the fake switch and the real switch's ofproto/trace against policy.Decide.
func TestReferee(t *testing.T) {
	out := Run{Worlds: *worlds, Questions: *questions, First: *seed, Switches: *switches}.Do(t)
	if out.Found != nil {
		t.Fatal(out.Found)
	}
	t.Logf("%d worlds from seed %d on, %d questions, %d answered with yes; %d packets through the fake switch (%d passed), %d traced by the real one (%d passed)\n%s",
		*worlds, *seed, out.Asked, out.Allowed, out.Fake.Packets, out.Fake.Passed, out.Real.Packets, out.Real.Passed, &out.Coverage)
	if out.Asked >= 50_000 { // What fewer are about is chance.
		require.Empty(t, out.Coverage.Missing(), "the questions have become weak")
		require.Greater(t, out.Allowed, out.Asked/4, "the questions have become too easy to refuse")
		require.Less(t, out.Allowed, out.Asked*3/4, "the questions have become too easy to allow")
	}
}
