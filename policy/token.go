package policy

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"
)

// Role says what the bearer of a token may do; the API holds the table of it.
type Role string

const (
	RoleAdmin       Role = "admin"       // sees and changes everything
	RoleProvisioner Role = "provisioner" // reads, and writes VPCs, subnets, instances and ports
	RoleUser        Role = "user"        // is bound to one project
	RoleViewer      Role = "viewer"      // reads
)

// Roles lists every role.
var Roles = []Role{RoleAdmin, RoleProvisioner, RoleUser, RoleViewer}

// TokenDigest is the SHA-256 of a token's secret. The secret itself is 160 random bits, so that no slower hash is needed.
type TokenDigest [sha256.Size]byte

// Token lets its bearer use the API. The secret is shown once, when the token is made; only its digest is kept.
type Token struct {
	Meta
	Name string `json:"name"`
	Role Role   `json:"role"`
	// ProjectID is the project that a user is bound to; empty for the other roles.
	ProjectID ProjectID `json:"project_id"`
	// ExpiresAt is when the token ends; nil: never.
	ExpiresAt *time.Time `json:"expires_at"`
	// Digest is for the store alone and never leaves the API.
	Digest TokenDigest `json:"digest"`
}

func (t *Token) Kind() Kind        { return KindToken }
func (t *Token) Label() string     { return labelOr(t.Name, t.ID) }
func (t *Token) References() []Ref { return refer(nil, KindProject, t.ProjectID, "/project_id") }
func (t *Token) Clone() Object     { c := *t; return &c }

// MarshalText writes the digest in base64.
func (d TokenDigest) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(d[:])), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *TokenDigest) UnmarshalText(b []byte) error {
	v, err := base64.StdEncoding.DecodeString(string(b))
	if err == nil {
		copy(d[:], v)
	}
	return err
}

// tokenMark begins every secret, so that scanners for leaked secrets can find one.
const tokenMark = "cjt_"

// NewTokenSecret makes the secret of the token with the id, and its digest. The id is part of the secret: it is found
// without a search.
func NewTokenSecret(id string) (secret string, digest TokenDigest) {
	var b [20]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails.
	secret = tokenMark + id + "_" + strings.ToLower(idEncoding.EncodeToString(b[:]))
	return secret, sha256.Sum256([]byte(secret))
}

// TokenIDOf is the id of the token that a secret claims to be of.
func TokenIDOf(secret string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(secret, tokenMark)
	end := strings.LastIndexByte(rest, '_')
	if !ok || end < 1 {
		return "", false
	}
	return rest[:end], true
}

// Matches reports, in a time that does not depend on where they differ, whether the secret is the token's.
func (t *Token) Matches(secret string) bool {
	d := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(d[:], t.Digest[:]) == 1
}

// Expired reports whether the token has ended by the time.
func (t *Token) Expired(at time.Time) bool { return t.ExpiresAt != nil && !at.Before(*t.ExpiresAt) }

func (f *findings) token(o *Token) {
	f.name(o.Name)
	oneOf(f, "/role", o.Role, Roles...)
	switch {
	case o.Role == RoleUser && o.ProjectID == "":
		f.add("/project_id", "required", "a token of the role %s belongs to a project; give its project_id", RoleUser)
	case o.Role != RoleUser && o.ProjectID != "":
		f.add("/project_id", "project-not-allowed", "role %q is not bound to a project; leave project_id out", o.Role)
	}
	if o.Digest == (TokenDigest{}) {
		f.add("/digest", "required", "a token has the digest of a secret")
	}
}
