package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/policy"
	"conjunct/policy/policytest"
)

// The platform's rules are listed with what they have decided, also where they hold at a port.
func TestPlatformRules(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	guard := policy.Hits{Packets: 3, Bytes: 222, LastHit: &at}
	w.hosts.Set(func(h *policytest.Reported) { h.PlatformHits = only(policy.Platform("smtp-guard").Number, guard) })
	rules, err := w.PlatformRules(t.Context())
	require.NoError(t, err)
	require.Len(t, rules, len(policy.PlatformRules))
	for i, r := range rules {
		is := policy.PlatformRules[i]
		require.Equal(t, is.Name, r.ID)
		require.Equal(t, is.Action, r.Action)
		require.Equal(t, is.Direction, r.Direction)
		require.Equal(t, is.Description, r.Description)
		if is.Switch == policy.SwitchSMTPGuard {
			require.Equal(t, guard, *r.Hits)
		} else {
			require.Zero(t, *r.Hits)
		}
	}

	w.cloud()
	w.put("/v1/vpcs/open", `{"name": "open", "project_id": "prj", "profile": "open-until-ruled"}`)
	w.put("/v1/subnets/mail", `{"name": "mail", "vpc_id": "open", "cidrs": ["10.0.0.0/24"], "vlan": 11}`)
	w.put("/v1/ports/web-1", `{"instance_id": "web", "subnet_id": "mail", "mac": "fa:16:3e:00:00:02", "addresses": ["10.0.0.10"]}`)
	lifted := []api.LiftedRule{}
	guards := func(port policy.PortID) (found []policy.Hits) {
		all, err := w.EffectiveRules(t.Context(), port)
		require.NoError(t, err)
		lifted = all.Lifted
		for _, r := range all.Items {
			if r.Platform != nil && r.Platform.ID == "smtp-guard" {
				require.Equal(t, policy.TierPlatform, r.Tier)
				require.Equal(t, policy.Drop, r.Action)
				require.Equal(t, "profile open-until-ruled has smtp_guard on, and project acme has smtp_allowed off", r.Reason)
				found = append(found, *r.Platform.Hits)
			}
		}
		return found
	}
	require.Equal(t, []policy.Hits{guard}, guards("web-1"), "A-083: the guard holds where the profile has it")
	require.Empty(t, lifted)
	require.Empty(t, guards("web-0"))
	require.Empty(t, lifted, "a profile without the guard lifts nothing")
	w.put("/v1/projects/prj", `{"name": "acme", "smtp_allowed": true}`)
	require.Empty(t, guards("web-1"), "A-083: and not in a project that may send mail")
	require.Len(t, lifted, 1)
	require.Equal(t, "smtp-guard", lifted[0].Platform.ID)
	require.Equal(t, "profile open-until-ruled has smtp_guard on, and project acme has smtp_allowed on", lifted[0].Reason)

	w.put("/v1/projects/prj", `{"name": "acme"}`)
	user := w.as(w.ofRoles()[policy.RoleUser])
	rules, err = user.PlatformRules(t.Context())
	require.NoError(t, err)
	for _, r := range rules {
		require.Nil(t, r.Hits, "a user does not see what other projects send")
	}
}
