package ovsdb

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddresses(t *testing.T) {
	for _, s := range []string{"tcp:127.0.0.1:6640", "ssl:hv1.example:6640", "tcp:[::1]:6640", "unix:/run/db.sock", "tcp::6640"} {
		a, err := ParseAddress(s)
		require.NoError(t, err)
		require.Equal(t, s, a.String())
	}
	for _, s := range []string{"", "tcp", "tcp:", "tcp:127.0.0.1", "tcp:::1:6640", "http:a:80", "127.0.0.1:6640", "unix:"} {
		_, err := ParseAddress(s)
		require.Error(t, err, "%q", s)
	}
}

func TestSSLNeedsConfiguration(t *testing.T) {
	_, err := DialConn(t.Context(), "ssl:127.0.0.1:1", Options{})
	require.ErrorIs(t, err, errNoTLS)
	_, err = DialConn(t.Context(), "ssl:127.0.0.1:1", Options{TLS: &tls.Config{}})
	require.ErrorIs(t, err, errNoRoots, "any certificate of the web would do")
	_, err = Listen("ssl:127.0.0.1:0", Options{})
	require.ErrorIs(t, err, errNoTLS)
	_, err = Listen("tcp:127.0.0.1", Options{})
	require.Error(t, err)
	_, err = Dial(t.Context(), "nonsense", Options{})
	require.Error(t, err)
}
