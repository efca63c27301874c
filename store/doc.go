// Package store keeps the objects of policy in etcd: one transaction, one revision, all of it or nothing.
//
//	Update(fn) ──► transaction ──► judge ──► plan ──► etcd Txn ──► watch ──► workspace, mirror ──► batches
//	                 fn's writes    policy's   compares  decides     revision   what this process   to whoever
//	                 on the         findings,  and       by key      order      knows               watches
//	                 workspace      conflicts  writes
//
// Keys, all below one prefix:
//
//	<kind>/<id>                                   the object as JSON; its revision is the key's
//	unique/<scope>/<value>                        → kind/id of the one object that may have it
//	ref/<kind>/<id>/<holder's kind>/<holder's id> the second object refers to the first
//	number/<kind>                                 the last number that was handed out
//	fence/<process>                               bars that process's commits whose answer got lost
//	<prefix>.audit/<time left>-<random>           a record of who changed what; beside the prefix, so that nobody watches it
//	health, generation                            written for the sake of writing
//
// What decides is etcd's compare and never a look before the write: an object is written over only as it was read, a
// unique value taken only while its key is absent, a reference made only to what is as it was read (and what that refers
// to, in turn), and an object deleted or changed only while nobody has come to refer to it, or changed and refers to it,
// since it was read. A transaction that loses such a race runs again on the newer state. Two transactions conflict
// only where they touch the same things: a thousand ports are created in one subnet side by side.
//
// Rules and attachments belong to their group and entries to their IP set: they go with their owner, in its
// transaction. Every other reference holds what it refers to: deleting that is a *policy.Conflict that lists the holders.
//
// Everything a transaction changes is one transaction of etcd, however large: ten thousand entries of an IP set are
// some thirty thousand of MaxOperations. What is larger is refused whole, as transaction-too-large.
//
// One machine runs etcd inside the process, without any listener; many name their etcd cluster. Both take the same path
// through clientv3. An external etcd has to be started with --max-txn-ops and --max-request-bytes of at least
// MaxOperations and MaxRequest (Open asks for the former), and with compaction: its --auto-compaction-retention is how far
// back Since reaches, as Retention is for the embedded one.
package store
