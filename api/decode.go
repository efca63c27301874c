package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"

	"conjunct/policy"
)

// decodeStrict reads a JSON document into a wire type and lists all that does not fit: unknown and repeated fields, wrong
// types, values that can't be read, each with its pointer. A field that is null counts as absent, except where absence
// has a meaning of its own (absenceMeans). Fields of reportedFields are ignored.
//
// encoding/json alone would stop at the first mistake, take PORT_MIN for port_min and the last of two protocols.
func decodeStrict(doc []byte, into any) error {
	if !json.Valid(doc) {
		return malformed(doc)
	}
	var d decoding
	d.value(doc, reflect.ValueOf(into).Elem(), "")
	if len(d.findings) > 0 {
		return &policy.Invalid{Findings: d.findings}
	}
	return nil
}

// malformed says where a document stops being JSON.
func malformed(doc []byte) error {
	var raw json.RawMessage
	err := json.Unmarshal(doc, &raw)
	if len(bytes.TrimSpace(doc)) == 0 {
		return fail(http.StatusBadRequest, "", "the body is empty; a JSON object is required")
	}
	return fail(http.StatusBadRequest, "", "the body is not JSON: %s", err)
}

// absenceMeans names the types for which null is not the same as nothing: no list leaves what is stored, and no remote is
// anywhere.
var absenceMeans = map[reflect.Type]string{
	reflect.TypeFor[[]Rule]():        "leave the key out to keep the rules, give [] to remove them",
	reflect.TypeFor[[]Attachment]():  "leave the key out to keep what has the group, give [] to detach it from all",
	reflect.TypeFor[[]Entry]():       "leave the key out to keep the entries, give [] to remove them",
	reflect.TypeFor[policy.Remote](): `leave the key out or give {"any": true} for anywhere`,
}

const maxFindings = 1000 // of one request; the rest are counted

type decoding struct {
	findings []policy.Finding
}

func (d *decoding) add(pointer, code, format string, args ...any) {
	if len(d.findings) < maxFindings {
		d.findings = append(d.findings, policy.Finding{Pointer: pointer, Code: code, Message: fmt.Sprintf(format, args...)})
	}
}

func (d *decoding) value(raw json.RawMessage, v reflect.Value, at string) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		if remedy, ok := absenceMeans[v.Type()]; ok {
			d.add(at, "null-not-allowed", "null is not allowed here; %s", remedy)
		}
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if d.own(raw, v, at) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.object(raw, v, at)
	case reflect.Slice:
		d.list(raw, v, at)
	case reflect.Map:
		d.dictionary(raw, v, at)
	default:
		if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
			d.wrongType(raw, v.Type(), at)
		}
	}
}

// own reads the types that know how to read themselves.
func (d *decoding) own(raw json.RawMessage, v reflect.Value, at string) bool {
	switch target := v.Addr().Interface().(type) {
	case *policy.AddressPair, *policy.Remote: // Structs like any other.
		return false
	case *netip.Prefix:
		d.text(raw, v, at, func(s string) (err error) { *target, err = policy.ParsePrefix(s); return err })
	case *netip.Addr:
		d.text(raw, v, at, func(s string) (err error) {
			if *target, err = netip.ParseAddr(s); err != nil {
				return fmt.Errorf("%q is not an address such as 10.0.0.1 or 2001:db8::1", s)
			}
			return nil
		})
	case json.Unmarshaler:
		if err := target.UnmarshalJSON(raw); err != nil {
			d.add(at, "value-invalid", "%s", err)
		}
	case encoding.TextUnmarshaler:
		d.text(raw, v, at, func(s string) error { return target.UnmarshalText([]byte(s)) })
	default:
		return false
	}
	return true
}

func (d *decoding) text(raw json.RawMessage, v reflect.Value, at string, parse func(string) error) {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		d.add(at, "wrong-type", "a string is required, found %s", typeOfJSON(raw))
		return
	}
	if err := parse(s); err != nil {
		d.add(at, "value-invalid", "%s", err)
		v.SetZero()
	}
}

