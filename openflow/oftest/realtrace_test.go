package oftest_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	. "conjunct/openflow/ofeval"
	"conjunct/openflow/oftest/real"
)

// A step is a look-up in a table: which flow, or none, was hit.
type step struct {
	table  uint8
	cookie uint64 // 0: none
}

// stepLine finds the look-ups in the text of ofproto/trace: " 0. ip, priority 10, cookie 0x5" and " 0. No match."
var stepLine = regexp.MustCompile(`^ *([0-9]+)\. (No match|.*?priority [0-9]+|priority [0-9]+)(?:, cookie 0x([0-9a-f]+))?`)

// realTrace asks a real switch where a packet would go.
func realTrace(t testing.TB, o *real.OVS, packet string, options ...string) []step {
	t.Helper()
	text, err := o.Appctl("ofproto/trace", append(options, "br0", packet)...)
	require.NoError(t, err, packet)
	return parseTrace(t, text)
}

func parseTrace(t testing.TB, text string) []step {
	t.Helper()
	var steps []step
	for _, line := range strings.Split(text, "\n") {
		m := stepLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		table, err := strconv.ParseUint(m[1], 10, 8)
		require.NoError(t, err)
		s := step{table: uint8(table)}
		if m[3] != "" {
			s.cookie, err = strconv.ParseUint(m[3], 16, 64)
			require.NoError(t, err)
		}
		steps = append(steps, s)
	}
	require.NotEmpty(t, steps, text)
	return steps
}

// stepsOf are the look-ups of a Journey.
func stepsOf(j Journey) []step {
	var steps []step
	for _, s := range j.Steps {
		one := step{table: s.Table}
		if s.Hit {
			one.cookie = s.Flow.Cookie
		}
		steps = append(steps, one)
	}
	return steps
}
