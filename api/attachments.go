package api

import (
	"net/http"
	"net/url"

	"conjunct/policy"
)

func (c *call) listAttachments() error {
	return listBelow(c, policy.KindGroup, func(rd *reader, id string) (out []*Attachment) {
		for _, o := range attachedTo(rd.snapshot, policy.GroupID(id)) {
			out = append(out, attachmentOf(policy.GroupID(id), o))
		}
		return out
	}, func(a *Attachment) string { return a.ID })
}

func (c *call) createAttachment() error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	in := new(Attachment)
	if err := decodeStrict(doc, in); err != nil {
		return err
	}
	group := policy.GroupID(c.variable("id"))
	if in.GroupID != "" && in.GroupID != group {
		return invalid("/security_group_id", "id-mismatch", "the body says %q and the path %q", in.GroupID, group)
	}
	fresh, id := policy.NewID(policy.KindAttachment), ""
	return c.mutate(mutation{
		apply: func(ch *change) (err error) {
			id, err = ch.attach(fresh, group, in.Target)
			return err
		},
		answer: func(rd *reader) (any, error) { return showAttachment(rd, group, id) },
		status: func() int {
			c.w.Header().Set("Location", "/v1/security-groups/"+url.PathEscape(string(group))+"/attachments/"+url.PathEscape(id))
			return http.StatusCreated
		},
	})
}

func showAttachment(rd *reader, group policy.GroupID, id string) (any, error) {
	o, ok := attachmentHolder(rd.snapshot, group, id)
	if !ok {
		return nil, &policy.NotFound{Kind: policy.KindAttachment, ID: id}
	}
	return attachmentOf(group, o), nil
}

func (c *call) getAttachment() error {
	return c.showOne(func(rd *reader) (any, error) {
		return showAttachment(rd, policy.GroupID(c.variable("id")), c.variable("attachment"))
	})
}

// showOne answers GET of one thing.
func (c *call) showOne(show func(*reader) (any, error)) error {
	var body any
	var err error
	c.Objects.View(func(s *policy.Snapshot) {
		c.setRevision(s.Revision)
		body, err = show(c.reader(s))
	})
	if err != nil {
		return err
	}
	c.tag(body)
	return c.reply(http.StatusOK, body)
}

func (c *call) deleteAttachment() error {
	group, id := policy.GroupID(c.variable("id")), c.variable("attachment")
	return c.mutate(mutation{apply: func(ch *change) error {
		o, ok := attachmentHolder(ch.Snapshot(), group, id)
		if !ok {
			return &policy.NotFound{Kind: policy.KindAttachment, ID: id}
		}
		if err := c.precondition(ch, o); err != nil {
			return err
		}
		return ch.detach(group, o)
	}})
}
