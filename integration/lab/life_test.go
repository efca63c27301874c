package lab_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"conjunct/integration/lab"
)

// fateOf tells the test binary, started by itself, how its lab shall end.
const fateOf = "CONJUNCT_LAB_FATE"

// TestFate is no test of its own: it is what the owner of a lab does in the tests below. It
// says which lab it has made and which processes are in it.
func TestFate(t *testing.T) {
	fate := os.Getenv(fateOf)
	if fate == "" {
		t.Skip("runs as a child of TestOwnersEnd")
	}
	l := lab.New(t, lab.Options{})
	hv := l.Hypervisor("hv1")
	hv.CreateBridge("standalone")
	hv.Plug(lab.VM{Name: "a", Addrs: addrs("10.0.0.1/24")}).ListenTCP(80)
	stray := l.Node("ctl").Command(context.Background(), "sleep", "1000")
	require.NoError(t, stray.Start())
	fmt.Printf("lab %s %s %d\n", l.Prefix(), l.Dir(), stray.Process.Pid)
	switch fate {
	case "fail":
		t.Fatal("as was asked")
	case "panic":
		panic("as was asked")
	case "exit": // what log.Fatal does: nothing is cleaned up
		os.Exit(3)
	case "wait":
		select {}
	}
}

// An owner is a child process with a lab.
type owner struct {
	cmd         *exec.Cmd
	prefix, dir string
	stray       int // a process of the lab that does not die with the owner
}

func startOwner(t *testing.T, fate string) owner {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFate$")
	cmd.Env = append(os.Environ(), fateOf+"="+fate)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // which fails when it has ended, as it should
	o := owner{cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, _ := fmt.Sscanf(lines.Text(), "lab %s %s %d", &o.prefix, &o.dir, &o.stray); n == 3 {
			return o
		}
	}
	require.Fail(t, "the owner made no lab", "%v", cmd.Wait())
	return o
}

// left is what there still is of a lab.
func (o owner) left(t *testing.T) []string {
	t.Helper()
	left, err := filepath.Glob("/run/netns/" + o.prefix + "-*")
	require.NoError(t, err)
	for _, path := range []string{o.dir, "/run/conjunct-lab/" + o.prefix + ".json"} {
		if _, err := os.Stat(path); err == nil {
			left = append(left, path)
		}
	}
	// One that has ended, but that nobody has waited for, has no arguments.
	if args, err := os.ReadFile("/proc/" + strconv.Itoa(o.stray) + "/cmdline"); err == nil && len(args) > 0 {
		left = append(left, string(args))
	}
	return left
}

// switches are the Open vSwitch processes of the lab, known by the directory in their arguments.
func (o owner) switches() []string {
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), o.dir+"/") {
			found = append(found, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return found
}

// Whatever ends a test, its lab ends with it.
func TestOwnersEnd(t *testing.T) {
	require.NoError(t, usable(t))
	for _, fate := range []string{"return", "fail", "panic"} {
		t.Run(fate, func(t *testing.T) {
			t.Parallel()
			o := startOwner(t, fate)
			err := o.cmd.Wait()
			require.Equal(t, fate == "return", err == nil, "%v", err)
			require.Empty(t, o.left(t))
			require.Empty(t, o.switches())
		})
	}
}

// What a killed owner leaves behind is removed by the next that looks; what a living one has is
// not touched.
func TestKilledOwner(t *testing.T) {
	require.NoError(t, usable(t))
	for _, fate := range []string{"wait", "exit"} {
		t.Run(fate, func(t *testing.T) {
			t.Parallel()
			o := startOwner(t, fate)
			if fate == "wait" {
				_, err := lab.Reap()
				require.NoError(t, err)
				// namespaces net, hv1, vm-a and ctl; directory, record and, once it runs, the process
				require.Eventually(t, func() bool { return len(o.left(t)) == 7 }, patience, time.Millisecond)
				require.NoError(t, o.cmd.Process.Kill())
			}
			require.Error(t, o.cmd.Wait())
			require.Eventually(t, func() bool { return len(o.switches()) == 0 }, patience, time.Millisecond,
				"the switches die with their owner")
			_, err := lab.Reap()
			require.NoError(t, err)
			require.Empty(t, o.left(t))
		})
	}
}

func usable(t *testing.T) error {
	t.Helper()
	err := lab.Usable()
	if err != nil {
		t.Skip(err)
	}
	return err
}

// A program's lab ends with Run, which tells what went wrong.
func TestRun(t *testing.T) {
	require.NoError(t, usable(t))
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		f    func(lab.T)
		want string // of the error; empty for none
	}{
		{"return", context.Background(), func(lab.T) {}, ""},
		{"fail", context.Background(), func(t lab.T) { require.Equal(t, 1, 2) }, "Not equal"},
		{"panic", context.Background(), func(lab.T) { panic(errors.New("as was asked")) }, "panic: as was asked"},
		{"cancel", cancelled, func(lab.T) {}, "context canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var o owner
			err := lab.Run(c.ctx, nil, func(_ context.Context, lt lab.T) {
				l := lab.New(lt, lab.Options{Name: "program"})
				l.Hypervisor("hv1")
				o = owner{prefix: l.Prefix(), dir: l.Dir()}
				c.f(lt)
			})
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
			require.NotEmpty(t, o.prefix)
			require.Empty(t, o.left(t))
		})
	}
}

// Two labs with the same names and addresses know nothing of each other.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	one, two := newTwoHosts(t), newTwoHosts(t)
	require.NotEqual(t, one.Prefix(), two.Prefix())
	one.b.ListenTCP(80)
	require.Equal(t, lab.Open, one.a.Try(lab.TCP(one.b.Addr4(), 80)))
	require.Equal(t, lab.Refused, two.a.Try(lab.TCP(two.b.Addr4(), 80)))
	two.hv2.StopOVS()
	require.Equal(t, lab.Open, one.a.Try(lab.TCP(one.b.Addr4(), 80)))
	require.Equal(t, lab.Timeout, two.a.Try(lab.TCP(two.b.Addr4(), 80).Within(300*time.Millisecond)))
}

// What can't be built says what and why.
func TestRefusals(t *testing.T) {
	require.NoError(t, usable(t))
	for _, c := range []struct {
		name string
		f    func(*lab.Lab)
		want string
	}{
		{"long name", func(l *lab.Lab) { l.Hypervisor("hypervisor-number-one") }, "hypervisor-number-one"},
		{"same name", func(l *lab.Lab) { l.Node("ctl"); l.Node("ctl") }, "-ctl"},
		{"no bridge", func(l *lab.Lab) { l.Hypervisor("hv1").Plug(lab.VM{Name: "a"}) }, "br-int"},
		{"no address", func(l *lab.Lab) { l.VM(lab.VM{Name: "a"}).Addr4() }, "no address"},
		{"plugged twice", func(l *lab.Lab) {
			hv := l.Hypervisor("hv1")
			hv.CreateBridge("standalone")
			hv.Plug(lab.VM{Name: "a"}).Plug(hv)
		}, "plugged into hv1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := lab.Run(context.Background(), nil, func(_ context.Context, lt lab.T) { c.f(lab.New(lt, lab.Options{})) })
			require.ErrorContains(t, err, c.want)
		})
	}
}
