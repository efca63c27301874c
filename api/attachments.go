package api

import (
	"net/http"
	"net/url"
	"reflect"

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

// attachmentRequest is one attachment, or several.
type attachmentRequest struct {
	policy.Attachment
	Items         []Attachment `json:"items"`
	NextPageToken string       `json:"next_page_token"`
}

// attachmentList reads a list of attachments. In ids is one for each, should it be stored as such.
func (c *call) attachmentList(in *attachmentRequest) (ids []string, err error) {
	if in.NextPageToken != "" {
		return nil, invalid("/next_page_token", "partial-list", "this is one page of a longer list; send all attachments")
	}
	for range in.Items {
		ids = append(ids, policy.NewID(policy.KindAttachment))
	}
	return ids, nil
}

// attachmentBody reads a body with a list of attachments.
func (c *call) attachmentBody() (*attachmentRequest, []string, error) {
	in, err := c.attachmentRequest()
	if err != nil {
		return nil, nil, err
	}
	if in.Items == nil {
		return nil, nil, invalid("/items", "required", "a list of attachments is required")
	}
	ids, err := c.attachmentList(in)
	return in, ids, err
}

func (c *call) attachmentRequest() (*attachmentRequest, error) {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return nil, err
	}
	in := new(attachmentRequest)
	if err := decodeStrict(doc, in); err != nil {
		return nil, err
	}
	if group := c.variable("id"); in.GroupID != "" && string(in.GroupID) != group {
		return nil, invalid("/security_group_id", "id-mismatch", "the body says %q and the path %q", in.GroupID, group)
	}
	return in, nil
}

// createAttachment attaches a group to one target or, with a list of items, to several at once.
func (c *call) createAttachment() error {
	in, err := c.attachmentRequest()
	if err != nil {
		return err
	}
	if in.Items != nil {
		return c.createAttachments(in)
	}
	group := policy.GroupID(c.variable("id"))
	fresh, id := policy.NewID(policy.KindAttachment), ""
	return c.mutate(mutation{
		apply: func(ch *change) (err error) {
			id, err = ch.attach(fresh, group, in.Target, "")
			return err
		},
		answer: func(rd *reader) (any, error) { return showAttachment(rd, group, id) },
		status: func() int {
			c.w.Header().Set("Location", "/v1/security-groups/"+url.PathEscape(string(group))+"/attachments/"+url.PathEscape(id))
			return http.StatusCreated
		},
	})
}

func (c *call) createAttachments(in *attachmentRequest) error {
	fresh, err := c.attachmentList(in)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(in.Target, policy.Target{}) {
		return invalid("/target", "target-not-exclusive", "give either a target, or items with a target each")
	}
	group := policy.GroupID(c.variable("id"))
	var ids []string
	return c.mutate(mutation{
		apply: func(ch *change) (err error) {
			ids, err = ch.attachAll(group, in.Items, fresh, "/items")
			return err
		},
		answer: func(rd *reader) (any, error) {
			out := &Page[any]{Items: []any{}}
			for _, id := range ids {
				a, err := showAttachment(rd, group, id)
				if err != nil {
					return nil, err
				}
				out.Items = append(out.Items, a)
			}
			return out, nil
		},
		status: func() int { return http.StatusCreated },
	})
}

// replaceAttachments makes the list of the body all that has the group.
func (c *call) replaceAttachments() error {
	in, fresh, err := c.attachmentBody()
	if err != nil {
		return err
	}
	id := policy.GroupID(c.variable("id"))
	return c.mutate(mutation{
		apply: func(ch *change) error {
			if _, err := find[*policy.Group](ch, id); err != nil {
				return err
			}
			return ch.replaceAttachments(id, in.Items, fresh, "/items")
		},
		answer: func(rd *reader) (any, error) { return &Page[*Attachment]{Items: rd.attachments(id)}, nil },
	})
}

// removeAttachments takes the group from several targets at once.
func (c *call) removeAttachments() error {
	in, _, err := c.attachmentBody()
	if err != nil {
		return err
	}
	id := policy.GroupID(c.variable("id"))
	return c.mutate(mutation{apply: func(ch *change) error { return ch.detachAll(id, in.Items, "/items") }})
}

// attachments lists what has the group.
func (rd *reader) attachments(id policy.GroupID) []*Attachment {
	out := []*Attachment{}
	for _, o := range attachedTo(rd.snapshot, id) {
		out = append(out, attachmentOf(id, o))
	}
	return out
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
