package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endGrace is how long a process has to end by itself before it is killed.
const endGrace = 5 * time.Second

// A Process is a child that runs in a namespace and dies with this process.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process was waited for
	err  error         // of Wait; valid once done is closed
}

// Start starts cmd inside the namespace. It is killed when this process dies. Its standard
// output and error go to the file logPath unless cmd has others.
func (n *Namespace) Start(cmd *exec.Cmd, logPath string) (*Process, error) {
	if cmd.Stdout == nil || cmd.Stderr == nil {
		log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("start %s in %s: %w", cmd.Path, n.Name, err)
		}
		defer log.Close()
		if cmd.Stdout == nil {
			cmd.Stdout = log
		}
		if cmd.Stderr == nil {
			cmd.Stderr = log
		}
	}
	// The signal comes when the starting thread ends, which the namespace's does at the very end.
	// A process group of its own keeps the terminal's interrupt for us to act upon.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := n.Do(cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s in %s: %w", cmd.Path, n.Name, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	n.processes.Go(func() {
		defer close(p.done)
		p.err = cmd.Wait()
	})
	return p, nil
}

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Running says whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Wait waits until the process has ended and returns how, as exec.Cmd does.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Stop asks the process to end and waits for it; one that does not is killed.
func (p *Process) Stop() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(endGrace):
		p.Kill()
	}
}

// Kill kills the process and waits for it.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

func (p *Process) signal(s os.Signal) {
	_ = p.cmd.Process.Signal(s) // its only failure is a process that has ended
}

// endProcesses kills the processes whose main thread is in one of the namespaces, given by
// inode, and waits until they are gone. This process is never one of them.
func endProcesses(inodes map[uint64]bool) error {
	deadline := time.Now().Add(endGrace)
	for {
		left, err := killIn(inodes)
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("end processes of the lab: %d do not end", left)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// killIn signals each process in the namespaces once and counts them.
func killIn(inodes map[uint64]bool) (int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	count := 0
	for _, dir := range dirs {
		pid, err := strconv.Atoi(strings.TrimPrefix(dir, "/proc/"))
		if err != nil || pid == os.Getpid() || !inodes[netnsInode(pid)] {
			continue
		}
		killed, err := killMember(pid, inodes)
		if err != nil {
			return count, err
		}
		if killed {
			count++
		}
	}
	return count, nil
}

// killMember kills the process if it is in one of the namespaces. The handle is taken before
// that is looked at, so that a process that got the number of an ended one is safe.
func killMember(pid int, inodes map[uint64]bool) (bool, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("end process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if !inodes[netnsInode(pid)] {
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return false, fmt.Errorf("end process %d: %w", pid, err)
	}
	return true, nil
}

// netnsInode is the network namespace of a process; 0 when it has none any more.
func netnsInode(pid int) uint64 {
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &st); err != nil {
		return 0
	}
	return st.Ino
}

// removeNamespaces ends everything in the namespaces of a lab and removes them.
func removeNamespaces(prefix string) error {
	paths, err := filepath.Glob(filepath.Join(netnsDir, prefix+"-*"))
	if err != nil {
		return err
	}
	inodes := map[uint64]bool{}
	var own unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &own); err != nil {
		return fmt.Errorf("stat own namespace: %w", err)
	}
	for _, path := range paths {
		var st unix.Stat_t
		// A name whose mount is missing is a plain file, on another device.
		if err := unix.Stat(path, &st); err == nil && st.Dev == own.Dev && st.Ino != own.Ino {
			inodes[st.Ino] = true
		}
	}
	errs := []error{endProcesses(inodes)}
	for _, path := range paths {
		errs = append(errs, removeNamespace(filepath.Base(path)))
	}
	return errors.Join(errs...)
}
