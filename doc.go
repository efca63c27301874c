// Package conjunct is the root of a central controller of security groups for Open vSwitch. It holds no code: the
// packages below it do, and a test here keeps their imports in one direction.
//
//	provisioning system, CLI
//	        | REST
//	        v
//	      api ──► store (etcd) ──watch──► controller: model ──► flows ──► openflow bundle ──► bridge
//	                                        │  ▲                              │ barrier
//	                   members (Redis) ◄────┘  └───────── applied revision ◄──┘
//	                                           ▲
//	                   ovsdb monitor (ports of each hypervisor)
package conjunct
