package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// netnsDir is where `ip netns` looks for namespaces, so that people can look into a lab with
// `ip netns exec`.
const netnsDir = "/run/netns"

// A Namespace is a network namespace of the lab, held by an operating-system thread that lives
// inside of it. Do runs code there; what that code opens (sockets, netlink, files of
// /proc/sys/net, child processes) stays in the namespace and can be used from anywhere.
type Namespace struct {
	// Name is what `ip netns exec` calls it, for example "cj1a2b-hv1".
	Name string

	inode uint64          // of the namespace itself, by which its processes are known
	nl    *netlink.Handle // routing netlink inside the namespace
	work  chan func()
	quit  chan struct{} // closed to send the thread home
	close func()        // closes quit, once
	done  chan struct{} // closed when the thread has left

	processes sync.WaitGroup // those that Start has started
}

// mountNetnsDir makes netnsDir a shared mount of its own, as `ip netns add` does when it is the
// first to use it: later, that would cover the names that are mounted there.
func mountNetnsDir() error {
	if err := os.MkdirAll(netnsDir, 0o755); err != nil {
		return fmt.Errorf("prepare %s: %w", netnsDir, err)
	}
	share := func() error { return unix.Mount("", netnsDir, "none", unix.MS_SHARED|unix.MS_REC, "") }
	err := share()
	if errors.Is(err, unix.EINVAL) { // it is no mount yet
		err = unix.Mount(netnsDir, netnsDir, "none", unix.MS_BIND|unix.MS_REC, "")
		if err == nil {
			err = share()
		}
	}
	if err != nil {
		return fmt.Errorf("prepare %s: mount: %w", netnsDir, err)
	}
	return nil
}

// newNamespace makes a namespace with its loopback up, under netnsDir.
func newNamespace(name string) (*Namespace, error) {
	quit := make(chan struct{})
	n := &Namespace{
		Name:  name,
		work:  make(chan func()),
		quit:  quit,
		close: sync.OnceFunc(func() { close(quit) }),
		done:  make(chan struct{}),
	}
	started := make(chan error)
	go n.thread(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("make namespace %s: %w", name, err)
	}
	return n, nil
}

// thread is the life of the thread inside the namespace. It never unlocks, so that the thread
// ends with it and no other code of the process can find itself in the namespace.
func (n *Namespace) thread(started chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The main thread never ends, and is what others see of the process in /proc. It is
		// held until the goroutine that takes over has another.
		defer runtime.UnlockOSThread()
		taken := make(chan error)
		go n.thread(taken)
		started <- <-taken
		return
	}
	defer close(n.done)
	if err := n.enter(); err != nil {
		started <- err
		return
	}
	started <- nil
	defer n.nl.Close()
	for {
		select {
		case f := <-n.work:
			f()
		case <-n.quit:
			return
		}
	}
}

// enter moves the thread to a namespace of its own and gives it its name.
func (n *Namespace) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	self := fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())
	var st unix.Stat_t
	if err := unix.Stat(self, &st); err != nil {
		return fmt.Errorf("stat %s: %w", self, err)
	}
	n.inode = st.Ino
	f, err := os.OpenFile(n.path(), os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	if err := unix.Mount(self, n.path(), "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", n.path(), err)
	}
	if n.nl, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	return n.setUp("lo")
}

func (n *Namespace) path() string { return filepath.Join(netnsDir, n.Name) }

// Do runs f on the thread inside the namespace and returns its error; net.ErrClosed when the
// lab is closed. f must not block for long, for there is only that one thread: open a socket
// in f, use it outside.
func (n *Namespace) Do(f func() error) error {
	result := make(chan error, 1)
	select {
	case n.work <- func() { result <- f() }:
		return <-result
	case <-n.done:
		return fmt.Errorf("namespace %s: %w", n.Name, net.ErrClosed)
	}
}

// leave waits for the namespace's processes, which have been ended, and sends the thread home.
func (n *Namespace) leave() {
	n.processes.Wait()
	n.close()
	<-n.done
}

// Command is a command that runs in the namespace when the caller starts it. Its process id is
// that of the program itself. It is ended with the lab at the latest.
func (n *Namespace) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + n.path(), "--", name}, args...)...)
}

// sysctl sets a variable under /proc/sys/net; it must be called inside Do.
func sysctl(name, value string) error {
	path := filepath.Join("/proc/sys/net", strings.ReplaceAll(name, ".", "/"))
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("set net.%s to %s: %w", name, value, err)
	}
	return nil
}

// removeNamespace takes the name away; the namespace itself goes with its last process.
func removeNamespace(name string) error {
	path := filepath.Join(netnsDir, name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
