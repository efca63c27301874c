package api

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"conjunct/policy"
)

// Collection is one kind of object as a client sees it. T is the wire form.
type Collection[T any] struct {
	client *Client
	path   string // /v1/vpcs
}

// The collections.

func (c *Client) Projects() Collection[Project] { return Collection[Project]{c, "/v1/projects"} }
func (c *Client) VPCs() Collection[VPC]         { return Collection[VPC]{c, "/v1/vpcs"} }
func (c *Client) Subnets() Collection[Subnet]   { return Collection[Subnet]{c, "/v1/subnets"} }
func (c *Client) Hypervisors() Collection[Hypervisor] {
	return Collection[Hypervisor]{c, "/v1/hypervisors"}
}
func (c *Client) Instances() Collection[Instance] { return Collection[Instance]{c, "/v1/instances"} }
func (c *Client) Ports() Collection[Port]         { return Collection[Port]{c, "/v1/ports"} }
func (c *Client) Groups() Collection[Group]       { return Collection[Group]{c, "/v1/security-groups"} }
func (c *Client) Rules() Collection[Rule]         { return Collection[Rule]{c, "/v1/rules"} } // without Create; see RulesOf
func (c *Client) IPSets() Collection[IPSet]       { return Collection[IPSet]{c, "/v1/ip-sets"} }
func (c *Client) Profiles() Collection[Profile]   { return Collection[Profile]{c, "/v1/profiles"} }
func (c *Client) Tokens() Collection[Token]       { return Collection[Token]{c, "/v1/tokens"} } // without Put and Patch

// What belongs to one object.

func (c *Client) RulesOf(g policy.GroupID) Collection[Rule] {
	return Collection[Rule]{c, "/v1/security-groups/" + url.PathEscape(string(g)) + "/rules"}
}

func (c *Client) MembersOf(g policy.GroupID) Collection[Member] {
	return Collection[Member]{c, "/v1/security-groups/" + url.PathEscape(string(g)) + "/members"}
}

func (c *Client) AttachmentsOf(g policy.GroupID) Collection[Attachment] {
	return Collection[Attachment]{c, "/v1/security-groups/" + url.PathEscape(string(g)) + "/attachments"}
}

func (c *Client) EntriesOf(s policy.IPSetID) Collection[Entry] {
	return Collection[Entry]{c, "/v1/ip-sets/" + url.PathEscape(string(s)) + "/entries"}
}

func (k Collection[T]) item(id string) string { return k.path + "/" + url.PathEscape(id) }

// List returns all objects that pass the filters (Query), however many pages that takes.
func (k Collection[T]) List(ctx context.Context, options ...Option) ([]T, error) {
	all := []T{}
	for token := ""; ; {
		var page Page[T]
		asked := options
		if token != "" {
			asked = append(options[:len(options):len(options)], Query("page_token", token))
		}
		if err := k.client.Do(ctx, http.MethodGet, k.path, nil, &page, asked...); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
	}
}

// Get returns one object.
func (k Collection[T]) Get(ctx context.Context, id string, options ...Option) (*T, error) {
	out := new(T)
	return out, k.client.Do(ctx, http.MethodGet, k.item(id), nil, out, options...)
}

// Create makes an object with an id that the server gives.
func (k Collection[T]) Create(ctx context.Context, in *T, options ...Option) (*T, error) {
	out := new(T)
	return out, k.client.Do(ctx, http.MethodPost, k.path, wanted(in), out, options...)
}

// Put creates or replaces the object with the id.
func (k Collection[T]) Put(ctx context.Context, id string, in *T, options ...Option) (*T, error) {
	out := new(T)
	return out, k.client.Do(ctx, http.MethodPut, k.item(id), wanted(in), out, options...)
}

// Patch changes an object by a JSON merge patch (RFC 7396), any value that marshals to one.
func (k Collection[T]) Patch(ctx context.Context, id string, patch any, options ...Option) (*T, error) {
	out := new(T)
	return out, k.client.Do(ctx, http.MethodPatch, k.item(id), patch, out, options...)
}

// Delete removes an object.
func (k Collection[T]) Delete(ctx context.Context, id string, options ...Option) error {
	_, err := k.Remove(ctx, id, options...)
	return err
}

// Remove is Delete that says what went along.
func (k Collection[T]) Remove(ctx context.Context, id string, options ...Option) (*Removal, error) {
	out := new(Removal)
	return out, k.client.Do(ctx, http.MethodDelete, k.item(id), nil, out, options...)
}

// ReplaceRules makes the list the group's rules; rules that are the same keep their id, number and counters.
func (c *Client) ReplaceRules(ctx context.Context, g policy.GroupID, rules []Rule, options ...Option) ([]Rule, error) {
	var page Page[Rule]
	list := Page[Rule]{Items: append([]Rule{}, rules...)}
	err := c.Do(ctx, http.MethodPut, c.RulesOf(g).path, wanted(list), &page, options...)
	return page.Items, err
}

// AddEntries adds one address or CIDR a line to an IP set, a description after it if wanted.
func (c *Client) AddEntries(ctx context.Context, s policy.IPSetID, lines io.Reader, options ...Option) (*BulkResult, error) {
	out := new(BulkResult)
	return out, c.Do(ctx, http.MethodPost, c.EntriesOf(s).path+":bulk", lines, out, options...)
}

// RemoveEntries removes one address or CIDR a line from an IP set.
func (c *Client) RemoveEntries(ctx context.Context, s policy.IPSetID, lines io.Reader, options ...Option) (*BulkRemoval, error) {
	out := new(BulkRemoval)
	return out, c.Do(ctx, http.MethodPost, c.EntriesOf(s).path+":remove", lines, out, options...)
}

// Attach gives a group to several targets, or to none.
func (c *Client) Attach(ctx context.Context, g policy.GroupID, targets []policy.Target, options ...Option) ([]Attachment, error) {
	return c.attachments(ctx, http.MethodPost, "", g, targets, options)
}

// AttachOnly makes the targets all that has the group.
func (c *Client) AttachOnly(ctx context.Context, g policy.GroupID, targets []policy.Target, options ...Option) ([]Attachment, error) {
	return c.attachments(ctx, http.MethodPut, "", g, targets, options)
}

// DetachFrom takes a group from several targets, or from none.
func (c *Client) DetachFrom(ctx context.Context, g policy.GroupID, targets []policy.Target, options ...Option) error {
	_, err := c.attachments(ctx, http.MethodPost, ":remove", g, targets, options)
	return err
}

func (c *Client) attachments(ctx context.Context, method, verb string, g policy.GroupID, targets []policy.Target, options []Option) ([]Attachment, error) {
	in := Page[Attachment]{Items: make([]Attachment, len(targets))}
	for i, t := range targets {
		in.Items[i].Target = t
	}
	var out Page[Attachment]
	err := c.Do(ctx, method, c.AttachmentsOf(g).path+verb, wanted(in), &out, options...)
	return out.Items, err
}
