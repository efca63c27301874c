// Command proofs reads what `go test -json` writes, shows of it what `go test` would, and holds the requirements
// (docs/requirements.tsv) against the tests that ran. A test proves a requirement when its name bears the number: TestA037_…, or
// a subtest "A-037 …"; one test may bear several.
//
//	go test -json ./... | proofs          fail when a test fails or when docs/requirements.md is not what the run shows
//	go test -json ./... | proofs -write   write docs/requirements.md
//
// A requirement without a test needs a reason in the table, and one with a test must have none: so a test can't be lost
// unless somebody writes down why. A test that was skipped (no root, no Open vSwitch) keeps its line.
package main
