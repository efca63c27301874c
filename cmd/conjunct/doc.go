// Command conjunct is how people and scripts speak to conjunctd: it applies manifests, shows objects, and explains what the
// switches do and why.
//
//	conjunct apply -f tiers.yaml            make it so, in one transaction
//	conjunct get security-groups            look at it
//	conjunct explain web database tcp 3306  may it pass, and which rule says so
//	conjunct flows hv1                      the flows that a hypervisor is to have
//	conjunct diff hv1                       and where its bridge differs
//
// It works through the REST API alone. One file holds one verb; kinds.go says what there is to be shown, names.go which
// object a word on the command line means, document.go how an object is written as a manifest, exit.go how a run ends.
package main
