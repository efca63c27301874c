// Package tlstest makes authorities and certificates for tests.
package tlstest
