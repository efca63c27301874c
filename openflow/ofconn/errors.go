package ofconn

import (
	"errors"
	"fmt"
	"strings"

	"conjunct/openflow"
)

// Why a connection or a call ended.
var (
	ErrClosed        = errors.New("connection closed")
	ErrSilent        = errors.New("no answer to echo request")
	ErrEventOverflow = errors.New("unasked messages are not taken: queue full")
	ErrStalled       = errors.New("replies are not taken in time")
	ErrUnexpected    = errors.New("unexpected reply")
)

// A VersionError says that the switch does not speak OpenFlow 1.5.
type VersionError struct {
	Versions uint32 // that the switch speaks: bit n for version n of the wire
}

// Error names the versions that the switch speaks, and what to do.
func (e *VersionError) Error() string {
	names := map[int]string{1: "1.0", 2: "1.1", 3: "1.2", 4: "1.3", 5: "1.4", 6: "1.5"}
	var speaks []string
	for v := range 32 {
		if e.Versions&(1<<v) == 0 {
			continue
		}
		if name := names[v]; name != "" {
			speaks = append(speaks, name)
		} else {
			speaks = append(speaks, fmt.Sprintf("version %d", v))
		}
	}
	return fmt.Sprintf("switch speaks OpenFlow %s, not 1.5 (set bridge protocols=OpenFlow15)", strings.Join(speaks, ", "))
}

// Unwrap returns the code that the switch was told.
func (e *VersionError) Unwrap() error { return openflow.ErrHelloIncompatible }
