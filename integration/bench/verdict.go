package main

// Verdict is a target with what was measured.
type Verdict struct {
	Target
	Value       *float64 `json:"value"` // null: not measured
	OursValue   *float64 `json:"ours_value,omitempty"`
	TheirsValue *float64 `json:"theirs_value,omitempty"`
	Outcome     Outcome  `json:"outcome"`
}

// Outcome is how a measurement relates to its target.
type Outcome string

const (
	Met        Outcome = "met"
	Missed     Outcome = "MISSED"
	Unmeasured Outcome = "not measured"
)

// judge holds what was measured against targets.
func (r *Results) judge(targets []Target) {
	r.Verdicts = nil
	for _, t := range targets {
		m := r.Measured[t.Benchmark]
		v := Verdict{Target: t, Value: m.get(t.Metric), OursValue: m.get(t.Ours), TheirsValue: m.get(t.Theirs), Outcome: Unmeasured}
		if v.Value != nil {
			v.Outcome = Missed
			if t.allows(*v.Value) {
				v.Outcome = Met
			}
		}
		r.Verdicts = append(r.Verdicts, v)
	}
}

// get is nil for what was not measured.
func (m Metrics) get(unit string) *float64 {
	if value, ok := m[unit]; ok {
		return &value
	}
	return nil
}

// allows is false for what is no number.
func (t Target) allows(value float64) bool {
	if t.Bound == AtLeast {
		return value >= t.Limit
	}
	return value <= t.Limit
}

func (r *Results) count(o Outcome) (n int) {
	for _, v := range r.Verdicts {
		if v.Outcome == o {
			n++
		}
	}
	return n
}
