package api

import (
	"fmt"
	"net/http"
	"strings"
)

// healthz answers as long as the process turns.
func (c *call) healthz() error {
	if _, err := c.flag("verbose"); err != nil {
		return err
	}
	return c.text(http.StatusOK, wordOK+"\n")
}

// readyz answers 200 when the store can be written and every check that is not optional passes. With verbose it says how each went.
func (c *call) readyz() error {
	verbose, err := c.flag("verbose")
	if err != nil {
		return err
	}
	status, words := http.StatusOK, wordOK
	var lines strings.Builder
	for _, r := range c.checks(c.r.Context()) {
		mark := "[+]"
		if r.err != nil {
			mark = "[-]"
			if !r.optional {
				status, words = http.StatusServiceUnavailable, "not ready"
			}
		}
		fmt.Fprintf(&lines, "%s %s %s\n", mark, r.name, r.word())
	}
	if !verbose && status == http.StatusOK {
		lines.Reset()
	}
	return c.text(status, lines.String()+words+"\n")
}

func (c *call) serveMetrics() error {
	c.metrics.handler.ServeHTTP(c.w, c.r)
	return nil
}

// text sends a plain text body.
func (c *call) text(status int, body string) error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write([]byte(body)) // Who hung up needs no answer.
	return nil
}
