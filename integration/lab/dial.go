package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DialTCP connects from inside the namespace. from may be the zero Addr, or choose a source.
func (n *Namespace) DialTCP(ctx context.Context, from netip.Addr, to netip.AddrPort) (*net.TCPConn, error) {
	f, err := n.connecting(from, to)
	if err != nil {
		return nil, fmt.Errorf("connect from %s to %s: %w", n.Name, to, err)
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { f.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := connected(f); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("connect from %s to %s: %w", n.Name, to, err)
	}
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("connect from %s to %s: %w", n.Name, to, err)
	}
	return conn.(*net.TCPConn), nil
}

// connecting begins a connection without waiting for it, so that the namespace's one thread is
// free for the next.
func (n *Namespace) connecting(from netip.Addr, to netip.AddrPort) (*os.File, error) {
	fd := -1
	err := n.Do(func() (err error) {
		domain := unix.AF_INET
		if to.Addr().Is6() {
			domain = unix.AF_INET6
		}
		fd, err = unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if from.IsValid() {
			if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0))); err != nil {
				return err
			}
		}
		if err := unix.Connect(fd, sockaddr(to)); !errors.Is(err, unix.EINPROGRESS) {
			return err
		}
		return nil
	})
	if err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return nil, err
	}
	return os.NewFile(uintptr(fd), "tcp"), nil
}

// connected waits for the end of a connection's handshake.
func connected(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = raw.Write(func(fd uintptr) bool {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		if n, err := unix.Poll(ready, 0); err != nil || n == 0 {
			result = err
			return err != nil && !errors.Is(err, unix.EINTR)
		}
		errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && errno != 0 {
			err = unix.Errno(errno)
		}
		result = err
		return true
	})
	return errors.Join(err, result)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// DialContext connects to "address:port" over TCP from inside the namespace: the form that
// http.Transport, redis.Options and gRPC take.
func (n *Namespace) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect from %s: %w", n.Name, err)
	}
	return n.DialTCP(ctx, netip.Addr{}, to)
}

// HTTPClient is a client whose connections begin inside the namespace. It keeps none open, so
// that a server that is killed and started again is not met with an old connection.
func (n *Namespace) HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.DialContext, DisableKeepAlives: true}}
}

// Listen listens for TCP inside the namespace. A listener on one address may stand beside one on all addresses, which then
// does not hear of connections to that address.
func (n *Namespace) Listen(at netip.AddrPort) (*net.TCPListener, error) {
	var ln net.Listener
	err := n.Do(func() (err error) {
		ln, err = listening.Listen(context.Background(), "tcp", at.String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen in %s on %s: %w", n.Name, at, err)
	}
	return ln.(*net.TCPListener), nil
}

// listening lets several sockets share a port; Linux prefers the one whose address is the most specific.
var listening = net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
	var err error
	if failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }); failed != nil {
		return failed
	}
	return err
}}
