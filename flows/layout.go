package flows

import (
	"conjunct/openflow"
	"conjunct/policy"
)

// Table numbers. Tables 0 to LastTable are ours, whole; the bridge's others are never touched.
const (
	TableClassify    uint8 = 0
	TableAntiSpoof   uint8 = 10
	TableSenderCT    uint8 = 20
	TableSenderJudge uint8 = 21
	TableEgressGroup uint8 = 22
	TableEgressSet   uint8 = 23
	TableEgressRules uint8 = 24
	TableEgressTurns uint8 = 25
	TableEgressOrder uint8 = 27
	TableSenderDone  uint8 = 26
	TableSenderNoted uint8 = 28
	TableSenderWhose uint8 = 29
	TableDestination uint8 = 30
	TableReceiver    uint8 = 31
	TableReceiverCT  uint8 = 40
	TableRecvJudge   uint8 = 41
	TableIngrGroup   uint8 = 42
	TableIngrSet     uint8 = 43
	TableIngrRules   uint8 = 44
	TableIngrTurns   uint8 = 45
	TableIngrOrder   uint8 = 47
	TableRecvDone    uint8 = 46
	TableRecvNoted   uint8 = 48
	TableRecvWhose   uint8 = 49
	TableOutput      uint8 = 50
	TableLocalClass  uint8 = 60
	LastTable        uint8 = 63
)

// Registers.
const (
	RegVPC        = openflow.Reg0
	RegSource     = openflow.Reg1 // port number (ofport) of the sender, also its conntrack zone; 0: the fabric
	RegDest       = openflow.Reg2 // port number of the receiver, also its zone; 0: the fabric
	RegLocalClass = openflow.Reg3
	RegVerdict    = openflow.Reg4
	RegPass       = openflow.Reg5 // number of the ordered group that is being tried
	RegSegment    = openflow.Reg6
	RegLocal      = openflow.Reg7 // port number of whose rules judge: the sender's, then the receiver's
	RegGroupClass = openflow.Reg8
	RegSetClass   = openflow.Reg9
)

// Bits of RegVerdict. An ordered group's verdict stands over the union's, the platform's over both.
const (
	VerdictUnionAllow   = 1 << 0
	VerdictOrderedAllow = 1 << 1
	VerdictOrderedDrop  = 1 << 2
	VerdictPlatformDrop = 1 << 3
	// VerdictPlatformAllow is final as an ordered group's is, and comes before them.
	VerdictPlatformAllow = VerdictOrderedAllow
)

// Further bits of RegVerdict, for fragments alone. In the userspace datapath, fragments come out of connection tracking when their
// packet is complete: before Open vSwitch 3.6 with whichever packet is there next, also another port's, and out of
// ct(commit) too. So a fragment shows after each of both whose it is, and none passes that was not judged.
const (
	fragmentOurs  = 1 << 4 // its zone and its MAC are those of the port at hand
	fragmentNoted = 1 << 5 // it comes out of ct(commit)
)

// tellsCounts makes the switch tell what a flow has counted when the flow goes: those of rules and platform rules have it.
const tellsCounts = openflow.FlowSendRemoved

// Priorities in the rules tables. Within one of them all flows have the same effect.
const (
	PriorityConjunction uint16 = 100
	PriorityPlain       uint16 = 200   // a rule whose only dimension is the local class
	PriorityOpen        uint16 = 150   // a direction that the profile opens
	PriorityGuard       uint16 = 30000 // table 25: what the platform decides about connections
	// PriorityFirstRun is that of run 1 of an ordered group's rules with equal action (Rule.Run); each further number has two
	// less. The plain flows of a run have one more than its conjunctions.
	PriorityFirstRun uint16 = 20000
	PriorityDecided  uint16 = 30000 // it has been decided: ordered groups that come later, and the union groups, have no say
)

// priorityPrefix is the lowest priority of a prefix in a class table; its length is added, so that the longest wins.
const priorityPrefix uint16 = 100

// side is what differs between the two directions of a port.
type side struct {
	direction     policy.Direction
	groups        uint8 // address → class of groups
	sets          uint8 // address → class of IP sets
	rules         uint8
	turns         uint8                  // local class → its ordered groups, one after the other
	order         uint8                  // the rules of the ordered group whose turn it is
	local, remote map[int]openflow.Field // by family: the fields of the original tuple
}

// sides is the table of both directions. An ingress rule's remote opened the connection, so it is the tuple's source.
var sides = map[policy.Direction]side{
	policy.Egress: {
		direction: policy.Egress, groups: TableEgressGroup, sets: TableEgressSet, rules: TableEgressRules, turns: TableEgressTurns, order: TableEgressOrder,
		local:  map[int]openflow.Field{4: openflow.CTNwSrc, 6: openflow.CTIPv6Src},
		remote: map[int]openflow.Field{4: openflow.CTNwDst, 6: openflow.CTIPv6Dst},
	},
	policy.Ingress: {
		direction: policy.Ingress, groups: TableIngrGroup, sets: TableIngrSet, rules: TableIngrRules, turns: TableIngrTurns, order: TableIngrOrder,
		local:  map[int]openflow.Field{4: openflow.CTNwDst, 6: openflow.CTIPv6Dst},
		remote: map[int]openflow.Field{4: openflow.CTNwSrc, 6: openflow.CTIPv6Src},
	},
}

