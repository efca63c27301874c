package integration

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/api"
	"conjunct/integration/cloud"
	"conjunct/integration/lab"
	"conjunct/policy"
)

// TestA083_SMTPGuard sends mail: under a profile with the guard no VM gets out on TCP 25, whatever its groups say and without any,
// until its project may; others may send to it, and a profile without the guard leaves it to the rules.
func TestA083_SMTPGuard(t *testing.T) {
	const smtp, web = 25, 80
	w := newTown(t)
	profile := func(name policy.ProfileName) {
		_, err := w.API.VPCs().Patch(w.ctx, "v", map[string]any{"profile": name}, api.WaitApplied(cloud.Patience))
		w.Must(err)
	}
	allowed := func(is bool) {
		_, err := w.API.Projects().Patch(w.ctx, "p", map[string]any{"smtp_allowed": is}, api.WaitApplied(cloud.Patience))
		w.Must(err)
	}
	guard := func() (h policy.Hits) {
		rules, err := w.API.PlatformRules(w.ctx)
		w.Must(err)
		for _, r := range rules {
			if r.ID == "smtp-guard" {
				h = *r.Hits
			}
		}
		return h
	}
	profile(policy.ProfileOpenUntilRuled)
	sender := w.vm("sender", "hv1", 1)
	near := w.vm("near", "hv1", 2)
	far := w.vm("far", "hv2", 3)
	outside := w.Outside(lab.Outside{Name: "outside", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.200/24"), netip.MustParsePrefix("fd00::200/64")}})
	for _, h := range []*lab.Host{sender.Host, near.Host, far.Host, outside} {
		h.ListenTCP(smtp, web)
	}
	peers := []*lab.Host{near.Host, far.Host, outside}
	mail := func(passes bool) {
		t.Helper()
		for _, to := range peers {
			for _, p := range both(to, tcpTo(smtp)) {
				if passes {
					w.passes(sender.Host, p)
				} else {
					w.stops(sender.Host, p)
				}
			}
			for _, p := range both(to, tcpTo(web)) {
				w.passes(sender.Host, p)
			}
		}
	}
	require.Zero(t, guard())
	mail(false) // without any group
	var before policy.Hits
	w.Until("the guard has counted", func() bool { before = guard(); return before.Packets >= uint64(2*len(peers)) })
	require.NotNil(t, before.LastHit)
	rules, err := w.API.EffectiveRules(w.ctx, "sender")
	w.Must(err)
	row := false
	for _, r := range rules.Items {
		row = row || r.Platform != nil && r.Platform.ID == "smtp-guard" && r.Action == policy.Drop
	}
	require.True(t, row, "the guard is among the effective rules")

	w.group("all", egress(policy.All), ingress(policy.All))
	w.assign("sender", "all")
	mail(false) // with every rule there can be
	for _, p := range both(sender.Host, tcpTo(smtp)) {
		w.passes(outside, p) // mail comes in
	}
	w.Until("the guard has counted more", func() bool { return guard().Packets > before.Packets })

	allowed(true)
	mail(true)
	mx := w.Plug("hv2", "mx", w.declare("mx", "lan", 4))
	other := sender.StreamTCP(mx.Host, netip.AddrPortFrom(mx.Addr4(), smtp+1))
	mails := []*lab.Stream{
		sender.StreamTCP(mx.Host, netip.AddrPortFrom(mx.Addr4(), smtp)), sender.StreamTCP(mx.Host, netip.AddrPortFrom(mx.Addr6(), smtp)),
	}
	for _, s := range mails {
		require.True(t, s.Down.GoesOn(5*time.Second))
	}
	allowed(false)
	for _, s := range mails {
		_, stopped := s.Down.Stops(300*time.Millisecond, 5*time.Second)
		require.True(t, stopped, "an open connection is cut")
	}
	require.True(t, other.Down.GoesOn(5*time.Second), "and no other")
	allowed(true)
	for _, s := range mails {
		require.True(t, s.Down.GoesOn(10*time.Second), "it goes on")
	}
	allowed(false)
	mail(false)
	profile(policy.ProfileIsolated)
	w.assign("near", "all")
	w.assign("far", "all")
	mail(true) // rules decide
	w.group("all", egress(policy.TCP, web), ingress(policy.All))
	mail(false)
}
