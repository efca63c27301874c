package openflow

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ParseFlow reads a flow in the syntax of ovs-ofctl: a line for add-flow, or a line of dump-flows, whose counts it leaves out.
// Table is 0 and Priority DefaultPriority where they are not named. The flow passes Check.
func ParseFlow(s string) (Flow, error) {
	f, err := ParseFlowStats(s)
	return f.Flow, err
}

// ParseFlowStats reads a line of dump-flows, counts included.
func ParseFlowStats(s string) (FlowStats, error) {
	f, err := parseFlow(s)
	if err == nil {
		err = f.Check()
	}
	if err != nil {
		return FlowStats{}, fmt.Errorf("parse flow %q: %w", s, err)
	}
	return f, nil
}

// actionsKey finds where the actions begin.
var actionsKey = regexp.MustCompile(`(?:^|[, \t\r\n])actions?[ \t]*=`)

func parseFlow(s string) (f FlowStats, err error) {
	at := actionsKey.FindStringIndex(s)
	if at == nil {
		return f, fmt.Errorf("must specify an action")
	}
	f.Priority = DefaultPriority
	match := newMatchParser()
	for head := s[:at[0]]; ; {
		key, value, rest, ok := nextPair(head)
		if !ok {
			break
		}
		if known, err := f.item(key, value); err != nil {
			return f, err
		} else if !known {
			if known, err = match.item(key, value); err != nil {
				return f, err
			} else if !known {
				return f, fmt.Errorf("unknown keyword %s", key)
			}
		}
		head = rest
	}
	if f.Match, err = match.match(); err != nil {
		return f, err
	}
	p := actionParser{flow: &f.Flow}
	err = p.list(s[at[1]:])
	f.Actions = p.actions
	return f, err
}

// item takes one item that is not of the match.
func (f *FlowStats) item(key, value string) (known bool, err error) {
	for _, n := range flagNames {
		if n.name == key && value == "" {
			f.Flags |= n.flag
			return true, nil
		}
	}
	var v uint64
	switch key {
	case "table":
		if v, err = parseUint(value, 8); err == nil && v == AllTables {
			err = fmt.Errorf("no such table")
		}
		f.Table = uint8(v)
	case "priority":
		v, err = parseUint(value, 16)
		f.Priority = uint16(v)
	case "cookie":
		f.Cookie, err = parseUint(value, 64)
	case "idle_timeout":
		v, err = parseUint(value, 16)
		f.IdleTimeout = uint16(v)
	case "hard_timeout":
		v, err = parseUint(value, 16)
		f.HardTimeout = uint16(v)
	case "importance":
		v, err = parseUint(value, 16)
		f.Importance = uint16(v)
	case "n_packets":
		f.Packets, err = parseUint(value, 64)
	case "n_bytes":
		f.Bytes, err = parseUint(value, 64)
	case "duration":
		f.Duration, err = time.ParseDuration(value)
	case "idle_age":
		v, err = parseUint(strings.TrimSuffix(value, "s"), 32)
		f.IdleAge = time.Duration(v) * time.Second
	case "hard_age":
	default:
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("%s=%s: %w", key, value, err)
	}
	return true, err
}
