package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"conjunct/api"
)

// daemon is the conjunctd that is measured, on free ports of loopback and a data directory of its own.
type daemon struct {
	path, dir           string
	rest, ovsdb, of, dg string // addresses
	log                 io.Writer
	cmd                 *exec.Cmd
	ended               chan struct{}
	api                 *api.Client
}

// patience bounds what has to happen within moments.
const patience = 5 * time.Minute

func newDaemon(o options, dir string) (*daemon, error) {
	d := &daemon{path: o.daemon, dir: dir, log: io.Discard}
	if o.verbose {
		d.log = os.Stderr
	}
	for _, at := range []*string{&d.rest, &d.ovsdb, &d.of, &d.dg} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		*at = l.Addr().String()
		l.Close()
	}
	return d, nil
}

// start runs conjunctd and returns once it answers.
func (d *daemon) start(ctx context.Context) error {
	d.cmd = exec.Command(d.path, "serve", "--data-dir="+d.dir, "--api-listen="+d.rest, "--ovsdb-listen=tcp:"+d.ovsdb,
		"--openflow-listen=tcp:"+d.of, "--openflow-advertise=tcp:"+d.of, "--debug-listen="+d.dg)
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.path, err)
	}
	ended := make(chan struct{})
	d.ended = ended
	go func() {
		_ = d.cmd.Wait() // How it ended is in its log.
		close(ended)
	}()
	return d.await(ctx)
}

func (d *daemon) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if token, err := os.ReadFile(filepath.Join(d.dir, api.AdminTokenFile)); err == nil {
			if d.api, err = api.NewClient("http://"+d.rest, strings.TrimSpace(string(token))); err != nil {
				return err
			}
			d.api.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}
			if _, err := d.api.Ready(ctx); err == nil {
				return nil
			}
		}
		select {
		case <-d.ended:
			return fmt.Errorf("%s has ended; run with -v to see why", d.path)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer within %s", d.path, patience)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// kill ends it without a word.
func (d *daemon) kill() {
	if d.cmd != nil {
		_ = d.cmd.Process.Kill() // Its only failure is a process that has ended.
		<-d.ended
	}
}

// stop lets it end in good order.
func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", d.path, err)
	}
	<-d.ended
	return nil
}

// usage is what the process uses.
type usage struct {
	RSS  int64   `json:"rss_bytes"`
	Peak int64   `json:"rss_peak_bytes"`
	CPU  float64 `json:"cpu_seconds"`
}

// ticks a second of /proc/PID/stat (USER_HZ), the same on every architecture that Go runs on.
const ticks = 100

func (d *daemon) usage() (u usage, err error) {
	root := fmt.Sprintf("/proc/%d/", d.cmd.Process.Pid)
	status, err := os.ReadFile(root + "status")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			u.RSS = kilobytes << 10
		case "VmHWM":
			u.Peak = kilobytes << 10
		}
	}
	stat, err := os.ReadFile(root + "stat")
	if err != nil {
		return u, err
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return u, errors.New("/proc/PID/stat is not as proc(5) says")
	}
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return u, err
		}
		u.CPU += n / ticks
	}
	return u, nil
}

// metrics reads /metrics: values by name and labels, as they are printed there.
func (d *daemon) metrics(ctx context.Context) (map[string]float64, error) {
	var text string
	if err := d.api.Do(ctx, http.MethodGet, "/metrics", nil, &text); err != nil {
		return nil, err
	}
	out := make(map[string]float64)
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		if at := strings.LastIndexByte(s.Text(), ' '); at > 0 && s.Text()[0] != '#' {
			if v, err := strconv.ParseFloat(s.Text()[at+1:], 64); err == nil {
				out[s.Text()[:at]] = v
			}
		}
	}
	return out, nil
}

// profile writes a profile of conjunctd to a file.
func (d *daemon) profile(ctx context.Context, what, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.dg+"/debug/pprof/"+what, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("profile %s: %s", what, answer.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, answer.Body)
	return errors.Join(err, f.Close())
}
