package policy

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"regexp"
	"strings"
)

// Identities are distinct types, so that a group can't be handed over where a port is meant. All of them match NamePattern.
type (
	ProjectID    string
	VPCID        string
	SubnetID     string
	HostID       string
	InstanceID   string
	PortID       string
	GroupID      string
	RuleID       string
	IPSetID      string
	EntryID      string
	AttachmentID string
	ProfileName  string
	// Endpoint is where an OVSDB server is reached, in Open vSwitch's notation: tcp:ADDR:PORT, ssl:ADDR:PORT, unix:PATH.
	Endpoint string
)

// An optional reference that is absent is null in JSON, not "".

func (id ProjectID) MarshalJSON() ([]byte, error)   { return nullable(string(id)) }
func (id VPCID) MarshalJSON() ([]byte, error)       { return nullable(string(id)) }
func (id HostID) MarshalJSON() ([]byte, error)      { return nullable(string(id)) }
func (id ProfileName) MarshalJSON() ([]byte, error) { return nullable(string(id)) }
func (e Endpoint) MarshalJSON() ([]byte, error)     { return nullable(string(e)) }

func nullable(s string) ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(s)
}

// Number is given once by the store to an object of a kind and never to another of that kind. It is what the switch
// sees of the object: a rule's conj_id, a group in a class, a VPC in reg0, a segment in reg6, the object part of a cookie.
// 0 means that none was given. Numbers stay below 1<<32.
type Number uint32

// NamePattern is what every id and every name of an object matches.
const NamePattern = `^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`

var nameRegexp = regexp.MustCompile(NamePattern)

// ValidName reports whether s may stand as an id or a name.
func ValidName(s string) bool { return nameRegexp.MatchString(s) }

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an id for an object of the kind: its prefix and 80 random bits, such as sg-7q2m….
func NewID(k Kind) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails.
	return k.Prefix() + "-" + strings.ToLower(idEncoding.EncodeToString(b[:]))
}
