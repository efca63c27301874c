package policy

// ServiceCustom is the service of a rule that has no name of its own.
const ServiceCustom = "Custom"

// services are the names by which people know a protocol and its port (IANA's service names, as usually spelt).
var services = []struct {
	protocol Protocol
	port     int
	name     string
}{
	{TCP, 20, "FTP data"}, {TCP, 21, "FTP"}, {TCP, 22, "SSH"}, {TCP, 23, "Telnet"}, {TCP, 25, "SMTP"},
	{TCP, 53, "DNS"}, {UDP, 53, "DNS"}, {UDP, 67, "DHCP"}, {UDP, 547, "DHCPv6"},
	{TCP, 80, "HTTP"}, {TCP, 110, "POP3"}, {UDP, 123, "NTP"}, {TCP, 143, "IMAP"}, {UDP, 161, "SNMP"},
	{TCP, 389, "LDAP"}, {TCP, 443, "HTTPS"}, {UDP, 443, "HTTP/3"}, {TCP, 445, "SMB"}, {TCP, 465, "SMTPS"}, {UDP, 514, "Syslog"},
	{TCP, 587, "SMTP submission"}, {TCP, 636, "LDAPS"}, {TCP, 993, "IMAPS"}, {TCP, 995, "POP3S"},
	{TCP, 1433, "MS SQL"}, {TCP, 1521, "Oracle"}, {TCP, 2049, "NFS"}, {TCP, 3306, "MySQL"}, {TCP, 3389, "RDP"},
	{TCP, 5432, "PostgreSQL"}, {TCP, 5985, "WinRM"}, {TCP, 6379, "Redis"}, {TCP, 6443, "Kubernetes API"}, {TCP, 27017, "MongoDB"},
	{UDP, 4789, "VXLAN"}, {UDP, 6081, "Geneve"}, {UDP, 51820, "WireGuard"},
}

// wholeProtocols are the services of rules for all that a protocol carries.
var wholeProtocols = map[Protocol]string{
	All: "All", TCP: "All TCP", UDP: "All UDP", SCTP: "All SCTP", ICMP: "All ICMP", ICMPv6: "All ICMPv6",
	"4": "IP in IP", "47": "GRE", "50": "ESP", "51": "AH", "112": "VRRP",
}

// echoRequests are the types of what ping sends.
var echoRequests = map[Protocol][]int{ICMP: {8, 128}, ICMPv6: {128}}

// Service is what people call what the rule is about, by its protocol and port: SSH, HTTP, Ping, All TCP, and ServiceCustom for
// what has no such name. It decides nothing.
func (r *Rule) Service() string {
	switch {
	case r.ICMPType != nil:
		for _, echo := range echoRequests[r.Protocol] {
			if *r.ICMPType == echo {
				return "Ping"
			}
		}
		return ServiceCustom
	case r.PortMin == nil || *r.PortMin == 1 && r.PortMax != nil && *r.PortMax == 65535:
		if name, ok := wholeProtocols[r.Protocol]; ok {
			return name
		}
		return ServiceCustom
	case r.PortMax != nil && *r.PortMax != *r.PortMin:
		return ServiceCustom
	}
	for _, s := range services {
		if s.protocol == r.Protocol && s.port == *r.PortMin {
			return s.name
		}
	}
	return ServiceCustom
}
