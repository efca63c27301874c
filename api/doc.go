// Package api is the REST contract of Conjunct: its server, its Go client and the document that describes both.
//
//	request ──► middleware ──► route ──► decode ──► change ──► Objects.Update ──► answer
//	            id, token,     table     strict,    pure, on               the object as stored,
//	            role, limits             all        a policy.Tx            or a Problem
//	                                     findings
//
// What may be asked is data: the routes and who may use them (routes.go), the resources (resources.go), which error is
// which status (problem.go). What is written is a function of a policy.Tx (change_*.go) that the REST handlers
// and the manifests share; whether the result is valid, unique and free of conflicts is for the store to judge, once, on
// the state that the whole transaction leaves behind.
//
// The package knows the store and the controller by two interfaces, Objects and policy.Inspector. The contract's words are in
// openapi.yaml, which the server hands out and every request of the tests is checked against.
package api
