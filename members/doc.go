// Package members knows who is in a group: which prefixes are listed in which sets, what changes when one is added or
// removed, and a mirror of the groups in Redis for everyone else.
//
//	ports, groups ──► Directory.Add / Remove ──► []Delta ──► flows of the prefixes that changed
//	                                               │
//	                                            Updates
//	                                               ▼
//	                                     Mirror.Offer ──► Redis
//
// The Directory is the truth and lives in memory; it is pure and has no lock. The Mirror is a cache of it that nothing waits
// for: Redis may be slow, stalled, emptied or gone, and the mirror heals it when it can.
//
// # What is in Redis
//
//	conjunct:epoch          string  the epoch whose groups are all there; absent or another: incomplete, ask the API
//	conjunct:{GROUP}:v4     set     members: 10.0.0.7, or a CIDR where a port may use more than one address
//	conjunct:{GROUP}:v6     set     likewise
//	conjunct:{GROUP}:state  hash    epoch, revision, v4, v6: the store's revision of both sets, and how many are in each
//	conjunct:changes        stream  kind, group, epoch, revision, added, removed
//
// A group's three keys change together, so that whoever reads them in one MULTI sees one revision of the group. An address
// is in the set while any VPC has it as a member. A set without members is absent, as everywhere in Redis; a group that does
// not exist has no state either. Redis takes up to a million members of a group.
//
// The stream tells what changed: kind change with the members that came and left, space-separated; reset when there is too
// much to tell or what was there was not known, which asks for reading the sets; remove when the group is gone. A reader
// takes the stream's last id, reads the sets, follows from that id, and passes over entries whose revision its sets have
// reached. What somebody else wrote into the sets is not told; that it was put right may be.
package members
