package flows

import (
	"fmt"

	"conjunct/policy"
)

// CookieKind says what stands behind a flow.
type CookieKind uint8

// The kinds. The number of a cookie is that of the object named here.
const (
	CookiePipeline  CookieKind = 1 // the pipeline itself; 0
	CookiePort      CookieKind = 2 // a port
	CookieSegment   CookieKind = 3 // a subnet
	CookieRule      CookieKind = 4 // a rule: its conj_id flow or its plain flow
	CookieComponent CookieKind = 5 // a component; its conjunction actions name the rules; 0
	CookieMember    CookieKind = 6 // an address of groups; the VPC
	CookieEntry     CookieKind = 7 // a prefix of IP sets; 0
	CookiePlatform  CookieKind = 8 // a platform rule
	CookieProfile   CookieKind = 9 // an opening by the profile; 0
)

var cookieWords = map[CookieKind]string{
	CookiePipeline: "pipeline", CookiePort: "port", CookieSegment: "segment", CookieRule: "rule", CookieComponent: "component",
	CookieMember: "member", CookieEntry: "ip-set", CookiePlatform: "platform", CookieProfile: "profile",
}

func (k CookieKind) String() string {
	if w, ok := cookieWords[k]; ok {
		return w
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A cookie says who owns a flow and why it is there:
//
//	63      56 55      48 47                                        0
//	┌─────────┬──────────┬───────────────────────────────────────────┐
//	│ 0xc0    │ kind     │ number of the port, segment, rule, …      │
//	└─────────┴──────────┴───────────────────────────────────────────┘
const (
	// CookieOwner in the upper byte marks a flow as ours; CookieOwnerMask selects it.
	CookieOwner     uint64 = 0xc0 << 56
	CookieOwnerMask uint64 = 0xff << 56
)

// Cookie builds a cookie.
func Cookie(k CookieKind, n policy.Number) uint64 {
	return CookieOwner | uint64(k)<<48 | uint64(n)
}

// ParseCookie splits a cookie; ours is false when another wrote it.
func ParseCookie(c uint64) (k CookieKind, n policy.Number, ours bool) {
	return CookieKind(c >> 48), policy.Number(c & 0xffffffff), c&CookieOwnerMask == CookieOwner
}
