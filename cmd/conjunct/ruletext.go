package main

import "conjunct/policy"

// ruleText writes a rule in the compact form that parseRule reads, with names in place of ids.
func (n *names) ruleText(r *policy.Rule) string { return policy.RuleText(r, n.label) }
