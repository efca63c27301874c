package main

import (
	"os"
	"runtime/debug"
)

// How much garbage may be in memory before it is collected, in percent of what is in use. With the runtime's own 100, a large installation
// has twice the memory that it needs; what it costs is a few percent of the processor time. While the store is opened little is in use yet, and
// three times that is still less than later.
const (
	garbage        = 50
	openingGarbage = 200
)

// limitGarbage leaves it to the environment where that says something (GOGC; GOMEMLIMIT counts besides).
func limitGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
