package conjunct

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "conjunct/"

// imports says which packages of ours a package may import. It is the one place where the structure is written down; a row for
// every package, the leaves first.
var imports = map[string][]string{
	"policy":               {},
	"policy/policytest":    {"policy"},
	"openflow":             {},
	"openflow/ofconn":      {"openflow"},
	"openflow/ofeval":      {"openflow"},
	"openflow/oftest":      {"openflow", "openflow/ofeval"},
	"openflow/oftest/real": {},
	"ovsdb":                {},
	"ovsdb/ovsdbtest":      {"ovsdb"},
	"flows":                {"policy", "openflow"},
	"flows/flowstest":      {"policy", "policy/policytest", "flows", "openflow", "openflow/ofeval", "openflow/oftest"},
	"store":                {"policy"},
	"members":              {"policy"},
	"api":                  {"policy"},
	"controller":           {"policy", "store", "members", "flows", "openflow", "openflow/ofconn", "openflow/ofeval", "ovsdb"},
	"cmd/conjunctd":        {"policy", "store", "members", "flows", "openflow", "openflow/ofconn", "ovsdb", "api", "controller"},
	"cmd/conjunct":         {"api", "policy"},
	"cmd/docs":             {"policy", "openflow", "flows"},
	"cmd/proofs":           {},
	"tlstest":              {},
	"integration":          {"any"},
	"integration/lab":      {},
	"integration/referee":  {"policy", "policy/policytest", "flows", "flows/flowstest", "openflow", "openflow/oftest/real"},
	"integration/cloud":    {"api", "policy", "integration/lab"},
	"integration/fleet":    {"api", "policy", "flows", "openflow", "openflow/oftest", "ovsdb", "ovsdb/ovsdbtest"},
	"integration/bench":    {},
	"integration/demo":     {"api", "policy", "integration/lab", "integration/cloud"},
}

// pure packages see no clock, no network and no logger.
var pure = map[string][]string{
	"policy": {"net/http", "log", "log/slog", "os", "math/rand", "math/rand/v2"},
	"flows":  {"net", "net/http", "time", "log", "log/slog", "os", "math/rand", "math/rand/v2"},

	"openflow/ofeval": {"net", "net/http", "time", "log", "log/slog", "os", "math/rand", "math/rand/v2"},
}

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []listed {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	require.NoError(t, err)
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		require.NoError(t, d.Decode(&p))
		all = append(all, p)
	}
	return all
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == "conjunct" {
			continue
		}
		may, known := imports[name]
		if !known {
			t.Errorf("package %s has no row in the import table", name)
			continue
		}
		for _, i := range p.Imports {
			ours, is := strings.CutPrefix(i, module)
			if is && !slices.Contains(may, ours) && !slices.Contains(may, "any") {
				t.Errorf("%s must not import %s", name, ours)
			}
			if slices.Contains(pure[name], i) {
				t.Errorf("%s is pure and must not import %s", name, i)
			}
		}
	}
}

// TestDoublesStayInTests keeps fakes out of the programs.
func TestDoublesStayInTests(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if strings.HasPrefix(i, module) && strings.HasSuffix(i, "test") && !strings.HasSuffix(p.ImportPath, "test") && !strings.HasPrefix(p.ImportPath, module+"integration") {
				t.Errorf("%s imports the test double %s", p.ImportPath, i)
			}
		}
	}
}

func TestNamesSayWhatAPackageIsFor(t *testing.T) {
	for _, p := range packages(t) {
		for _, word := range []string{"util", "common", "types", "helpers", "manager", "base"} {
			require.NotContains(t, strings.Split(p.ImportPath, "/"), word, fmt.Sprintf("package %s", p.ImportPath))
		}
	}
}
