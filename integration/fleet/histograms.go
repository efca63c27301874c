package main

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
)

// histograms reads where the time of changes goes: quantiles of conjunct_change_seconds by stage, from its buckets.
func (r *run) histograms(ctx context.Context) error {
	m, err := r.daemon.metrics(ctx)
	if err != nil {
		return err
	}
	r.report.Stages = nil
	for _, stage := range []string{"durable", "modelled", "taken", "computed", "sent", "confirmed"} {
		q := func(p float64) float64 { return 1000 * bucketQuantile(m, "conjunct_change_seconds", stage, p) }
		r.report.Stages = append(r.report.Stages, Quantiles{Name: stage, P50: q(0.5), P90: q(0.9), P99: q(0.99), Max: q(1)})
	}
	return nil
}

// bucketQuantile is the upper bound of the bucket that the quantile falls into; 0 when nothing was observed.
func bucketQuantile(m map[string]float64, name, stage string, p float64) float64 {
	type bucket struct{ bound, count float64 }
	var buckets []bucket
	prefix := name + `_bucket{stage="` + stage + `",le="`
	for key, count := range m {
		if bound, ok := strings.CutPrefix(key, prefix); ok {
			if b, err := strconv.ParseFloat(strings.TrimSuffix(bound, `"}`), 64); err == nil {
				buckets = append(buckets, bucket{b, count})
			}
		}
	}
	if len(buckets) == 0 {
		return 0
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return int(math.Copysign(1, a.bound-b.bound)) })
	total := buckets[len(buckets)-1].count
	for _, b := range buckets {
		if total > 0 && b.count >= p*total && !math.IsInf(b.bound, 1) {
			return b.bound
		}
	}
	return 0
}
