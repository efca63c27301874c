// Command fleet sizes an installation. It runs one conjunctd, as a process of its own with its embedded store, and in this process
// as many hypervisors as one likes: each an OVSDB server and an OpenFlow switch (openflow/oftest) behind real TCP
// connections, with ports plugged in. It loads a policy over the REST API, waits until every bridge holds it, and measures.
//
//	fleet -hosts 1000 -ports 50 -groups 2000 -addresses 100000 -rules 10
//	      [-daemon bin/conjunctd] [-report file.json] [-stages join,rule,steady,trouble,restart] [-v]
//	fleet -curve                     the cost of one change over the number of hosts and of addresses
//
// The world: tenants, each a project with its share of groups, subnets and ports; a tenant's ports are spread over -spread hosts.
// Every port has two of its tenant's groups. A group's rules name other groups of the tenant, CIDRs, and the group "bastion",
// so that every host refers to that one. Addresses that the plugged ports do not use up belong to ports that are nowhere plugged in.
//
//	 stage     what is changed                                       what is measured
//	load      everything, by /v1/apply                              durable objects a second
//	sync      –                                                     until every bridge holds all its flows
//	join      one address joins and leaves a group that every       REST call until the last host's barrier, seen by the caller
//	          host refers to, and one that a single host refers to  and on the hosts; flow-mods, exactly the expected ones
//	rule      a rule of one group is added and removed              the same
//	steady    200 ports a second change their groups                the same, open loop: from when the call was due
//	trouble   the same joins, beside hosts that hang, answer late,  the ratio to the join before, for the hosts that are well
//	          flap, refuse a flow, or are wanted to hold too much
//	restart   conjunctd is killed and started                       flow-mods (none), until every host is confirmed
//
// Numbers are those of a machine that does both sides' work; ratios in one run and the processor time of conjunctd tell more than
// latencies. The report's fields are those of type Report.
package main
