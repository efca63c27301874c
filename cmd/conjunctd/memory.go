package main

import (
	"os"
	"runtime/debug"
)

// garbage is how much garbage may be in memory before it is collected, in percent of what is in use. With the runtime's own 100, a
// large installation has twice the memory that it needs; what it costs is a few percent of the processor time.
const garbage = 50

// limitGarbage leaves it to the environment where that says something (GOGC; GOMEMLIMIT counts besides).
func limitGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
