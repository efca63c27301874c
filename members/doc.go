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
package members
