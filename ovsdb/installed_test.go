package ovsdb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInstalledText(t *testing.T) {
	mark := Installed{Revision: 42, OFPort: 7, MAC: "02:00:00:00:00:01"}
	require.Equal(t, "42 7 02:00:00:00:00:01", mark.String())
	again, err := ParseInstalled(mark.String())
	require.NoError(t, err)
	require.Equal(t, mark, again)
	for _, bad := range []string{"", "42", "42 7", "x 7 m", "42 x m", "-1 7 m", "42  7 m", "42 7 m n"} {
		_, err := ParseInstalled(bad)
		require.Error(t, err, "%q", bad)
	}
}
