package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"conjunct/policy"
)

// resource is what is particular to a kind of object that has a collection of its own: /v1/<path> and /v1/<path>/{id}.
type resource struct {
	kind   policy.Kind
	path   string
	write  bool             // whether there are routes to create, change and delete
	parts  string           // the field that holds what belongs to the object and that stays when it is absent
	filter map[string]field // query parameters of the list
	place  []string         // query parameters of PUT and PATCH
	drop   []string         // query parameters of DELETE
	single bool             // no POST to the collection: what belongs there is created below its owner

	blank  func() any                              // an empty wire form, to decode a request into
	view   func(*reader, policy.Object) any        // what is shown of an object
	save   func(*change, string, any) error        // writes the wire form at the id
	remove func(*change, string, url.Values) error // deletes; nil where nothing else has to go
	create func(*call, *resource) error            // answers POST; nil: createObject
}

// field reads the values that a filter compares with, from the wire form.
type field func(any) []string

func one[W any, S ~string](get func(W) S) field {
	return func(v any) []string { return []string{string(get(v.(W)))} }
}

func many[W any, S ~string](get func(W) []S) field {
	return func(v any) []string {
		var out []string
		for _, s := range get(v.(W)) {
			out = append(out, string(s))
		}
		return out
	}
}

// resources is the table. The order is that of the document.
var resources = []resource{
	{
		kind: policy.KindProject, path: "projects", write: true,
		blank: func() any { return new(Project) }, view: asStored, save: saveAsSent, remove: removeProject,
		filter: map[string]field{
			"name":    one(func(p *Project) string { return p.Name }),
			"profile": one(func(p *Project) policy.ProfileName { return p.Profile }),
		},
	},
	{
		kind: policy.KindVPC, path: "vpcs", write: true,
		blank: func() any { return new(VPC) }, view: asStored, save: saveAsSent, remove: removeVPC,
		filter: map[string]field{
			"name":       one(func(v *VPC) string { return v.Name }),
			"project_id": one(func(v *VPC) policy.ProjectID { return v.ProjectID }),
			"profile":    one(func(v *VPC) policy.ProfileName { return v.Profile }),
		},
	},
	{
		kind: policy.KindSubnet, path: "subnets", write: true,
		blank: func() any { return new(Subnet) }, view: asStored, save: saveAsSent,
		filter: map[string]field{
			"name":   one(func(s *Subnet) string { return s.Name }),
			"vpc_id": one(func(s *Subnet) policy.VPCID { return s.VPCID }),
		},
	},
	{
		kind: policy.KindHypervisor, path: "hypervisors", write: true,
		blank: func() any { return new(Hypervisor) }, save: saveHypervisor,
		view: func(rd *reader, o policy.Object) any { return rd.hypervisor(o.(*policy.Hypervisor)) },
		filter: map[string]field{
			"name":  one(func(h *Hypervisor) string { return h.Name }),
			"state": one(func(h *Hypervisor) policy.HostState { return h.State }),
		},
	},
	{
		kind: policy.KindInstance, path: "instances", write: true,
		blank: func() any { return new(Instance) }, view: asStored, save: saveAsSent,
		filter: map[string]field{
			"name":              one(func(i *Instance) string { return i.Name }),
			"project_id":        one(func(i *Instance) policy.ProjectID { return i.ProjectID }),
			"security_group_id": many(func(i *Instance) []policy.GroupID { return i.SecurityGroupIDs }),
		},
	},
	{
		kind: policy.KindPort, path: "ports", write: true,
		blank: func() any { return new(Port) }, save: savePort,
		view: func(rd *reader, o policy.Object) any { return rd.port(o.(*policy.Port)) },
		filter: map[string]field{
			"instance_id":       one(func(p *Port) policy.InstanceID { return p.InstanceID }),
			"subnet_id":         one(func(p *Port) policy.SubnetID { return p.SubnetID }),
			"hypervisor_id":     one(func(p *Port) policy.HostID { return p.HypervisorID }),
			"iface_id":          one(func(p *Port) string { return p.IfaceID }),
			"mac":               one(func(p *Port) string { return p.MAC.String() }),
			"address":           addressesOf,
			"state":             one(func(p *Port) policy.PortState { return p.State }),
			"security_group_id": many(func(p *Port) []policy.GroupID { return p.SecurityGroupIDs }),
		},
	},
	{
		kind: policy.KindGroup, path: "security-groups", write: true, parts: "rules", drop: groupRemovalParams,
		blank: func() any { return new(Group) }, save: saveGroup, remove: removeGroup,
		view: func(rd *reader, o policy.Object) any { return rd.group(o.(*policy.Group)) },
		filter: map[string]field{
			"name":       one(func(g *Group) string { return g.Name }),
			"project_id": one(func(g *Group) policy.ProjectID { return g.ProjectID }),
			"vpc_id":     one(func(g *Group) policy.VPCID { return g.VPCID }),
			"origin":     one(func(g *Group) policy.Origin { return g.Origin }),
		},
	},
	{
		kind: policy.KindRule, path: "rules", write: true, single: true, place: []string{"before", "after"},
		blank: func() any { return new(Rule) }, save: saveRule, remove: removeRule,
		view: func(rd *reader, o policy.Object) any { return rd.rule(o.(*policy.Rule)) },
		filter: map[string]field{
			"name":                     one(func(r *Rule) string { return r.Name }),
			"security_group_id":        one(func(r *Rule) policy.GroupID { return r.GroupID }),
			"direction":                one(func(r *Rule) policy.Direction { return r.Direction }),
			"protocol":                 one(func(r *Rule) policy.Protocol { return r.Protocol }),
			"remote_security_group_id": one(func(r *Rule) policy.GroupID { return r.Remote.GroupID }),
			"remote_ip_set_id":         one(func(r *Rule) policy.IPSetID { return r.Remote.IPSetID }),
			"remote_subnet_id":         one(func(r *Rule) policy.SubnetID { return r.Remote.SubnetID }),
		},
	},
	{
		kind: policy.KindIPSet, path: "ip-sets", write: true, parts: "entries",
		blank: func() any { return new(IPSet) }, save: saveIPSet, remove: removeIPSet,
		view: func(rd *reader, o policy.Object) any { return rd.ipSet(o.(*policy.IPSet)) },
		filter: map[string]field{
			"name":       one(func(s *IPSet) string { return s.Name }),
			"ip_version": one(func(s *IPSet) string { return strconv.Itoa(s.IPVersion) }),
			"project_id": one(func(s *IPSet) policy.ProjectID { return s.ProjectID }),
		},
	},
	{
		kind: policy.KindProfile, path: "profiles", write: true,
		blank: func() any { return new(Profile) }, view: asStored, save: saveProfile, remove: removeProfile,
		filter: map[string]field{
			"name":           one(func(p *Profile) string { return p.Name }),
			"when_no_groups": one(func(p *Profile) policy.NoGroups { return p.WhenNoGroups }),
			"evaluation":     one(func(p *Profile) policy.Evaluation { return p.Evaluation }),
		},
	},
	{
		kind: policy.KindToken, path: "tokens", write: true,
		create: (*call).createToken,
		view:   func(rd *reader, o policy.Object) any { return rd.token(o.(*policy.Token)) },
		filter: map[string]field{
			"name":       one(func(t *Token) string { return t.Name }),
			"role":       one(func(t *Token) policy.Role { return t.Role }),
			"project_id": one(func(t *Token) policy.ProjectID { return t.ProjectID }),
		},
	},
}

