package api

import (
	"errors"
	"fmt"

	"conjunct/policy"
)

// attachAll gives the group to every target of the list, or to none. What is wrong is reported at the target's place in
// the request, for all targets at once. ids are for attachments that are stored as such; those that are answered are returned.
func (c *change) attachAll(g policy.GroupID, list []Attachment, ids []string, pointer string) ([]string, error) {
	if _, err := find[*policy.Group](c, g); err != nil {
		return nil, err
	}
	if err := c.judgeTargets(g, list, pointer); err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	var against []error
	for i := range list {
		id, err := c.attach(ids[i], g, list[i].Target, fmt.Sprintf("%s/%d", pointer, i))
		var conflict *policy.Conflict
		if errors.As(err, &conflict) {
			conflict.Pointer = fmt.Sprintf("%s/%d%s", pointer, i, conflict.Pointer)
			against = append(against, conflict)
			continue
		}
		if err != nil {
			return nil, err
		}
		out[i] = id
	}
	return out, errors.Join(against...)
}

// judgeTargets lists what is wrong with the targets, before any of them is written.
func (c *change) judgeTargets(g policy.GroupID, list []Attachment, pointer string) error {
	bad := new(policy.Invalid)
	for i, a := range list {
		at := fmt.Sprintf("%s/%d", pointer, i)
		if a.GroupID != "" && a.GroupID != g {
			bad.Findings = append(bad.Findings, policy.Finding{Pointer: at + "/security_group_id", Code: "id-mismatch",
				Message: fmt.Sprintf("the attachment says %q and is listed for %q", a.GroupID, g)})
			continue
		}
		o := &policy.Attachment{Meta: policy.Meta{ID: "att"}, GroupID: g, Target: a.Target}
		for _, f := range policy.Validate(o, c.Snapshot()) {
			f.Pointer = at + f.Pointer
			bad.Findings = append(bad.Findings, f)
		}
	}
	if len(bad.Findings) > 0 {
		return bad
	}
	return nil
}

// detachAll takes the group from every target of the list, or from none.
func (c *change) detachAll(g policy.GroupID, list []Attachment, pointer string) error {
	group, err := find[*policy.Group](c, g)
	if err != nil {
		return err
	}
	bad := new(policy.Invalid)
	for i, a := range list {
		a.GroupID = g
		o, ok := attachedAt(c.Snapshot(), &a)
		if !ok {
			code, message := "not-attached", fmt.Sprintf("security group %q is not attached there", group.Label())
			if group.Origin == policy.OriginDefault {
				code, message = "default-group", fmt.Sprintf("security group %q is its profile's default: ports have it by having no other, so it can't be detached; "+
					"attach a group of your own, and it leaves", group.Label())
			}
			bad.Findings = append(bad.Findings, policy.Finding{Pointer: fmt.Sprintf("%s/%d/target", pointer, i), Code: code, Message: message})
			continue
		}
		if err := c.detach(g, o); err != nil {
			return err
		}
	}
	if len(bad.Findings) > 0 {
		return bad
	}
	return nil
}

// replaceAttachments makes the list all that has the group. What is in it and has the group already stays as it is.
func (c *change) replaceAttachments(g policy.GroupID, list []Attachment, ids []string, pointer string) error {
	if err := c.judgeTargets(g, list, pointer); err != nil {
		return err
	}
	stays := make(map[policy.Object]bool)
	var fresh []int
	var against []error
	for i, a := range list {
		a.GroupID = g
		o, ok := attachedAt(c.Snapshot(), &a)
		switch {
		case !ok:
			fresh = append(fresh, i)
		case stays[o]:
			against = append(against, &policy.Conflict{Code: "attachment-exists", Holders: []policy.Holder{policy.HolderOf(o)},
				Pointer: fmt.Sprintf("%s/%d", pointer, i), Message: "the target is listed twice"})
		}
		stays[o] = true
	}
	if len(against) > 0 {
		return errors.Join(against...)
	}
	for _, o := range attachedTo(c.Snapshot(), g) {
		if stays[o] {
			continue
		}
		if err := c.detach(g, o); err != nil {
			return err
		}
	}
	for _, i := range fresh {
		_, err := c.attach(ids[i], g, list[i].Target, fmt.Sprintf("%s/%d", pointer, i))
		var conflict *policy.Conflict
		if errors.As(err, &conflict) {
			conflict.Pointer = fmt.Sprintf("%s/%d", pointer, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
