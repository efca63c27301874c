package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"conjunct/policy"
)

// Manifest is what /v1/apply and /v1/delete take: documents as a file has them, YAML turned into JSON. They refer to objects by
// name, forwards and mutually, and are applied in one transaction.
type Manifest struct {
	Documents []json.RawMessage `json:"documents"`
	// Project is the name or id of the project of documents that name none. With exactly one project in existence it may
	// be left out.
	Project string `json:"project,omitempty"`
}

// ManifestResult says what became of each document.
type ManifestResult struct {
	Documents []DocumentResult `json:"documents"`
}

// DocumentResult is what became of one document.
type DocumentResult struct {
	Index  int     `json:"index"` // in the request, from 0
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	ID     string  `json:"id"`
	Result Outcome `json:"result"`
	// Changes say what is different about an object that was there.
	Changes []DocumentChange `json:"changes,omitempty"`
	Removal
}

// Outcome is what a document changed.
type Outcome string

const (
	Created   Outcome = "created"
	Changed   Outcome = "changed"
	Unchanged Outcome = "unchanged"
	Deleted   Outcome = "deleted"
	Absent    Outcome = "absent" // there was nothing to delete
)

// apply makes what the documents say so, or nothing.
func (c *call) apply() error {
	documents, project, err := c.manifest()
	if err != nil {
		return err
	}
	var result *ManifestResult
	return inDocuments(documents, c.mutate(mutation{
		apply: func(ch *change) (err error) {
			result, err = ch.applyDocuments(documents, project)
			return err
		},
		answer: func(*reader) (any, error) { return result, nil },
	}))
}

// deleteManifests deletes what the documents name, or nothing.
func (c *call) deleteManifests() error {
	how, err := groupRemovalOf(c.query)
	if err != nil {
		return err
	}
	documents, project, err := c.manifest()
	if err != nil {
		return err
	}
	var result *ManifestResult
	return inDocuments(documents, c.mutate(mutation{
		apply: func(ch *change) (err error) {
			result, err = ch.deleteDocuments(documents, project, how)
			return err
		},
		answer: func(*reader) (any, error) { return result, nil },
	}))
}

func (c *call) manifest() ([]*document, string, error) {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return nil, "", err
	}
	var in Manifest
	if err := decodeStrict(doc, &in); err != nil {
		return nil, "", err
	}
	if len(in.Documents) == 0 {
		return nil, "", invalid("/documents", "required", "at least one document is required")
	}
	documents, err := readDocuments(in.Documents)
	return documents, in.Project, err
}

// inDocuments makes findings and conflicts speak of documents: each names the document's number (from 1, as people count), kind
// and name, and points to the field as the document has it.
func inDocuments(documents []*document, err error) error {
	for _, c := range conflictsIn(err) {
		if d, rest, ok := documentAt(documents, c.Pointer); ok {
			c.Pointer, c.Message = d.pointer()+d.field(rest), d.says(c.Message)
		}
	}
	var bad *policy.Invalid
	if !errors.As(err, &bad) {
		return err
	}
	out := &policy.Invalid{Findings: make([]policy.Finding, len(bad.Findings))}
	for i, f := range bad.Findings {
		if d, rest, ok := documentAt(documents, f.Pointer); ok {
			f.Pointer, f.Message = d.pointer()+d.field(rest), d.says(f.Message)
		}
		out.Findings[i] = f
	}
	slices.SortStableFunc(out.Findings, func(a, b policy.Finding) int {
		return cmp.Compare(indexIn(documents, a.Pointer), indexIn(documents, b.Pointer))
	})
	return out
}

// indexIn is the document's that a pointer leads into; what is about all of them comes first.
func indexIn(documents []*document, pointer string) int {
	if d, _, ok := documentAt(documents, pointer); ok {
		return d.index
	}
	return -1
}

// documentAt finds the document that a pointer leads into.
func documentAt(documents []*document, pointer string) (d *document, rest string, ok bool) {
	in, ok := strings.CutPrefix(pointer, "/documents/")
	if !ok {
		return nil, "", false
	}
	number, rest, _ := strings.Cut(in, "/")
	index, err := strconv.Atoi(number)
	if err != nil || index < 0 || index >= len(documents) {
		return nil, "", false
	}
	return documents[index], "/" + rest, true
}
