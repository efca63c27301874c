package lab

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// recordDir holds one file for each lab of the machine, <prefix>.json.
const recordDir = "/run/conjunct-lab"

// A record is the file by which others find a lab whose owner is gone. The owner holds a lock
// on the file, which the kernel lets go of when the owner dies however it dies: a record that
// can be locked has no owner. The content is for people, but for Dir.
type record struct {
	Prefix  string    `json:"prefix"`
	Name    string    `json:"name"`
	Pid     int       `json:"pid"`
	Started time.Time `json:"started"`
	Dir     string    `json:"dir"` // ends in Prefix; removed whole

	file *os.File
}

// newRecord chooses a free prefix, makes the lab's directory below base, and writes and locks
// the record. It sees to the directory of namespaces as well, while no other lab does.
func newRecord(name, base string) (*record, error) {
	unlock, err := lockRecords()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := mountNetnsDir(); err != nil {
		return nil, err
	}
	for {
		r := &record{Prefix: randomPrefix(), Name: name, Pid: os.Getpid(), Started: time.Now().UTC()}
		r.Dir = filepath.Join(base, r.Prefix)
		r.file, err = os.OpenFile(r.path(), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("record lab: %w", err)
		}
		if err := r.write(); err != nil {
			return nil, errors.Join(fmt.Errorf("record lab %s: %w", r.Prefix, err), r.remove())
		}
		return r, nil
	}
}

func (r *record) write() error {
	if err := unix.Flock(int(r.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	if err := json.NewEncoder(r.file).Encode(r); err != nil {
		return err
	}
	return os.Mkdir(r.Dir, 0o755)
}

func (r *record) path() string { return filepath.Join(recordDir, r.Prefix+".json") }

// remove takes the lab's directory and then the record away.
func (r *record) remove() error {
	var errs []error
	if filepath.Base(r.Dir) == r.Prefix { // never anything but the directory that newRecord made
		errs = append(errs, os.RemoveAll(r.Dir))
	}
	errs = append(errs, os.Remove(r.path()), r.file.Close())
	return errors.Join(errs...)
}

// end removes what there is of the lab. When that fails the record stays, so that it is tried
// again.
func (r *record) end() error {
	if err := removeNamespaces(r.Prefix); err != nil {
		return errors.Join(err, r.file.Close())
	}
	return r.remove()
}

// Reap removes what is left of the labs whose owner is gone and returns their prefixes.
func Reap() ([]string, error) {
	unlock, err := lockRecords()
	if err != nil {
		return nil, err
	}
	defer unlock()
	paths, err := filepath.Glob(filepath.Join(recordDir, "cj*.json"))
	if err != nil {
		return nil, err
	}
	var reaped []string
	var errs []error
	for _, path := range paths {
		r, err := abandoned(path)
		if err != nil || r == nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, r.end())
		reaped = append(reaped, r.Prefix)
	}
	return reaped, errors.Join(errs...)
}

// abandoned reads and locks a record, and answers nil when its owner lives.
func abandoned(path string) (*record, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("read lab record: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, f.Close()
	}
	r := &record{file: f}
	if err := json.NewDecoder(f).Decode(r); err != nil { // its owner died while writing it
		r.Dir = ""
	}
	r.Prefix = strings.TrimSuffix(filepath.Base(path), ".json")
	return r, nil
}

// lockRecords keeps a reaper from seeing a record that its owner has not locked yet.
func lockRecords() (unlock func(), err error) {
	if err := os.MkdirAll(recordDir, 0o755); err != nil {
		return nil, fmt.Errorf("lock lab records: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(recordDir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock lab records: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock lab records: %w", err)
	}
	return func() { f.Close() }, nil
}

func randomPrefix() string {
	b := make([]byte, 2)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return "cj" + hex.EncodeToString(b)
}
