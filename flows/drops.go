package flows

import "conjunct/openflow"

// dropPlace is where a flow of the pipeline drops packets for want of anything better to do.
type dropPlace struct {
	table    uint8
	priority uint16
}

// dropReasons says why, in words for metrics. What platform rules refuse on the way in is counted by their own flows.
var dropReasons = map[dropPlace]string{
	{TableClassify, priorityDrop}:       "unknown-port",
	{TableAntiSpoof, priorityDrop}:      "spoofed",
	{TableSenderJudge, priorityInvalid}: "invalid",
	{TableRecvJudge, priorityInvalid}:   "invalid",
	{TableSenderDone, priorityDrop}:     "no-rule",
	{TableRecvDone, priorityDrop}:       "no-rule",
	{TableDestination, priorityDrop}:    "no-destination",
}

// refusedReasons are those of what was refused, by the bit of the verdict.
var refusedReasons = map[uint64]string{VerdictPlatformDrop: "platform-rule", VerdictOrderedDrop: "drop-rule"}

// DropTables are the tables with flows that DropReason knows.
var DropTables = []uint8{TableClassify, TableAntiSpoof, TableSenderJudge, TableSenderDone, TableDestination, TableRecvJudge, TableRecvDone}

// DropReasons are the words of DropReason.
var DropReasons = []string{"unknown-port", "spoofed", "invalid", "no-rule", "no-destination", "platform-rule", "drop-rule"}

// DropReason says, in a word, why a flow of the pipeline drops packets; false for flows that don't.
func DropReason(f *openflow.Flow) (reason string, ok bool) {
	if kind, _, ours := ParseCookie(f.Cookie); !ours || kind != CookiePipeline || f.Goto != 0 || len(f.Actions) > 0 {
		return "", false
	}
	if f.Priority == priorityRefused && (f.Table == TableSenderDone || f.Table == TableRecvDone) {
		bits, _, _ := f.Match.Get(RegVerdict)
		reason, ok = refusedReasons[bits.Uint64()]
		return reason, ok
	}
	reason, ok = dropReasons[dropPlace{f.Table, f.Priority}]
	return reason, ok
}
