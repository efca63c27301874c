package lab

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// A Lab is one small cloud. Its methods may be called from several goroutines, but for those
// that fail the lab, which belong to the goroutine of its T.
type Lab struct {
	t      T
	record *record
	net    *Namespace // fabric switch and management bridge
	fabric *Switch

	mu         sync.Mutex
	namespaces map[string]*Namespace // by full name
	switches   []*Switch
	closers    map[int]func() // of servers, sniffers and streams
	nextCloser int
	mgmtNext   [2]byte // last byte given out to nodes and to hypervisors
}

// Options are what a lab can be told; the zero value will do.
type Options struct {
	// Name is for people who look at the record of the lab.
	Name string
	// Dir is where the lab makes its directory; by default the system's directory for temporary
	// files. Sockets are made below it, so it should be short.
	Dir string
}

// The programs that a lab needs.
var programs = []string{"ovsdb-server", "ovs-vswitchd", "ovsdb-tool", "ovs-vsctl", "ovs-ofctl", "ovs-appctl", "nsenter"}

// Usable says why no lab can be made here: nil when it can.
func Usable() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a lab needs root: it makes network namespaces")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("a lab needs %s: %w", p, err)
		}
	}
	return nil
}

// Skipper is a T that can skip: a *testing.T.
type Skipper interface {
	T
	Skip(args ...any)
}

// New makes a lab with its fabric and management network, after removing those of dead owners.
// It ends with t. A test is skipped, with the reason, where no lab can be made; a program fails.
func New(t T, o Options) *Lab {
	t.Helper()
	l := &Lab{t: t, namespaces: map[string]*Namespace{}, closers: map[int]func(){}}
	if err := Usable(); err != nil {
		if s, ok := t.(Skipper); ok {
			s.Skip(err)
		}
		l.must(err)
	}
	if reaped, err := Reap(); err != nil {
		t.Logf("lab: %v", err) // what another lab left is not this one's failure
	} else if len(reaped) > 0 {
		t.Logf("lab: removed what was left of %v", reaped)
	}
	if o.Dir == "" {
		o.Dir = os.TempDir()
	}
	var err error
	l.record, err = newRecord(o.Name, o.Dir)
	l.must(err)
	t.Cleanup(l.close)
	l.must(l.makeNet())
	return l
}

// Prefix is what the names of the lab's namespaces begin with, "cj1a2b".
func (l *Lab) Prefix() string { return l.record.Prefix }

// Dir is a directory for files that shall go with the lab.
func (l *Lab) Dir() string { return l.record.Dir }

// must fails the lab.
func (l *Lab) must(err error) {
	if err != nil {
		l.t.Helper()
		l.t.Errorf("lab: %v", err)
		l.t.FailNow()
	}
}

// maxName is how long the name of anything in a lab may be, in bytes: with the two that are
// added to some it still is the name of an interface.
const maxName = 13

// namespace makes a namespace of the lab for something with a name.
func (l *Lab) namespace(kind, name string) (*Namespace, error) {
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "/ \t\n") {
		return nil, fmt.Errorf("name %q: 1 to %d bytes without spaces and slashes", name, maxName)
	}
	n, err := newNamespace(l.Prefix() + "-" + kind + name)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.namespaces[n.Name] = n
	l.mu.Unlock()
	return n, n.Do(quietNamespace)
}

// quietSysctls make a namespace's own stack silent and its addresses usable at once. They are
// set before there are interfaces, which inherit the defaults.
var quietSysctls = []struct{ name, value string }{
	{"ipv6.conf.default.accept_dad", "0"},
	{"ipv6.conf.default.accept_ra", "0"},
	{"ipv6.conf.default.router_solicitations", "0"},
	{"ipv4.conf.all.rp_filter", "0"},
	{"ipv4.conf.default.rp_filter", "0"},
	{"ipv4.conf.all.arp_ignore", "1"}, // answer for an address only on its own interface
	{"ipv4.icmp_ratelimit", "0"},      // probes count on every "port unreachable"
	{"ipv6.icmp.ratelimit", "0"},
}

func quietNamespace() error {
	for _, s := range quietSysctls {
		if err := sysctl(s.name, s.value); err != nil {
			return err
		}
	}
	return nil
}

// removeNamespace takes one namespace out of the lab, with its processes.
func (l *Lab) removeNamespace(n *Namespace) error {
	l.mu.Lock()
	delete(l.namespaces, n.Name)
	l.mu.Unlock()
	if err := endProcesses(map[uint64]bool{n.inode: true}); err != nil {
		return err
	}
	n.leave()
	return removeNamespace(n.Name)
}

// onClose has f called when the lab closes, before its namespaces go, unless it is forgotten.
func (l *Lab) onClose(f func()) (forget func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.nextCloser
	l.nextCloser++
	l.closers[n] = f
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.closers, n)
	}
}

// close ends everything. What can't be removed is reported, and left to the next Reap.
func (l *Lab) close() {
	for _, f := range l.takeClosers() { // a listener that ends may leave connections behind
		f()
	}
	for _, f := range l.takeClosers() {
		f()
	}
	l.mu.Lock()
	switches, namespaces := l.switches, l.namespaces
	l.switches, l.namespaces = nil, nil
	l.mu.Unlock()
	if l.t.Failed() {
		for _, s := range switches {
			if complaints := s.complaints(); complaints != "" {
				l.t.Logf("lab: ovs-vswitchd of %s complained:\n%s", s.ns.Name, complaints)
			}
		}
	}
	if err := l.record.end(); err != nil {
		l.t.Errorf("close lab %s: %v", l.Prefix(), err)
	}
	for _, n := range namespaces {
		n.leave()
	}
}

func (l *Lab) takeClosers() map[int]func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	closers := l.closers
	l.closers = map[int]func(){}
	return closers
}

// The third byte of management addresses.
const (
	nodeNet       = 0 // 10.255.0.1, 10.255.0.2, …
	hypervisorNet = 1 // 10.255.1.1, 10.255.1.2, …
)

// mgmtAddress gives out the addresses of one part of the management network in order.
func (l *Lab) mgmtAddress(part byte) netip.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mgmtNext[part]++
	return netip.AddrFrom4([4]byte{10, 255, part, l.mgmtNext[part]})
}
