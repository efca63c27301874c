package main

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// keys lists every key of the configuration, as api.listen.
func keys() []string {
	var out []string
	walk(reflect.ValueOf(defaults()).Elem(), "", func(key string, _ reflect.Value) { out = append(out, key) })
	slices.Sort(out)
	return out
}

// walk visits the leaves of the configuration.
func walk(v reflect.Value, prefix string, visit func(key string, leaf reflect.Value)) {
	for i := range v.NumField() {
		key := prefix + v.Type().Field(i).Tag.Get("json")
		if v.Field(i).Kind() == reflect.Struct {
			walk(v.Field(i), key+".", visit)
		} else {
			visit(key, v.Field(i))
		}
	}
}

// set gives a key its value from text. A list is written with commas.
func set(c *Config, key, value string) error {
	var err error
	found := false
	walk(reflect.ValueOf(c).Elem(), "", func(k string, leaf reflect.Value) {
		if k != key {
			return
		}
		found = true
		if u, ok := leaf.Addr().Interface().(encoding.TextUnmarshaler); ok {
			err = u.UnmarshalText([]byte(value))
			return
		}
		switch leaf.Kind() {
		case reflect.String:
			leaf.SetString(value)
		case reflect.Bool:
			var b bool
			b, err = strconv.ParseBool(value)
			leaf.SetBool(b)
		case reflect.Int:
			var n int
			n, err = strconv.Atoi(value)
			leaf.SetInt(int64(n))
		case reflect.Slice:
			leaf.Set(reflect.ValueOf(strings.FieldsFunc(value, func(r rune) bool { return r == ',' })))
		default:
			panic("no text form for " + leaf.Type().String())
		}
	})
	if !found {
		return fmt.Errorf("%s: there is no such key", key)
	}
	if err != nil {
		return fmt.Errorf("%s: %q: %w", key, value, err)
	}
	return nil
}

const envPrefix = "CONJUNCT_"

func flagOf(key string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(key) }
func envOf(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// addFlags declares a flag for every key.
func addFlags(flags *pflag.FlagSet) {
	for _, key := range keys() {
		flags.String(flagOf(key), "", fmt.Sprintf("%s ($%s)", key, envOf(key)))
	}
}

// given collects what flags and variables say, flags first. Variables that begin like ours and name no key are errors, but for
// those of the command line client.
func given(flags *pflag.FlagSet, environ []string) (map[string]string, error) {
	out := map[string]string{}
	known := map[string]string{"CONJUNCT_SERVER": "", "CONJUNCT_TOKEN": "", "CONJUNCT_PROJECT": ""}
	for _, key := range keys() {
		known[envOf(key)] = key
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		key, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("%s: there is no such key", name)
		}
		if key != "" {
			out[key] = value
		}
	}
	for _, key := range keys() {
		if f := flags.Lookup(flagOf(key)); f.Changed {
			out[key] = f.Value.String()
		}
	}
	return out, nil
}

// configFrom loads the configuration that a command was started with.
func configFrom(flags *pflag.FlagSet) (*Config, error) {
	file, err := flags.GetString("config")
	if err != nil {
		return nil, err
	}
	settings, err := given(flags, os.Environ())
	if err != nil {
		return nil, err
	}
	return load(file, settings)
}
