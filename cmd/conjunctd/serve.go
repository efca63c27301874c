package main

import (
	"context"
)

func serve(ctx context.Context, c *Config) error { return nil }
