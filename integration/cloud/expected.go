package cloud

import "conjunct/policy"

// TiersServices are tried between every pair of the worked example, TiersHosts are those hosts.
var (
	TiersServices = []Service{22, 80, 443, 3306, 8080, 0}
	TiersHosts    = []string{Internet, "jumphost", "web", "app", "database"}
)

// TiersAllowed is what the worked example allows, and nothing else.
var TiersAllowed = Matrix{
	Internet:   {"jumphost": "22", "web": "80,443"},
	"jumphost": {"web": "22", "app": "22", "database": "22"},
	"web":      {"app": "8080"},
	"app":      {"database": "3306"},
}

// TiersAllowed6 is the same in IPv6: the manifest lets 0.0.0.0/0 in, which is nobody of IPv6.
var TiersAllowed6 = Matrix{
	"jumphost": TiersAllowed["jumphost"], "web": TiersAllowed["web"], "app": TiersAllowed["app"],
}

// What the comparison of profiles tries: SMTP too, two VMs that have no group, and a metadata service.
var (
	ProfileServices  = []Service{22, 25, 80, 443, 3306, 8080, 0}
	ProfileSenders   = []string{Internet, "jumphost", "web", "app", "database", "plain-1", "plain-2"}
	ProfileReceivers = append(ProfileSenders[:len(ProfileSenders):len(ProfileSenders)], Metadata)
)

// Cells of a matrix in which all services answer, or all but SMTP.
const (
	Everything = "22,25,80,443,3306,8080,p"
	ButSMTP    = "22,80,443,3306,8080,p"
)

// ProfileMatrices is what the worked example's manifest means under each of the profiles, in IPv4. The VMs with groups differ
// where a direction has no rule (database has no egress rule), those without by the default group.
var ProfileMatrices = map[policy.ProfileName]Matrix{
	policy.ProfileIsolated: with(TiersAllowed, Matrix{
		"plain-1": {Internet: Everything, Metadata: Everything, "jumphost": "22", "web": "80,443"},
		"plain-2": {Internet: Everything, Metadata: Everything, "jumphost": "22", "web": "80,443"},
	}),
	policy.ProfileSubnetTrust: with(TiersAllowed, Matrix{
		"plain-1": {Internet: Everything, Metadata: Everything, "jumphost": "22", "web": "80,443", "plain-2": Everything},
		"plain-2": {Internet: Everything, Metadata: Everything, "jumphost": "22", "web": "80,443", "plain-1": Everything},
	}),
	policy.ProfileOrdered: TiersAllowed,
	policy.ProfileVPCLocked: with(TiersAllowed, Matrix{
		"plain-1":  {Internet: Everything, Metadata: Everything, "jumphost": "22", "web": "80,443"},
		"plain-2":  {Internet: Everything, Metadata: Everything, "jumphost": "22", "web": "80,443"},
		"jumphost": {Metadata: "80"}, "web": {Metadata: "80"}, "app": {Metadata: "80"}, "database": {Metadata: "80"},
	}),
	policy.ProfileOpenUntilRuled: with(TiersAllowed, Matrix{
		Internet:   {"plain-1": Everything, "plain-2": Everything},
		"plain-1":  {Internet: ButSMTP, Metadata: ButSMTP, "jumphost": "22", "web": "80,443", "plain-2": ButSMTP},
		"plain-2":  {Internet: ButSMTP, Metadata: ButSMTP, "jumphost": "22", "web": "80,443", "plain-1": ButSMTP},
		"database": {Internet: ButSMTP, Metadata: ButSMTP, "jumphost": "22", "web": "80,443", "plain-1": ButSMTP, "plain-2": ButSMTP},
	}),
}

// with is the matrix with these pairs beside its own.
func with(m Matrix, more Matrix) Matrix {
	out := Matrix{}
	for _, side := range []Matrix{m, more} {
		for from, row := range side {
			for to, services := range row {
				if out[from] == nil {
					out[from] = map[string]string{}
				}
				out[from][to] = services
			}
		}
	}
	return out
}
