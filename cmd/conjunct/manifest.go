package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"conjunct/api"
)

// source is a document of a manifest, and where it was read.
type source struct {
	file string
	line int // of its first line, from 1
	json json.RawMessage
}

func (d source) String() string { return fmt.Sprintf("%s:%d", d.file, d.line) }

// manifests reads all documents of the files, in order. A folder stands for its *.yaml, *.yml and *.json files by name, and
// - for the standard input.
func (s *session) manifests(paths []string) ([]source, error) {
	var all []source
	var wrong []error
	for _, path := range paths {
		files, err := s.filesOf(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := s.read(file)
			if err != nil {
				return nil, err
			}
			docs, err := split(file, text)
			all, wrong = append(all, docs...), append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no documents in %s", strings.Join(paths, ", "))
	}
	return all, nil
}

var manifestSuffixes = []string{".yaml", ".yml", ".json"}

func (s *session) filesOf(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path) // Sorted by name.
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(manifestSuffixes, filepath.Ext(e.Name())) {
			out = append(out, filepath.Join(path, e.Name()))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("folder %s has no file that ends in %s", path, strings.Join(manifestSuffixes, ", "))
	}
	return out, nil
}

func (s *session) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(s.stdin)
	}
	return os.ReadFile(file)
}

// marker begins (---) or ends (...) a document of a YAML stream. At the beginning of a line it can be nothing else (YAML 1.2,
// 9.1.2), and what follows it on its line belongs to the next document. The parser reads one document and would not miss
// what follows it.
var marker = regexp.MustCompile(`(?m)^(?:---|\.\.\.)(?:[ \t]|\r?$)`)

// split cuts a YAML stream into documents. Those that hold nothing are left out.
func split(file string, text []byte) (out []source, err error) {
	if file == "-" {
		file = "stdin"
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	begin, line := 0, 1
	var wrong []error
	take := func(end int) {
		doc := text[begin:end]
		b, err := yaml.YAMLToJSONStrict(doc)
		switch {
		case err != nil:
			wrong = append(wrong, inFile(file, doc, line, err))
		case string(b) != "null":
			out = append(out, source{file, firstLine(doc, line), b})
		}
		line += bytes.Count(doc, []byte("\n"))
		begin = end
	}
	for _, m := range marker.FindAllIndex(text, -1) {
		take(m[0])
		begin = m[0] + len("---")
	}
	take(len(text))
	return out, errors.Join(wrong...)
}

// firstLine is the number of the first line of a document that says something.
func firstLine(doc []byte, line int) int {
	for l := range bytes.Lines(doc) {
		if l := bytes.TrimSpace(l); len(l) > 0 && l[0] != '#' {
			return line
		}
		line++
	}
	return line
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// inFile makes an error of the parser, which counts the document's lines, speak of the file's.
func inFile(file string, doc []byte, begin int, err error) error {
	message := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	message = yamlLine.ReplaceAllStringFunc(message, func(m string) string {
		n, _ := strconv.Atoi(m[len("line "):]) // The expression matched digits.
		return fmt.Sprintf("line %d", begin+n-1)
	})
	return fmt.Errorf("%s:%d: %s", file, firstLine(doc, begin), message)
}

// manifestOf is what the API takes.
func (s *session) manifestOf(docs []source) *api.Manifest {
	m := &api.Manifest{Project: s.project}
	for _, d := range docs {
		m.Documents = append(m.Documents, d.json)
	}
	return m
}

var documentPointer = regexp.MustCompile(`^/documents/(\d+)`)

// located makes the findings of a problem say where the document is that they are about.
func located(docs []source, err error) error {
	var p *api.Problem
	if !errors.As(err, &p) {
		return err
	}
	out := *p
	out.Errors = slices.Clone(p.Errors)
	for i, f := range out.Errors {
		m := documentPointer.FindStringSubmatch(f.Pointer)
		if m == nil {
			continue
		}
		if n, err := strconv.Atoi(m[1]); err == nil && n < len(docs) {
			out.Errors[i].Pointer = docs[n].String() + " " + f.Pointer[len(m[0]):]
		}
	}
	return &out
}
