package openflow

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// This file reads the value of single actions.

func outputTo(p Port) Output {
	if p == PortController {
		return Output{p, 0xffff}
	}
	return Output{Port: p}
}

func parseOutput(value string) (Action, error) {
	p, err := ParsePort(value)
	return outputTo(p), err
}

// parseController reads the length of CONTROLLER:65535 and controller(max_len=65535).
func parseController(value string) (Action, error) {
	value = strings.TrimPrefix(value, "max_len=")
	if value == "" {
		return outputTo(PortController), nil
	}
	v, err := parseUint(value, 16)
	return Output{PortController, uint16(v)}, err
}

func parseSetField(value string) (Action, error) {
	v, name, ok := strings.Cut(value, "->")
	if !ok {
		return nil, fmt.Errorf("%s: missing ->", value)
	}
	f := actionFieldNamed(strings.TrimSpace(name))
	if f == 0 {
		return nil, fmt.Errorf("%s is not a field", name)
	}
	if !fieldTable[f].Writable {
		return nil, fmt.Errorf("%s is read-only", name)
	}
	m, err := f.parseValue(v)
	return SetField(m), err
}

// parseLoad reads load:NUMBER->FIELD[first..last], which OpenFlow 1.5 says as set_field.
func parseLoad(value string) (Action, error) {
	v, to, ok := strings.Cut(value, "->")
	if !ok {
		return nil, fmt.Errorf("%s: missing ->", value)
	}
	dst, err := parseSubfield(to)
	if err != nil {
		return nil, err
	}
	if !fieldTable[dst.Field].Writable {
		return nil, fmt.Errorf("%s is read-only", dst.Field)
	}
	n, err := parseBits(v, 128)
	if err != nil {
		return nil, err
	}
	if !n.AndNot(lowBits(int(dst.N))).IsZero() {
		return nil, fmt.Errorf("value %s does not fit into %d bits", v, dst.N)
	}
	return SetField{dst.Field, n.shiftLeft(int(dst.Ofs)), lowBits(int(dst.N)).shiftLeft(int(dst.Ofs))}, nil
}

func parseMove(value string) (Action, error) {
	from, to, ok := strings.Cut(value, "->")
	if !ok {
		return nil, fmt.Errorf("%s: missing ->", value)
	}
	src, err := parseSubfield(from)
	if err != nil {
		return nil, err
	}
	dst, err := parseSubfield(to)
	switch {
	case err != nil:
		return nil, err
	case src.N != dst.N:
		return nil, fmt.Errorf("%s: source has %d bits, destination %d", value, src.N, dst.N)
	case !fieldTable[dst.Field].Writable:
		return nil, fmt.Errorf("%s is read-only", dst.Field)
	}
	return Move{src, dst}, nil
}

// parseResubmit reads PORT, or PORT,TABLE, or PORT,TABLE,ct; PORT and TABLE may be empty, not both.
func parseResubmit(value string) (Action, error) {
	parts := strings.Split(value, ",")
	a := Resubmit{Table: NoTable}
	if p := strings.TrimSpace(parts[0]); p != "" {
		port, err := ParsePort(p)
		if err != nil {
			return nil, err
		}
		if port != PortInPort {
			a.Port = port
		}
	}
	if len(parts) > 1 && strings.TrimSpace(parts[1]) != "" {
		v, err := parseUint(strings.TrimSpace(parts[1]), 8)
		if err != nil {
			return nil, err
		}
		a.Table = uint8(v)
	}
	if len(parts) > 2 {
		if a.CT = parts[2] == "ct"; !a.CT || len(parts) > 3 {
			return nil, fmt.Errorf("%s: unknown parameter", parts[2])
		}
	}
	if a.Port == 0 && a.Table == NoTable {
		return nil, fmt.Errorf("neither port nor table")
	}
	return a, nil
}

func parseConjunction(value string) (Action, error) {
	id, clauses, ok := strings.Cut(value, ",")
	i, n, ok2 := strings.Cut(clauses, "/")
	if !ok || !ok2 {
		return nil, fmt.Errorf(`syntax is "conjunction(id,i/n)"`)
	}
	v, err := parseUint(strings.TrimSpace(id), 32)
	if err != nil {
		return nil, err
	}
	clause, err := parseUint(strings.TrimSpace(i), 8)
	if err != nil {
		return nil, err
	}
	total, err := parseUint(strings.TrimSpace(n), 8)
	switch {
	case err != nil:
		return nil, err
	case total < 2:
		return nil, fmt.Errorf("must have at least 2 clauses")
	case total > 64:
		return nil, fmt.Errorf("must have at most 64 clauses")
	case clause < 1:
		return nil, fmt.Errorf("clause index must be positive")
	case clause > total:
		return nil, fmt.Errorf("clause index must be less than or equal to number of clauses")
	}
	return Conjunction{uint32(v), uint8(clause - 1), uint8(total)}, nil
}

// parseNote reads pairs of digits with or without dots, and pads them as the wire does.
func parseNote(value string) (Action, error) {
	data, err := hex.DecodeString(strings.ReplaceAll(value, ".", ""))
	if err != nil {
		return nil, fmt.Errorf("bad hex digit in %q", value)
	}
	if len(data) > 0xff00 {
		return nil, fmt.Errorf("%d bytes are too many", len(data))
	}
	for len(data) < 6 || (len(data)-6)%8 != 0 {
		data = append(data, 0)
	}
	return Note{data}, nil
}

func parseRaw(value string) (Action, error) {
	wire, err := hex.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("bad hex digit in %q", value)
	}
	r := reader{b: wire}
	actions := decodeActions(&r)
	if r.err != nil || len(actions) != 1 {
		return nil, fmt.Errorf("%q is not one action", value)
	}
	return actions[0], nil
}
