package ovsdb

import (
	"context"
	"encoding/json"
	"fmt"
)

// Echo asks the peer for a sign of life (RFC 7047 section 4.1.11). Conn does so by
// itself when the peer is silent.
func (c *Conn) Echo(ctx context.Context) error {
	_, err := c.Call(ctx, "echo")
	return err
}

// Databases lists what the server holds (RFC 7047 section 4.1.1).
func (c *Conn) Databases(ctx context.Context) ([]string, error) {
	raw, err := c.Call(ctx, "list_dbs")
	if err != nil {
		return nil, err
	}
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		return nil, fmt.Errorf("%w: result of list_dbs: %w", errFrame, err)
	}
	return names, nil
}
