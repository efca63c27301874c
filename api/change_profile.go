package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"

	"conjunct/policy"
)

// saveProfile creates or replaces a profile of somebody's. A preset is read-only; sending it back as it was read changes
// nothing and is no mistake.
func saveProfile(c *change, id string, wire any) error {
	in := wire.(*Profile)
	if preset, ok := policy.Preset(policy.ProfileName(id)); ok {
		if sameSwitches(c.Snapshot(), preset, in) {
			return nil
		}
		return presetReadOnly(preset)
	}
	return c.saveObject(id, in)
}

func presetReadOnly(p *policy.Profile) error {
	return &policy.Forbidden{Code: "preset-read-only", Message: fmt.Sprintf(
		"profile %q ships with Conjunct and is read-only; create a profile of your own with these switches", p.Name)}
}

// sameSwitches reports whether two profiles say the same, whatever their ids and revisions.
func sameSwitches(s *policy.Snapshot, a, b *policy.Profile) bool {
	text := func(p *policy.Profile) []byte {
		c := p.Clone().(*policy.Profile)
		c.Meta = policy.Meta{}
		policy.Normalize(c, s)
		out, err := json.Marshal(c)
		if err != nil { // Objects of the store marshal.
			return []byte(err.Error())
		}
		return out
	}
	return bytes.Equal(text(a), text(b))
}

// removeProfile deletes a profile by which nothing is judged.
func removeProfile(c *change, id string, _ url.Values) error {
	p, err := find[*policy.Profile](c, id)
	if err != nil {
		return err
	}
	if preset, ok := policy.Preset(policy.ProfileName(id)); ok {
		return presetReadOnly(preset)
	}
	s := c.Tx.Snapshot()
	var users []policy.Holder
	if string(s.DefaultProfile) == id {
		users = append(users, policy.Holder{Kind: "installation", ID: "conjunctd", Name: "conjunctd"})
	}
	users = append(users, holdersOf(referring[*policy.Project](s, policy.KindProfile, id))...)
	users = append(users, holdersOf(referring[*policy.VPC](s, policy.KindProfile, id))...)
	if len(users) > 0 {
		return &policy.Conflict{Code: "profile-in-use", Holders: users, Message: fmt.Sprintf(
			"profile %q judges %s; give what uses it another profile first", p.Label(), holderWords(users))}
	}
	return c.Delete(policy.KindProfile, id)
}
