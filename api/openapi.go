package api

import (
	_ "embed"
	"net/http"
)

// Document is the contract as an OpenAPI 3 document.
//
//go:embed openapi.yaml
var Document []byte

func (c *call) openapi() error {
	c.w.Header().Set("Content-Type", "application/yaml")
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(Document) // Who hung up needs no answer.
	return nil
}
