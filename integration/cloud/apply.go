package cloud

import (
	"encoding/json"
	"os"
	"regexp"

	"sigs.k8s.io/yaml"

	"conjunct/api"
)

var documentBreak = regexp.MustCompile(`(?m)^---\s*$`)

// Apply applies the documents of a file in one transaction and waits until the hosts have confirmed it.
func (c *Cloud) Apply(file, project string) api.ManifestResult {
	c.t.Helper()
	b, err := os.ReadFile(file)
	c.Must(err)
	manifest := api.Manifest{Project: project}
	for _, text := range documentBreak.Split(string(b), -1) {
		doc, err := yaml.YAMLToJSON([]byte(text))
		c.Must(err)
		if string(doc) != "null" {
			manifest.Documents = append(manifest.Documents, json.RawMessage(doc))
		}
	}
	out, err := c.API.Apply(c.ctx(), &manifest, api.WaitApplied(Patience))
	c.Must(err)
	return *out
}
