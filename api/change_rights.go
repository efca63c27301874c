package api

import (
	"bytes"
	"encoding/json"
	"fmt"

	"conjunct/policy"
)

// Every write of a request goes through here, whatever route or document it comes from. A transaction in which one write is
// refused is refused whole.

// Snapshot is the transaction's state as who asks may see it: what may not be seen is not found, neither by name nor by id.
func (c *change) Snapshot() *policy.Snapshot { return c.seen }

// Delete removes an object that who asks may delete.
func (c *change) Delete(k policy.Kind, id string) error {
	o, ok := c.seen.Get(k, id)
	if !ok {
		return &policy.NotFound{Kind: k, ID: id}
	}
	if err := c.may(policy.MayDelete, o); err != nil {
		return err
	}
	if err := c.Tx.Delete(k, id); err != nil {
		return err
	}
	c.advise(o, nil)
	return nil
}

// may refuses what the bearer has none of the rights to do with an object that the bearer sees.
func (c *change) may(rights policy.Rights, o policy.Object) error {
	if c.sight.Rights(o)&rights != 0 {
		return nil
	}
	if !c.sight.Sees(o) {
		return &policy.NotFound{Kind: o.Kind(), ID: o.Base().ID}
	}
	return c.refusal(rights, o)
}

// refusal says why the bearer may not do that with an object that is no secret.
func (c *change) refusal(rights policy.Rights, o policy.Object) error {
	if c.sight.IsBound() && c.sight.Scope(o) == policy.ScopeGlobal {
		if message, ok := globalReadOnly[o.Kind()]; ok {
			return &policy.Forbidden{Code: "global-read-only", Message: message}
		}
	}
	return &policy.Forbidden{Code: "role", Message: fmt.Sprintf("role %s may not %s %s %q", c.sight.Role, rights, o.Kind(), o.Label())}
}

// globalReadOnly says what users may do instead of changing what is global.
var globalReadOnly = map[policy.Kind]string{
	policy.KindGroup:      "only administrators change global groups; you can attach or detach it",
	policy.KindRule:       "only administrators change global groups; you can attach or detach it",
	policy.KindAttachment: "only administrators attach global groups to subnets, CIDRs and tags; you can attach it to your instances and ports",
	policy.KindIPSet:      "only administrators change global IP sets; your rules can name it",
	policy.KindEntry:      "only administrators change global IP sets; your rules can name it",
}

// permitted judges a write that was made: before is what stood there, nil for nothing.
func (c *change) permitted(before, after policy.Object) error {
	switch before {
	case after: // The write changes nothing.
		return nil
	case nil:
		if c.sight.IsBound() && (after.Kind() == policy.KindAttachment || !c.sight.Sees(after)) {
			return c.lost(after)
		}
		return c.may(policy.MayCreate, after)
	}
	if c.sight.Rights(before).Has(policy.MayChange) {
		if !c.sight.Sees(after) {
			return c.lost(after)
		}
		return c.may(policy.MayChange, after)
	}
	if k := before.Kind(); k != policy.KindInstance && k != policy.KindPort || !c.sight.Rights(before).Has(policy.MayAttach) {
		return c.may(policy.MayChange, before)
	}
	if !sameButGroups(before, after) {
		return &policy.Forbidden{Code: "attach-only", Message: fmt.Sprintf("role %s may change the security_group_ids of %s %q and nothing else of it",
			c.sight.Role, before.Kind(), before.Label())}
	}
	return nil
}

// lost refuses an object that would belong to something that the bearer can't see, or speak of it, in the words for something that
// does not exist.
func (c *change) lost(o policy.Object) error {
	for _, r := range o.References() {
		if _, ok := c.seen.Get(r.Kind, r.ID); !ok {
			return missing(r)
		}
	}
	if c.sight.Rights(o).Has(policy.MayCreate) {
		return nil
	}
	return c.refusal(policy.MayCreate, o)
}

func missing(r policy.Ref) error {
	return invalid(r.Field, "reference-missing", "%s %q does not exist", r.Kind, r.ID)
}

// sameButGroups reports whether two states of an instance or a port differ in their groups alone.
func sameButGroups(before, after policy.Object) bool {
	plain := func(o policy.Object) []byte {
		o = o.Clone()
		*o.Base() = policy.Meta{}
		switch o := o.(type) {
		case *policy.Instance:
			o.SecurityGroupIDs = nil
		case *policy.Port:
			o.SecurityGroupIDs = nil
		}
		b, err := json.Marshal(o)
		if err != nil { // Objects of the store marshal.
			return []byte(err.Error())
		}
		return b
	}
	return bytes.Equal(plain(before), plain(after))
}

// claim gives what a user makes to the user's project, and refuses any other.
func (c *change) claim(project *policy.ProjectID) error {
	switch {
	case !c.sight.IsBound() || *project == c.sight.Project:
	case *project == "":
		*project = c.sight.Project
	default:
		return &policy.Forbidden{Code: "project-not-yours", Message: fmt.Sprintf(
			"what a user makes belongs to the user's project, %q; leave project_id out", c.sight.Project)}
	}
	return nil
}

// mayName reports whether an object that does not exist for the bearer may be created with the id that a list gives it. A user's
// gets another, so that nothing is told by which ids are taken.
func (c *change) mayName(k policy.Kind, id string) bool {
	_, taken := c.Tx.Snapshot().Get(k, id)
	return !taken && !c.sight.IsBound()
}

// judge lists what is wrong with what was written as far as a user can see, so that what is hidden is refused just as what does not
// exist. The store judges by all that there is; to other roles that is the same.
func (c *change) judge() error {
	if !c.sight.IsBound() {
		return nil
	}
	findings := c.invalidObjects()
	if len(findings) > 0 {
		return &policy.Invalid{Findings: findings}
	}
	return nil
}

// veil takes out of a refusal what the bearer may not see.
func (c *call) veil(err error) error {
	if c.bearer == nil || !c.bearer.Bearer().IsBound() {
		return err
	}
	c.Objects.View(func(s *policy.Snapshot) {
		seen := c.bearer.Bearer().In(s).Snapshot()
		for _, conflict := range conflictsIn(err) {
			kept := []policy.Holder{}
			for _, h := range conflict.Holders {
				if _, ok := seen.Get(h.Kind, h.ID); ok {
					kept = append(kept, h)
				}
			}
			if len(kept) < len(conflict.Holders) {
				conflict.Holders, conflict.Message = kept, "something that you may not see stands against it; ask an administrator"
			}
		}
	})
	return err
}
