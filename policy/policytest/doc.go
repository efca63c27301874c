// Package policytest makes random worlds and the packets that are worth trying in them, for tests that hold a faster path
// against policy.Decide. The same seed makes the same world.
package policytest
