// Package controller keeps every bridge equal to what it should be.
//
//	store ──batches──► model ──poke──► host ──bundle──► switch
//	                     ▲               │ ▲  ◄─barrier──┘
//	hypervisor's ovsdb ──┘ seating       │ └─ compare: dump, difference
//	              ▲                      ▼
//	              └──installed marks── confirmed ──► status
//
// The model is one place under one lock: everything that is wanted, and per host what its bridge should hold (flows.Host),
// changed in proportion to what changed. A batch of the store names what to look at; what is there is looked up, listed in
// the directories of members, and told to the hosts that refer to it.
//
// A host has two connections. Over OVSDB it is asked who it is and who sits where, its bridge is made what it must be, and it is
// told which ports are installed. Over OpenFlow its flows are changed. The datapath id, which the controller gives the
// bridge, tells which host a switch belongs to. Either side's newer connection replaces the older.
//
// # The loop of a host
//
//	connecting ──► adopting ──► in sync ◄─┐
//	                  ▲            │      │ flush: one bundle, one barrier
//	                  └── unknown ◄┴──────┘ compare: on a timer
//
// Adopting means: dump, compare, send the difference; never wipe. Nothing is compared before the database has told who sits
// where. In sync, a change is sent at once; what changes while a bundle is under way goes out with the next. Whatever
// fails without a certain outcome makes the state unknown, and the bridge is compared. A flow that the switch refuses is
// left out, reported, and tried again at the next comparison.
//
// # What is guaranteed
//
//   - A revision is applied on a host when the switch has answered the barrier behind its flows.
//   - A port passes nothing before its flows are confirmed; the mark conjunct-installed on its interface says so, and is
//     taken away before its flows change hands.
//   - Connections that another port has left in a conntrack zone are flushed before a port gets that zone.
//   - A controller that comes or goes changes nothing on a bridge that is as it should be.
//   - A port number that the switch gives away means nobody until the database has said whose it is.
//   - Tables from 64 on, and flows of others where configuration says so, are not touched.
package controller