// member is one key of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members reads a JSON object in order and with repetitions.
func members(raw json.RawMessage) ([]member, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var out []member
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		m := member{name: name.(string)}
		if err := dec.Decode(&m.value); err != nil {
			return nil, false
		}
		out = append(out, m)
	}
	return out, true
}

func (d *decoding) object(raw json.RawMessage, v reflect.Value, at string) {
	all, ok := members(raw)
	if !ok {
		d.wrongType(raw, v.Type(), at)
		return
	}
	fields := fieldsOf(v.Type())
	seen := make(map[string]bool, len(all))
	for _, m := range all {
		pointer := at + "/" + escapePointer(m.name)
		index, known := fields[m.name]
		switch {
		case !known:
			d.add(pointer, "unknown-field", "%q is not a field here%s", m.name, didYouMean(m.name, fields))
		case seen[m.name]:
			d.add(pointer, "repeated-field", "%q is given more than once", m.name)
		case reportedFields[m.name]:
		case v.Type() == reflect.TypeFor[policy.Remote]():
			d.remoteMember(m, v.FieldByIndex(index), pointer)
		default:
			d.value(m.value, v.FieldByIndex(index), pointer)
		}
		seen[m.name] = true
	}
}

// remoteMember refuses the forms of a remote that look like a choice and mean anywhere: a template with an empty variable
// must not open a group.
func (d *decoding) remoteMember(m member, v reflect.Value, at string) {
	switch strings.TrimSpace(string(m.value)) {
	case "null", `""`, "false":
		d.add(at, "value-required", `%s is %s; leave the key out, or give {"any": true} if anywhere is meant`, m.name, m.value)
		return
	}
	d.value(m.value, v, at)
}

func (d *decoding) list(raw json.RawMessage, v reflect.Value, at string) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		d.wrongType(raw, v.Type(), at)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		pointer := fmt.Sprintf("%s/%d", at, i)
		if string(bytes.TrimSpace(item)) == "null" {
			d.add(pointer, "null-not-allowed", "null is not an item of a list")
			continue
		}
		d.value(item, v.Index(i), pointer)
	}
}

func (d *decoding) dictionary(raw json.RawMessage, v reflect.Value, at string) {
	all, ok := members(raw)
	if !ok {
		d.wrongType(raw, v.Type(), at)
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(all)))
	for _, m := range all {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(m.value, item, at+"/"+escapePointer(m.name))
		v.SetMapIndex(reflect.ValueOf(m.name), item)
	}
}

func (d *decoding) wrongType(raw json.RawMessage, t reflect.Type, at string) {
	d.add(at, "wrong-type", "%s is required, found %s", typeWord(t), typeOfJSON(raw))
}

func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	default:
		return "a whole number"
	}
}

func typeOfJSON(raw json.RawMessage) string {
	if len(raw) > 0 {
		switch raw[0] {
		case '{':
			return "an object"
		case '[':
			return "a list"
		case '"':
			return "a string"
		case 't', 'f':
			return string(raw)
		case 'n':
			return "null"
		}
	}
	return "the number " + string(raw)
}

// fieldsOf maps the names of a wire type's fields, embedded ones included, to where they are.
func fieldsOf(t reflect.Type) map[string][]int {
	if known, ok := fieldTables.Load(t); ok {
		return known.(map[string][]int)
	}
	fields := fieldsIn(t)
	fieldTables.Store(t, fields)
	return fields
}

// fieldTables has what fieldsOf has found out, by reflect.Type.
var fieldTables sync.Map

func fieldsIn(t reflect.Type) map[string][]int {
	out := make(map[string][]int)
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		if at, ok := out[name]; !ok || len(f.Index) < len(at) {
			out[name] = f.Index
		}
	}
	return out
}

// escapePointer writes a name as a token of a JSON pointer (RFC 6901).
func escapePointer(name string) string { return pointerTokens.Replace(name) }

var pointerTokens = strings.NewReplacer("~", "~0", "/", "~1")

// readBody takes the whole body of a request; the server limits its size.
func readBody(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		if isType[*http.MaxBytesError](err) {
			return nil, err
		}
		return nil, fail(http.StatusBadRequest, "", "the body could not be read: %s", err)
	}
	return b, nil
}
