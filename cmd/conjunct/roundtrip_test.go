package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// lab is a world with the objects of the examples.
func lab(t *testing.T) *world {
	w := newWorld(t)
	w.must("create", "hypervisor", "hv1")
	w.must("create", "hypervisor", "hv2")
	w.must("apply", "-f", "../../examples/lab.yaml", "-f", "../../examples/tiers.yaml")
	return w
}

// worlds are those whose objects are written and read again.
var worlds = map[string]func(*testing.T) *world{
	"examples": lab,
	"pair": func(t *testing.T) *world {
		w := newWorld(t)
		w.must("create", "hypervisor", "hv1")
		w.must("apply", "-f", "../../examples/pair.yaml")
		return w
	},
	"rich": func(t *testing.T) *world {
		w := newWorld(t)
		w.must("apply", "-f", "testdata/rich.yaml")
		return w
	},
	"kinds": func(t *testing.T) *world {
		w := newWorld(t)
		w.must("apply", "-f", "testdata/kinds.yaml")
		return w
	},
}

// applied applies a text and returns the last line, which counts.
func (w *world) applied(text string) string {
	w.Helper()
	r := w.run(text, "apply", "-f", "-")
	require.Equal(w, exitOK, r.status, r.errors)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	return lines[len(lines)-1]
}

// TestA126_WhatIsWrittenCanBeApplied writes everything as manifests: applied where they come from they change nothing, and
// on an empty server they make the same.
func TestA126_WhatIsWrittenCanBeApplied(t *testing.T) {
	for name, make := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := make(t)
			text := from.must("get", "all", "-o", "yaml")
			require.Regexp(t, `^\d+ unchanged$`, from.applied(text))
			sameLines(t, text, from.must("get", "all", "-o", "yaml"))

			to := newWorld(t)
			require.Regexp(t, `^\d+ created$`, to.applied(text))
			sameLines(t, text, to.must("get", "all", "-o", "yaml"))
			require.Regexp(t, `^\d+ unchanged$`, to.applied(text))
		})
	}
}

// TestEveryDocumentAlone applies each object's own document, in its project.
func TestEveryDocumentAlone(t *testing.T) {
	for name, make := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := make(t)
			all := strings.Fields(w.must("get", "all", "-o", "name"))
			require.NotEmpty(t, all)
			for _, label := range all {
				text := w.must("get", label, "-o", "yaml")
				require.Equal(t, "1 unchanged", w.applied(text), text)
			}
		})
	}
}

// TestManifestsSayNothingInVain looks for what a manifest should not say: nulls, except where they mean that all projects
// share an object, and what only the server knows.
func TestManifestsSayNothingInVain(t *testing.T) {
	for name, make := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := make(t).must("get", "all", "-o", "yaml")
			docs, err := split("all", []byte(text))
			require.NoError(t, err)
			for _, d := range docs {
				var doc map[string]any
				require.NoError(t, yaml.Unmarshal(d.json, &doc))
				nothingInVain(t, "", doc)
			}
		})
	}
}

func nothingInVain(t *testing.T, at string, v any) {
	switch v := v.(type) {
	case nil:
		require.Contains(t, []string{"/spec/project_id", "/spec/rules/ip_version"}, at)
	case []any:
		for _, item := range v {
			nothingInVain(t, at, item)
		}
	case map[string]any:
		for field, value := range v {
			if !chosen[filepath.Base(at)] {
				require.False(t, reported[field] && !strings.HasPrefix(at, "/metadata") && field != "project_id", "%s/%s", at, field)
			}
			nothingInVain(t, at+"/"+field, value)
		}
	}
}

func TestApplyReadsFoldersInOrder(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("1.yaml", "apiVersion: conjunct/v1\nkind: VPC\nmetadata: {name: net}\n")
	write("2.json", `{"apiVersion": "conjunct/v1", "kind": "Project", "metadata": {"name": "shop"}}`)
	write("notes.txt", "no manifest")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "deeper.yaml"), 0o700))
	require.Equal(t, "VPC net       created\nProject shop  created\n2 created\n", w.must("apply", "-f", dir))

	r := w.run("", "apply", "-f", t.TempDir())
	require.Equal(t, exitError, r.status)
	require.Contains(t, r.errors, "has no file that ends in .yaml, .yml, .json")
	r = w.run("# nothing\n---\n", "apply", "-f", "-")
	require.Equal(t, exitError, r.status)
	require.Contains(t, r.errors, "no documents in -")
}

func TestDryRunStoresNothing(t *testing.T) {
	w := lab(t)
	before := w.must("get", "all", "-o", "json") + w.must("get", "rules", "-o", "json")
	for _, args := range [][]string{
		{"apply", "-f", "testdata/more.yaml"},
		{"delete", "-f", "../../examples/tiers.yaml"},
		{"delete", "sg", "webSG", "--detach", "--remove-references"},
		{"create", "sg", "more", "--rule", "in tcp 1,2 from any"},
		{"create", "rule", "webSG", "in tcp 1 from any"},
		{"create", "rule", "webSG", "in tcp 1,2 from any"},
		{"create", "ip-set", "set", "--entry", "10.0.0.0/8"},
		{"create", "project", "other"},
		{"create", "vpc", "other"},
		{"create", "subnet", "other", "--vpc", "net", "--cidr", "10.1.0.0/24", "--vlan", "7"},
		{"create", "instance", "other"},
		{"create", "port", "other", "--instance", "web", "--subnet", "lan", "--mac", "fa:16:3e:00:00:99", "--address", "10.0.0.99"},
		{"create", "hypervisor", "hv3"},
		{"attach", "webSG", "--instance", "app"},
		{"detach", "webSG", "--instance", "web"},
		{"token", "create", "other", "--role", "admin"},
	} {
		require.Contains(t, w.must(append(args, "--dry-run")...), "(dry run)", "%s", args)
	}
	require.Equal(t, before, w.must("get", "all", "-o", "json")+w.must("get", "rules", "-o", "json"))
	require.Len(t, strings.Fields(w.must("token", "list", "-o", "name")), 1)
}
