// Command bench judges measurements: it reads the output of `go test -bench`, and reports of integration/fleet, holds them against
// the table of targets, and writes the documents under docs/.
//
//	bench [-fleet report.json] [-curve curve.json] [-docs docs] [FILE...]
//
// Without a FILE it reads standard input. It prints a table and writes
//
//	docs/performance/results.json      all that was measured, and the verdicts
//	docs/performance/cost-curves.svg   the cost of one change over hosts and addresses, where -curve is given
//	docs/performance.md                the table, between its markers
//
// A target that is missed is said loudly, but the exit status is 0: times on shared machines vary, and a ratio that is missed once
// is a reason to look, not to stop. It is 1 when something cannot be read or written, or when nothing was measured.
package main
