package openflow

// fieldAliases are the names beyond those of the field table under which ovs-ofctl knows a field.
// tp_src, tp_dst, icmp_type and the like depend on the protocol: see l4Names.
var fieldAliases = map[string]Field{
	"dl_src": EthSrc, "dl_dst": EthDst, "dl_type": EthType,
	"nw_src": IPv4Src, "nw_dst": IPv4Dst, "ip_proto": IPProto, "nw_frag": IPFrag,
	"ip_ecn": IPECN, "tunnel_id": TunID, "in_port_oxm": InPort,
	"icmpv6_type": ICMPv6Type, "icmpv6_code": ICMPv6Code,
}

// actionNames are the names that mean another field in an action than in a match.
var actionNames = map[string]Field{"in_port": InPortNXM, "NXM_OF_IN_PORT": InPortNXM}

var fieldsByName = nameFields()

func nameFields() map[string]Field {
	t := make(map[string]Field, 3*int(numFields))
	for f := Field(1); f < numFields; f++ {
		t[fieldTable[f].Name] = f
		t[fieldTable[f].NXMName] = f
	}
	for name, f := range fieldAliases {
		t[name] = f
	}
	t["in_port"] = InPort
	return t
}

// fieldNamed returns the field of an ovs-ofctl, NXM or OXM name in a match; 0 when there is none.
func fieldNamed(name string) Field { return fieldsByName[name] }

// actionFieldNamed returns the field of a name in an action; 0 when there is none.
func actionFieldNamed(name string) Field {
	if f := actionNames[name]; f != 0 {
		return f
	}
	return fieldNamed(name)
}
