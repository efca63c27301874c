package api

import (
	"fmt"
	"slices"
	"strings"

	"conjunct/policy"
)

// Attaching a group to an instance or a port writes that object's own list, so that there is one place to look. In the
// list of a group's attachments such an entry has an id that is derived from its target.
const (
	instanceAttachment = "att-ins-"
	portAttachment     = "att-prt-"
)

// attachedTo lists what has the group: instances, ports and attachments.
func attachedTo(s *policy.Snapshot, id policy.GroupID) (out []policy.Object) {
	for _, i := range referring[*policy.Instance](s, policy.KindGroup, string(id)) {
		out = append(out, i)
	}
	for _, p := range referring[*policy.Port](s, policy.KindGroup, string(id)) {
		out = append(out, p)
	}
	for _, a := range referring[*policy.Attachment](s, policy.KindGroup, string(id)) {
		out = append(out, a)
	}
	return out
}

// referring lists the objects of a type that refer to an object, by id.
func referring[T policy.Object](s *policy.Snapshot, k policy.Kind, id string) []T {
	return slices.SortedFunc(policy.Referrers[T](s, k, id), func(a, b T) int {
		return strings.Compare(a.Base().ID, b.Base().ID)
	})
}

// attachmentOf is what an object that has the group looks like as an attachment.
func attachmentOf(id policy.GroupID, o policy.Object) *Attachment {
	a := &Attachment{Meta: *o.Base(), GroupID: id}
	switch o := o.(type) {
	case *policy.Instance:
		a.ID, a.Target.InstanceID = instanceAttachment+o.ID, policy.InstanceID(o.ID)
	case *policy.Port:
		a.ID, a.Target.PortID = portAttachment+o.ID, policy.PortID(o.ID)
	case *policy.Attachment:
		a = o
	}
	return a
}

// attach gives the group to a target, which the request has at the pointer. The id is for an attachment that is stored as such; the one that is answered is
// returned.
func (c *change) attach(id string, group policy.GroupID, t policy.Target, pointer string) (string, error) {
	if _, err := find[*policy.Group](c, group); err != nil {
		return "", err
	}
	a := &policy.Attachment{Meta: policy.Meta{ID: id}, GroupID: group, Target: t}
	instance, isInstance := policy.Find[*policy.Instance](c.Snapshot(), t.InstanceID)
	port, isPort := policy.Find[*policy.Port](c.Snapshot(), t.PortID)
	switch {
	case isInstance && t.PortID == "" && t.SubnetID == "" && t.CIDR == nil && t.Tag == nil:
		o := instance.Clone().(*policy.Instance)
		return instanceAttachment + o.ID, c.attachTo(o, &o.SecurityGroupIDs, group, pointer)
	case isPort && t.InstanceID == "" && t.SubnetID == "" && t.CIDR == nil && t.Tag == nil:
		o := port.Clone().(*policy.Port)
		return portAttachment + o.ID, c.attachTo(o, &o.SecurityGroupIDs, group, pointer)
	}
	return id, c.put(a, pointer) // Whatever is wrong with the target, the store says it.
}

func (c *change) attachTo(o policy.Object, list *[]policy.GroupID, group policy.GroupID, pointer string) error {
	if slices.Contains(*list, group) {
		return &policy.Conflict{Code: "attachment-exists", Holders: []policy.Holder{policy.HolderOf(o)},
			Message: fmt.Sprintf("%s %q has security group %q already", o.Kind(), o.Label(), c.groupLabel(group))}
	}
	*list = append(*list, group)
	return c.put(o, pointer)
}

func (c *change) groupLabel(id policy.GroupID) string {
	if g, ok := policy.Find[*policy.Group](c.Snapshot(), id); ok {
		return g.Label()
	}
	return string(id)
}

// detach takes the group from an object that has it, or removes the attachment that the object is.
func (c *change) detach(group policy.GroupID, from policy.Object) error {
	without := func(ids []policy.GroupID) []policy.GroupID {
		return slices.DeleteFunc(ids, func(id policy.GroupID) bool { return id == group })
	}
	switch o := from.Clone().(type) {
	case *policy.Instance:
		o.SecurityGroupIDs = without(o.SecurityGroupIDs)
		return c.put(o, "")
	case *policy.Port:
		o.SecurityGroupIDs = without(o.SecurityGroupIDs)
		return c.put(o, "")
	}
	return c.Delete(from.Kind(), from.Base().ID)
}

// attachmentHolder finds what an attachment's id of the group stands for.
func attachmentHolder(s *policy.Snapshot, group policy.GroupID, id string) (policy.Object, bool) {
	if rest, ok := strings.CutPrefix(id, instanceAttachment); ok {
		if o, ok := policy.Find[*policy.Instance](s, rest); ok && slices.Contains(o.SecurityGroupIDs, group) {
			return o, true
		}
	}
	if rest, ok := strings.CutPrefix(id, portAttachment); ok {
		if o, ok := policy.Find[*policy.Port](s, rest); ok && slices.Contains(o.SecurityGroupIDs, group) {
			return o, true
		}
	}
	o, ok := policy.Find[*policy.Attachment](s, id)
	return o, ok && o.GroupID == group
}
