package api

import (
	"net/url"

	"conjunct/policy"
)

// saveAsSent writes a noun that is stored as it is sent.
func saveAsSent(c *change, id string, wire any) error {
	return c.saveObject(id, wire.(policy.Object))
}

func saveHypervisor(c *change, id string, wire any) error {
	return c.saveObject(id, &wire.(*Hypervisor).Hypervisor)
}

func savePort(c *change, id string, wire any) error {
	return c.saveObject(id, &wire.(*Port).Port)
}

// saveObject writes a copy: the function of a transaction may run again.
func (c *change) saveObject(id string, o policy.Object) error {
	o = o.Clone()
	o.Base().ID = id
	return c.put(o, "")
}

// removeProject takes the groups along that the project began with: nobody made them, so nobody can be asked to delete them
// first. Tokens that are bound to the project end with it: there is nothing left that they could open.
func removeProject(c *change, id string, _ url.Values) error {
	for _, t := range referring[*policy.Token](c.Snapshot(), policy.KindProject, id) {
		if err := c.Delete(policy.KindToken, t.ID); err != nil {
			return err
		}
	}
	return c.removeWithGroups(policy.KindProject, id)
}

// removeVPC takes the VPC's default group along.
func removeVPC(c *change, id string, _ url.Values) error {
	return c.removeWithGroups(policy.KindVPC, id)
}

// removeWithGroups needs no right to the groups: who may delete what they belong to has them go.
func (c *change) removeWithGroups(k policy.Kind, id string) error {
	for _, g := range referring[*policy.Group](c.Tx.Snapshot(), k, id) {
		if g.Origin == "" || (k == policy.KindProject && g.VPCID != "") {
			continue
		}
		if err := c.Tx.Delete(policy.KindGroup, g.ID); err != nil {
			return err
		}
	}
	return c.Delete(k, id)
}