// TableInfo describes a table for people.
type TableInfo struct {
	Number  uint8
	Name    string
	Job     string
	Matches string
	Miss    string
}

// Tables is the pipeline, in order. The documentation is generated from it.
var Tables = []TableInfo{
	{TableClassify, "classify", "Where does the packet come from? A local port gives its VPC, its number and its segment; an uplink's frame gives the VPC and the segment of its VLAN. A tagged frame from a VM has no segment.",
		"in_port, VLAN", "drop: an unknown port has no network at all"},
	{TableAntiSpoof, "anti-spoofing", "A VM sends from its own MAC and addresses only (its allowed pairs included), in IP, ARP and ND; it answers no DHCP and advertises no router unless the port's roles say so. DHCP requests, ARP, ND and MLD go on without rules.",
		"reg1, source MAC and address, ARP and ND fields", "drop"},
	{TableSenderCT, "sender ct", "The packet is looked up in the sender's conntrack zone.", "IP", "drop: neither IP nor ARP"},
	{TableSenderJudge, "sender judge", "Not a reply: the sender's egress rules judge. A reply: the sender was asked, so its ingress rules judge.", "ct_state", "drop"},
	{TableEgressGroup, "egress groups", "The remote's address becomes the class of the groups that it is in: one flow an address, whatever the number of rules.", "VPC, original destination, longest prefix first", "class 0"},
	{TableEgressSet, "egress sets", "The remote's address becomes the class of the IP sets that hold it.", "original destination, longest prefix first", "class 0"},
	{TableEgressRules, "egress rules", "The egress rules of union groups as conjunctions: local class × remote × service. A match sets a bit of the verdict; the conj_id is the rule's number. It is asked after tables 25 and 27, and has no say where they have decided.", "reg3, reg8, reg9, original tuple", "the verdict stays"},
	{TableEgressTurns, "egress turns", "What stands above the union groups: the platform's refusal of SMTP and its way to the metadata service; then the ordered groups of the local class have their turns in the order of attachment: reg5 names the group, table 27 holds its rules.", "reg3", "no ordered group"},
	{TableSenderDone, "sender verdict", "Allowed: on to the destination, and a connection's first packet is committed in the sender's zone. What the platform or an ordered group refuses is counted apart from what no rule speaks of.", "reg4", "drop"},
	{TableEgressOrder, "egress order", "The rules of ordered groups, a priority for each run of rules with equal action; the first match sets the verdict, and no later group is asked.", "reg5, reg8, reg9, original tuple, reg4", "the verdict stays"},
	{TableSenderNoted, "sender noted", "The connection is noted. The userspace datapath may let other fragments go at this point: fragments are judged again.", "fragment", "drop"},
	{TableSenderWhose, "sender fragments", "A fragment that comes out of connection tracking has the zone and a MAC of the sender.", "reg1, zone, source MAC", "drop"},
	{TableDestination, "destination", "The segment and the MAC give the receiver. Broadcast and multicast go through the ingress side of every port of the segment, and to the fabric; an unknown MAC goes to the fabric only.", "reg6, destination MAC", "drop"},
	{TableReceiver, "receiver", "What the sender's side found is cleared; the receiver's rules judge from here on.", "–", "–"},
	{TableReceiverCT, "receiver ct", "ARP, ND and DHCP answers pass without rules; the rest is looked up in the receiver's zone.", "IP, ARP", "drop"},
	{TableRecvJudge, "receiver judge", "Not a reply: the receiver's ingress rules judge. A reply: it asked, so its egress rules judge.", "ct_state", "drop"},
	{TableIngrGroup, "ingress groups", "As table 22, for the original source.", "VPC, original source, longest prefix first", "class 0"},
	{TableIngrSet, "ingress sets", "As table 23, for the original source.", "original source, longest prefix first", "class 0"},
	{TableIngrRules, "ingress rules", "The ingress rules, as table 24.", "reg3, reg8, reg9, original tuple", "the verdict stays"},
	{TableIngrTurns, "ingress turns", "As table 25.", "reg3", "no ordered group"},
	{TableRecvDone, "receiver verdict", "Allowed: to the output, and a connection's first packet is committed in the receiver's zone.", "reg4", "drop"},
	{TableIngrOrder, "ingress order", "As table 27.", "reg5, reg8, reg9, original tuple, reg4", "the verdict stays"},
	{TableRecvNoted, "receiver noted", "As table 28.", "fragment", "drop"},
	{TableRecvWhose, "receiver fragments", "A fragment that comes out of connection tracking has the zone of the receiver, and its MAC or that of a group.", "reg2, zone, destination MAC", "drop"},
	{TableOutput, "output", "To the receiver's port, or to the uplinks with the segment's VLAN.", "reg2, reg6", "drop"},
	{TableLocalClass, "local class", "The set of groups of the port whose rules judge. Both judges ask it first, behind connection tracking: a packet meets rules and groups of one moment.", "reg6, reg7", "class 0, which no rule is for"},
}
