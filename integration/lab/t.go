package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
)

// T is what a lab reports to and who it lives for: a *testing.T, a *testing.B, or the one that
// Run hands to a program. It is enough for testify's require as well.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	FailNow()
	Failed() bool
	Cleanup(func())
}

// Run calls f with a T, for programs that use a lab outside of a test, and cleans up after it.
// It returns what f reported through T, joined, or the panic of f as an error; nil when all
// went well. FailNow must be called from the goroutine that runs f. When ctx ends, f is
// expected to return; the lab stands until it did.
func Run(ctx context.Context, log *slog.Logger, f func(context.Context, T)) error {
	t := &run{log: log}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.cleanup()
		defer func() {
			if p := recover(); p != nil {
				stack := make([]byte, 16<<10)
				t.Errorf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)])
			}
		}()
		f(ctx, t)
	}()
	<-done
	return errors.Join(append(t.errs, ctx.Err())...)
}

// A run is the T of a program.
type run struct {
	log *slog.Logger

	mu       sync.Mutex
	errs     []error
	failed   bool
	cleanups []func()
}

func (r *run) Helper() {}

func (r *run) Logf(format string, args ...any) {
	if r.log != nil {
		r.log.Info(fmt.Sprintf(format, args...))
	}
}

func (r *run) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *run) FailNow() {
	r.mu.Lock()
	r.failed = true
	if len(r.errs) == 0 {
		r.errs = append(r.errs, errors.New("failed"))
	}
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *run) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *run) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// cleanup calls what was registered, last first, including what is registered meanwhile.
func (r *run) cleanup() {
	for {
		r.mu.Lock()
		if len(r.cleanups) == 0 {
			r.mu.Unlock()
			return
		}
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		r.mu.Unlock()
		f()
	}
}
