package ovsdb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoffDelay(t *testing.T) {
	b := Backoff{Min: time.Second, Max: 5 * time.Second, Random: func() float64 { return 0 }}.withDefaults()
	var low, high []time.Duration
	for n := 1; n <= 5; n++ {
		low = append(low, b.delay(n))
	}
	b.Random = func() float64 { return 0.999999999999 }
	for n := 1; n <= 5; n++ {
		high = append(high, b.delay(n).Round(time.Millisecond))
	}
	require.Equal(t, []time.Duration{500e6, 1000e6, 2000e6, 2500e6, 2500e6}, low)
	require.Equal(t, []time.Duration{1000e6, 2000e6, 4000e6, 5000e6, 5000e6}, high)
	require.Positive(t, b.delay(1<<30), "no overflow")
}

func TestBackoffDefaults(t *testing.T) {
	b := Backoff{}.withDefaults()
	require.Equal(t, time.Second, b.Min)
	require.Equal(t, 8*time.Second, b.Max)
	require.NotNil(t, b.Random)
	require.NotNil(t, b.Sleep)
	require.Equal(t, time.Minute, Backoff{Min: time.Minute}.withDefaults().Max, "Max is never below Min")
}
