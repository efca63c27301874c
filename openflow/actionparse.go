package openflow

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// ParseActions reads a list of actions in the syntax of ovs-ofctl, without instructions: "drop" is none.
func ParseActions(s string) ([]Action, error) {
	var p actionParser
	if err := p.list(s); err != nil {
		return nil, fmt.Errorf("parse actions: %w", err)
	}
	return p.actions, nil
}

// An actionParser collects the actions of a list, and in a flow its instructions.
type actionParser struct {
	actions []Action
	drop    bool
	nested  int
	flow    *Flow // where instructions go; nil where there may be none
}

// maxNesting of ct(exec(ct(...))) is that of Open vSwitch.
const maxNesting = 10

func (p *actionParser) list(s string) error {
	for {
		key, value, rest, ok := nextPair(s)
		if !ok {
			break
		}
		if p.flow != nil && p.flow.Goto != 0 {
			return fmt.Errorf("%s after goto_table", key)
		}
		if err := p.item(key, value); err != nil {
			return err
		}
		s = rest
	}
	if p.drop && (len(p.actions) > 0 || p.flow != nil && (p.flow.Goto != 0 || p.flow.Instructions != nil)) {
		return fmt.Errorf(`"drop" must not be accompanied by any other action or instruction`)
	}
	return nil
}

// actionParserOf returns what reads the value of the named action; nil for a name that is not one: then it is a port.
func actionParserOf(name string) func(value string) (Action, error) {
	switch name {
	case "output":
		return parseOutput
	case "controller":
		return parseController
	case "set_field":
		return parseSetField
	case "load":
		return parseLoad
	case "move":
		return parseMove
	case "resubmit":
		return parseResubmit
	case "ct_clear":
		return plain(CTClear{})
	case "conjunction":
		return parseConjunction
	case "push_vlan":
		return number(16, func(v uint64) Action { return PushVLAN{uint16(v)} })
	case "pop_vlan", "strip_vlan":
		return plain(PopVLAN{})
	case "group":
		return number(32, func(v uint64) Action { return Group{uint32(v)} })
	case "dec_ttl":
		return plain(DecTTL{})
	case "exit":
		return plain(Exit{})
	case "note":
		return parseNote
	case "raw":
		return parseRaw
	case "mod_dl_src":
		return setTo(EthSrc)
	case "mod_dl_dst":
		return setTo(EthDst)
	case "mod_nw_src":
		return setTo(IPv4Src)
	case "mod_nw_dst":
		return setTo(IPv4Dst)
	}
	return nil
}

func (p *actionParser) item(key, value string) error {
	switch name := strings.ToLower(key); name {
	case "drop":
		p.drop = true
		return nil
	case "ct":
		a, err := p.ct(value)
		p.actions = append(p.actions, a)
		return err
	case "goto_table":
		return p.gotoTable(value)
	case "raw_instructions":
		return p.rawInstructions(value)
	default:
		parse := actionParserOf(name)
		if parse == nil {
			port, err := ParsePort(key)
			if err != nil {
				return fmt.Errorf("unknown action %s", key)
			}
			parse = func(string) (Action, error) { return outputTo(port), nil }
			if port == PortController && value != "" {
				parse = parseController
			}
		}
		a, err := parse(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.actions = append(p.actions, a)
		return nil
	}
}

func (p *actionParser) gotoTable(value string) error {
	v, err := parseUint(value, 8)
	switch {
	case err != nil:
		return fmt.Errorf("goto_table: %w", err)
	case p.flow == nil:
		return fmt.Errorf("goto_table is not an action")
	case v == 0 || v == AllTables:
		return fmt.Errorf("goto_table:%d: no packet can go there", v)
	}
	p.flow.Goto = uint8(v)
	return nil
}

func (p *actionParser) rawInstructions(value string) error {
	wire, err := hex.DecodeString(value)
	if err != nil || p.flow == nil {
		return fmt.Errorf("raw_instructions(%s): not hexadecimal or not in a flow", value)
	}
	var f Flow
	r := reader{b: wire}
	if f.decodeInstructions(&r); r.err != nil {
		return fmt.Errorf("raw_instructions: %w", r.err)
	}
	if f.Actions != nil || f.Goto != 0 || f.Instructions == nil {
		return fmt.Errorf("raw_instructions(%s): one of them has a name", value)
	}
	p.flow.Instructions = append(p.flow.Instructions, f.Instructions...)
	return nil
}

// ct reads the arguments of ct().
func (p *actionParser) ct(s string) (Action, error) {
	a := CT{Table: NoTable}
	for {
		key, value, rest, ok := nextPair(s)
		if !ok {
			break
		}
		if err := p.ctArgument(&a, key, value); err != nil {
			return nil, fmt.Errorf("ct: %s: %w", key, err)
		}
		s = rest
	}
	if a.Force && !a.Commit {
		return nil, fmt.Errorf(`ct: "force" flag requires "commit" flag`)
	}
	return a, nil
}

func (p *actionParser) ctArgument(a *CT, key, value string) (err error) {
	var v uint64
	switch key {
	case "commit":
		a.Commit = true
	case "force":
		a.Force = true
	case "table":
		v, err = parseUint(value, 8)
		if a.Table = uint8(v); err == nil && a.Table == NoTable {
			err = fmt.Errorf("no such table")
		}
	case "zone":
		if v, err = parseUint(value, 16); err == nil {
			a.Zone, a.ZoneSrc = uint16(v), Subfield{}
			return nil
		}
		a.ZoneSrc, err = parseSubfield(value)
		if err == nil && a.ZoneSrc.N != 16 {
			err = fmt.Errorf("%s: a zone has 16 bits", value)
		}
	case "alg":
		for _, g := range ctALGs {
			if g.name == value {
				a.ALG = g.port
				return nil
			}
		}
		v, err = parseUint(value, 16)
		a.ALG = uint16(v)
	case "exec":
		inner := actionParser{nested: p.nested + 1}
		if inner.nested > maxNesting {
			return fmt.Errorf("nested too deeply")
		}
		err = inner.list(value)
		a.Exec = append(a.Exec, inner.actions...)
	default:
		err = fmt.Errorf("unknown argument")
	}
	return err
}

func plain(a Action) func(string) (Action, error) {
	return func(value string) (Action, error) {
		if value != "" {
			return nil, fmt.Errorf("takes no argument, has %q", value)
		}
		return a, nil
	}
}

func number(bits int, action func(uint64) Action) func(string) (Action, error) {
	return func(value string) (Action, error) {
		v, err := parseUint(value, bits)
		return action(v), err
	}
}

func setTo(f Field) func(string) (Action, error) {
	return func(value string) (Action, error) { return parseSetField(value + "->" + f.String()) }
}
