package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"conjunct/api"
)

// How a run ends. Scripts rely on the numbers.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitNotFound = 3
	exitConflict = 4
	exitDenied   = 5 // explain --exit-code, and the connection does not pass
	exitTimeout  = 6
	exitDrift    = 7 // diff, or explain --source bridge, and a bridge is not as it should be
)

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// absentError says that a word means nothing that exists.
type absentError struct{ message string }

func (e *absentError) Error() string { return e.message }

// takenError says that what shall be created exists.
type takenError struct{ message string }

func (e *takenError) Error() string { return e.message }

// lateError says that what was waited for has not come.
type lateError struct{ message string }

func (e *lateError) Error() string { return e.message }

// Answers that are also exit statuses. They have been printed, so that there is nothing to say about them.
var (
	errDenied = errors.New("the connection does not pass")
	errDrift  = errors.New("the bridge differs")
)

func isType[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

func isValue(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

// hasStatus recognises what the server answered.
func hasStatus(status int) func(error) bool {
	return func(err error) bool {
		var p *api.Problem
		return errors.As(err, &p) && p.Status == status
	}
}

// endings is the table from errors to exit statuses; the first row that fits holds, and exitError where none does.
var endings = []struct {
	is     func(error) bool
	status int
	silent bool
}{
	{isValue(errDenied), exitDenied, true},
	{isValue(errDrift), exitDrift, true},
	{isType[*usageError], exitUsage, false},
	{isType[*absentError], exitNotFound, false},
	{isType[*takenError], exitConflict, false},
	{isType[*lateError], exitTimeout, false},
	{isType[*api.Behind], exitTimeout, false},
	{isValue(context.DeadlineExceeded), exitTimeout, false},
	{hasStatus(http.StatusNotFound), exitNotFound, false},
	{hasStatus(http.StatusConflict), exitConflict, false},
	{hasStatus(http.StatusPreconditionFailed), exitConflict, false},
}

// end says what went wrong and returns the exit status.
func (s *session) end(cmd *cobra.Command, err error) int {
	if err == nil {
		return exitOK
	}
	status := exitError
	for _, e := range endings {
		if e.is(err) {
			if status = e.status; e.silent {
				return status
			}
			break
		}
	}
	fmt.Fprintln(s.stderr, "conjunct:", describe(err))
	if status == exitUsage {
		fmt.Fprintf(s.stderr, "see '%s --help'\n", cmd.CommandPath())
	}
	return status
}

// describe is an error for people: all findings, what stands in the way, and what to do where that is known.
func describe(err error) string {
	var p *api.Problem
	if errors.As(err, &p) {
		return describeProblem(p)
	}
	var failed *url.Error
	if errors.As(err, &failed) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("%s\n  --server or CONJUNCT_SERVER says where conjunctd is", err)
	}
	return err.Error()
}

// flagWords are the API's parameters as this program calls them.
var flagWords = strings.NewReplacer("references=remove", "--remove-references", "detach=true", "--detach", "rules=delete", "--delete-rules")

func describeProblem(p *api.Problem) string {
	var b strings.Builder
	switch len(p.Errors) {
	case 0:
		b.WriteString(orElse(p.Detail, p.Title))
	case 1:
		b.WriteString(flagWords.Replace(p.Errors[0].Message))
		if at := p.Errors[0].Pointer; at != "" {
			fmt.Fprintf(&b, "\n  at %s", at)
		}
	default:
		fmt.Fprintf(&b, "%s, for %d reasons:", strings.ToLower(p.Title[:1])+p.Title[1:], len(p.Errors))
		for _, f := range p.Errors {
			b.WriteString("\n  ")
			if f.Pointer != "" {
				b.WriteString(f.Pointer + ": ")
			}
			b.WriteString(flagWords.Replace(f.Message))
		}
	}
	for _, h := range p.Conflicts {
		fmt.Fprintf(&b, "\n  in the way: %s", holderWords(string(h.Kind), h.Name, h.ID))
	}
	switch p.Status {
	case http.StatusUnauthorized:
		b.WriteString("\n  --token or CONJUNCT_TOKEN carries the token; conjunctd wrote an admin's to admin.token in its data_dir when it first started")
	case http.StatusInternalServerError:
		fmt.Fprintf(&b, "\n  request_id %s", p.RequestID)
	}
	return b.String()
}

// holderWords names an object: kind, name, and the id where it is another.
func holderWords(kind, name, id string) string {
	if name == "" || name == id {
		return kind + " " + id
	}
	return fmt.Sprintf("%s %s (%s)", kind, name, id)
}
