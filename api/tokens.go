package api

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"conjunct/policy"
)

// createToken makes a token. Its secret is in this answer and nowhere else.
func (c *call) createToken(rs *resource) error {
	doc, _, err := c.body(typeJSON)
	if err != nil {
		return err
	}
	in := new(Token)
	if err := decodeStrict(doc, in); err != nil {
		return err
	}
	id := policy.NewID(policy.KindToken)
	secret, digest := policy.NewTokenSecret(id)
	token := &policy.Token{Name: in.Name, Role: in.Role, ProjectID: in.ProjectID, ExpiresAt: in.ExpiresAt, Digest: digest}
	if token.Expired(c.Clock()) {
		return invalid("/expires_at", "expired", "%s is past", in.ExpiresAt)
	}
	return c.mutate(mutation{
		apply: func(ch *change) error {
			return ch.saveObject(id, token)
		},
		answer: func(rd *reader) (any, error) {
			v, err := show(rd, rs, id)
			if err != nil {
				return nil, err
			}
			out := v.(*Token)
			out.Secret = secret
			return out, nil
		},
		status: func() int { return c.created(rs, id) },
	})
}

// AdminTokenFile is where the token of the first start lies in the data directory.
const AdminTokenFile = "admin.token"

// EnsureAdminToken makes a token of role admin and writes it to <dir>/admin.token, readable by its owner alone, unless the
// store has a token of that role. It returns the file's path when it wrote one. A file whose token is not in
// the store (of another store, or of a start that was cut short) is replaced.
func EnsureAdminToken(ctx context.Context, objects Objects, dir string) (path string, err error) {
	exists := false
	objects.View(func(s *policy.Snapshot) {
		exists = len(policy.List(s, func(t *policy.Token) bool { return t.Role == policy.RoleAdmin })) > 0
	})
	if exists {
		return "", nil
	}
	id := policy.NewID(policy.KindToken)
	secret, digest := policy.NewTokenSecret(id)
	path = filepath.Join(dir, AdminTokenFile)
	// The file comes first: a token in the store that nobody knows would lock everybody out.
	if err := writeSecret(path, secret); err != nil {
		return "", fmt.Errorf("write the admin token: %w", err)
	}
	_, err = objects.Update(ctx, func(tx policy.Tx) error {
		if others := policy.List(tx.Snapshot(), func(t *policy.Token) bool { return t.Role == policy.RoleAdmin }); len(others) > 0 {
			return errOtherAdmin
		}
		return tx.Put(&policy.Token{Meta: policy.Meta{ID: id}, Name: id, Role: policy.RoleAdmin, Digest: digest})
	})
	if errors.Is(err, errOtherAdmin) { // Another controller of the cluster was first.
		return "", os.Remove(path)
	}
	if err != nil {
		return "", fmt.Errorf("store the admin token: %w", err)
	}
	return path, nil
}

var errOtherAdmin = errors.New("there is an admin token")

// writeSecret replaces a file by one that only its owner can read, whole or not at all.
func writeSecret(path, secret string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".token-*") // Mode 0600.
	if err != nil {
		return err
	}
	_, err = f.WriteString(secret + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
