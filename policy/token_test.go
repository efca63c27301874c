package policy

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTokenSecretLeadsToItsTokenAndToNoOther(t *testing.T) {
	secret, digest := NewTokenSecret("tok_with_underscores")
	id, ok := TokenIDOf(secret)
	require.True(t, ok)
	require.Equal(t, "tok_with_underscores", id)

	token := &Token{Meta: Meta{ID: id}, Name: "ci", Role: RoleViewer, Digest: digest}
	require.True(t, token.Matches(secret))
	require.False(t, token.Matches(secret+"x"))
	require.False(t, token.Matches(""))

	for _, bad := range []string{"", "cjt_", "cjt__x", "Bearer", "cjt_noend", "other_" + secret} {
		_, ok := TokenIDOf(bad)
		require.False(t, ok, bad)
	}
}

func TestTokenIsStoredAsDigestOnly(t *testing.T) {
	secret, digest := NewTokenSecret("tok-1")
	token := &Token{Meta: Meta{ID: "tok-1"}, Name: "ci", Role: RoleAdmin, Digest: digest}
	b, err := json.Marshal(token)
	require.NoError(t, err)
	require.NotContains(t, string(b), secret[len("cjt_tok-1_"):])
	back := new(Token)
	require.NoError(t, json.Unmarshal(b, back))
	require.True(t, back.Matches(secret))
}

func TestTokenEnds(t *testing.T) {
	end := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	token := &Token{ExpiresAt: &end}
	require.False(t, token.Expired(end.Add(-time.Second)))
	require.True(t, token.Expired(end))
	require.False(t, (&Token{}).Expired(end))
}

func TestTokenFindings(t *testing.T) {
	_, digest := NewTokenSecret("tok-1")
	s := NewSnapshot("")
	s.Put(&Project{Meta: Meta{ID: "prj-1"}, Name: "p"})
	for _, c := range []struct {
		name string
		edit func(*Token)
		want string
	}{
		{"valid", func(*Token) {}, ""},
		{"no name", func(o *Token) { o.Name = "" }, "/name required"},
		{"unknown role", func(o *Token) { o.Role = "root" }, "/role value-invalid"},
		{"user without project", func(o *Token) { o.Role = RoleUser }, "/project_id required"},
		{"user with project", func(o *Token) { o.Role, o.ProjectID = RoleUser, "prj-1" }, ""},
		{"admin with project", func(o *Token) { o.ProjectID = "prj-1" }, "/project_id project-not-allowed"},
		{"no digest", func(o *Token) { o.Digest = TokenDigest{} }, "/digest required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &Token{Meta: Meta{ID: "tok-1"}, Name: "ci", Role: RoleAdmin, Digest: digest}
			c.edit(o)
			got := ""
			for _, f := range Validate(o, s) {
				got += f.Pointer + " " + f.Code
			}
			require.Equal(t, c.want, got)
		})
	}
}
