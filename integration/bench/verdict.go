package main

// Verdict is a target with what was measured.
type Verdict struct {
	Target
	Value   *float64 `json:"value"` // null: not measured
	Outcome Outcome  `json:"outcome"`
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
		v := Verdict{Target: t, Outcome: Unmeasured}
		if value, ok := r.Measured[t.Benchmark][t.Metric]; ok {
			v.Value, v.Outcome = &value, Missed
			if t.allows(value) {
				v.Outcome = Met
			}
		}
		r.Verdicts = append(r.Verdicts, v)
	}
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
