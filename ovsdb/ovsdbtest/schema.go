package ovsdbtest

import (
	"encoding/json"
	"math"
)

// A base is the type of an atom.
type base string

const (
	stringBase  base = "string"
	integerBase base = "integer"
	booleanBase base = "boolean"
	uuidBase    base = "uuid"
)

// A columnType is <type> of RFC 7047 section 3.2.
type columnType struct {
	key       base
	value     base // "" unless the column is a map
	min, max  int
	ref       string // table that a uuid key refers to, strongly
	enum      []string
	low, high int64 // range of an integer key; both 0 for any
	immutable bool
	ephemeral bool
}

const unlimited = math.MaxInt

func scalar(b base) columnType   { return columnType{key: b, min: 1, max: 1} }
func optional(b base) columnType { return columnType{key: b, max: 1} }
func set(b base) columnType      { return columnType{key: b, max: unlimited} }

func stringMap() columnType {
	return columnType{key: stringBase, value: stringBase, max: unlimited}
}

func refs(table string, min int) columnType {
	return columnType{key: uuidBase, ref: table, min: min, max: unlimited}
}

func (t columnType) of(enum ...string) columnType      { t.enum = enum; return t }
func (t columnType) within(low, high int64) columnType { t.low, t.high = low, high; return t }
func (t columnType) fixed() columnType                 { t.immutable = true; return t }
func (t columnType) passing() columnType               { t.ephemeral = true; return t }

// A tableType is <table-schema> of RFC 7047 section 3.2. Rows of a table that is no
// root live only while something refers to them.
type tableType struct {
	columns map[string]columnType
	root    bool
	maxRows int      // 0 for any
	index   []string // columns that are unique each for itself
}

// schema is the part of the Open_vSwitch schema that this server has: facts, as they
// stand in vswitch.ovsschema 8.3.
var schema = map[string]tableType{
	"Open_vSwitch": {
		root: true, maxRows: 1,
		columns: map[string]columnType{
			"bridges":         refs("Bridge", 0),
			"cur_cfg":         scalar(integerBase),
			"datapath_types":  set(stringBase),
			"db_version":      optional(stringBase),
			"external_ids":    stringMap(),
			"iface_types":     set(stringBase),
			"manager_options": refs("Manager", 0),
			"next_cfg":        scalar(integerBase),
			"other_config":    stringMap(),
			"ovs_version":     optional(stringBase),
			"system_type":     optional(stringBase),
			"system_version":  optional(stringBase),
		},
	},
	"Bridge": {
		index: []string{"name"},
		columns: map[string]columnType{
			"controller":    refs("Controller", 0),
			"datapath_id":   optional(stringBase).passing(),
			"datapath_type": scalar(stringBase),
			"external_ids":  stringMap(),
			"fail_mode":     optional(stringBase).of("standalone", "secure"),
			"name":          scalar(stringBase).fixed(),
			"other_config":  stringMap(),
			"ports":         refs("Port", 0),
			"protocols": set(stringBase).of("OpenFlow10", "OpenFlow11", "OpenFlow12",
				"OpenFlow13", "OpenFlow14", "OpenFlow15"),
		},
	},
	"Port": {
		index: []string{"name"},
		columns: map[string]columnType{
			"external_ids": stringMap(),
			"fake_bridge":  scalar(booleanBase),
			"interfaces":   refs("Interface", 1),
			"name":         scalar(stringBase).fixed(),
			"other_config": stringMap(),
			"tag":          optional(integerBase).within(0, 4095),
			"trunks":       set(integerBase).within(0, 4095),
		},
	},
	"Interface": {
		index: []string{"name"},
		columns: map[string]columnType{
			"admin_state":    optional(stringBase).of("up", "down").passing(),
			"error":          optional(stringBase),
			"external_ids":   stringMap(),
			"link_state":     optional(stringBase).of("up", "down").passing(),
			"mac":            optional(stringBase),
			"mac_in_use":     optional(stringBase).passing(),
			"name":           scalar(stringBase).fixed(),
			"ofport":         optional(integerBase),
			"ofport_request": optional(integerBase).within(1, 65279),
			"options":        stringMap(),
			"other_config":   stringMap(),
			"type":           scalar(stringBase),
		},
	},
	"Controller": {
		columns: map[string]columnType{
			"connection_mode":  optional(stringBase).of("in-band", "out-of-band"),
			"external_ids":     stringMap(),
			"inactivity_probe": optional(integerBase),
			"is_connected":     scalar(booleanBase).passing(),
			"max_backoff":      optional(integerBase).within(1000, math.MaxInt64),
			"other_config":     stringMap(),
			"role":             optional(stringBase).of("other", "master", "slave").passing(),
			"target":           scalar(stringBase),
		},
	},
	"Manager": {
		index: []string{"target"},
		columns: map[string]columnType{
			"external_ids": stringMap(),
			"is_connected": scalar(booleanBase).passing(),
			"target":       scalar(stringBase),
		},
	},
}

// schemaVersion is what get_schema says; the part above is the same in all of 8.x.
const schemaVersion = "8.3.1"

// schemaJSON renders <database-schema>.
func schemaJSON() map[string]any {
	tables := map[string]any{}
	for name, t := range schema {
		columns := map[string]any{}
		for column, c := range t.columns {
			columns[column] = c.json()
		}
		m := map[string]any{"columns": columns}
		if t.root {
			m["isRoot"] = true
		}
		if t.maxRows > 0 {
			m["maxRows"] = t.maxRows
		}
		if len(t.index) > 0 {
			m["indexes"] = [][]string{t.index}
		}
		tables[name] = m
	}
	return map[string]any{"name": "Open_vSwitch", "version": schemaVersion, "tables": tables}
}

func (t columnType) json() map[string]any {
	key := map[string]any{"type": t.key}
	if t.ref != "" {
		key["refTable"] = t.ref
	}
	if t.enum != nil {
		key["enum"] = []any{"set", t.enum}
	}
	if t.low != t.high {
		key["minInteger"], key["maxInteger"] = t.low, t.high
	}
	typ := map[string]any{"key": key, "min": t.min, "max": t.max}
	if t.max == unlimited {
		typ["max"] = "unlimited"
	}
	if t.value != "" {
		typ["value"] = map[string]any{"type": t.value}
	}
	column := map[string]any{"type": typ}
	if t.immutable {
		column["mutable"] = false
	}
	if t.ephemeral {
		column["ephemeral"] = true
	}
	return column
}

// schemaText is the answer to get_schema, the same for all servers.
var schemaText = func() json.RawMessage {
	text, err := json.Marshal(schemaJSON())
	if err != nil {
		panic(err)
	}
	return text
}()