func asStored(_ *reader, o policy.Object) any { return o }

func addressesOf(v any) (out []string) {
	for _, a := range v.(*Port).Addresses {
		out = append(out, a.String())
	}
	return out
}

// resourceOf finds the row of a kind; it is nil for kinds that have none.
func resourceOf(k policy.Kind) *resource {
	for i := range resources {
		if resources[i].kind == k {
			return &resources[i]
		}
	}
	return nil
}

// routes are the rows that the resource adds to the table of routes.
func (rs *resource) routes() []route {
	collection, item := "/v1/"+rs.path, "/v1/"+rs.path+"/{id}"
	lists := []string{"page_size", "page_token"}
	for name := range rs.filter {
		lists = append(lists, name)
	}
	var waits []string
	if rs.kind == policy.KindPort {
		waits = []string{"wait", "timeout"}
	}
	bind := func(h func(*call, *resource) error) func(*call) error {
		return func(c *call) error { return h(c, rs) }
	}
	out := []route{
		{http.MethodGet, collection, on(rs.kind, policy.MaySee), lists, bind((*call).listObjects)},
		{http.MethodGet, item, on(rs.kind, policy.MaySee), waits, bind((*call).getObject)},
	}
	if !rs.write {
		return out
	}
	if !rs.single {
		create := (*call).createObject
		if rs.create != nil {
			create = rs.create
		}
		out = append(out, route{http.MethodPost, collection, on(rs.kind, policy.MayCreate), nil, bind(create)})
	}
	if rs.kind != policy.KindToken { // A token is replaced by another one, never changed.
		out = append(out,
			route{http.MethodPut, item, on(rs.kind, policy.MayCreate|policy.MayChange), rs.place, bind((*call).putObject)},
			route{http.MethodPatch, item, on(rs.kind, policy.MayChange|policy.MayAttach), rs.place, bind((*call).patchObject)})
	}
	return append(out, route{http.MethodDelete, item, on(rs.kind, policy.MayDelete), rs.drop, bind((*call).deleteObject)})
}

// location is where an object of the resource is found.
func (rs *resource) location(id string) string { return "/v1/" + rs.path + "/" + url.PathEscape(id) }

func (rs *resource) word() string { return strings.ReplaceAll(string(rs.kind), "-", " ") }
