package members

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is a real redis-server of the test's own, on a unix socket in a directory of its own.
type server struct {
	t      testing.TB
	socket string
	cmd    *exec.Cmd
}

func startServer(t testing.TB) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed (Debian: apt-get install redis-server)")
	}
	dir, err := os.MkdirTemp("", "conjunct-redis-") // t.TempDir may be too long for a socket's path
	require.NoError(t, err)
	s := &server{t: t, socket: filepath.Join(dir, "s")}
	t.Cleanup(func() {
		s.kill()
		os.RemoveAll(dir)
	})
	s.start()
	return s
}

// start starts the server, empty.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket, "--save", "", "--appendonly", "no",
		"--dir", filepath.Dir(s.socket), "--logfile", filepath.Join(filepath.Dir(s.socket), "log"))
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(s.t, s.cmd.Start())
	client := s.client()
	require.Eventually(s.t, func() bool { return client.Ping(s.t.Context()).Err() == nil }, time.Minute, 5*time.Millisecond)
}

// kill ends the server without a chance to say goodbye.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *server) signal(sig syscall.Signal) { require.NoError(s.t, s.cmd.Process.Signal(sig)) }

func (s *server) url() string { return "unix://" + s.socket }

func (s *server) client() *redis.Client {
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket})
	s.t.Cleanup(func() { c.Close() })
	return c
}
