package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/payload"
	"fngen.dev/fngen/pkg/term"
)

// The exit codes, all of them.
const (
	exitDone        = 0
	exitFailed      = 1   // failed or refused
	exitChanges     = 2   // plan --detailed-exitcode found changes
	exitAuth        = 4   // not authenticated or not allowed
	exitInterrupted = 130 // by SIGINT or SIGTERM
)

// exitOf maps the codes of failures to exit codes; a code that is not here is 1.
var exitOf = map[api.Code]int{
	api.Unauthenticated: exitAuth,
	api.Forbidden:       exitAuth,
	interrupted:         exitInterrupted,
}

// Codes of failures that have no server in them.
const (
	badUsage    api.Code = "usage"
	interrupted api.Code = "interrupted"
	unreachable api.Code = "unreachable"
)

// failure is what the outside sees of an error.
type failure struct {
	Code    api.Code `json:"code"`
	Message string   `json:"message"`
	Help    string   `json:"help"`
	// RequestID finds the request in the platform's logs.
	RequestID string `json:"request_id,omitempty"`
	// diagnostics are shown beside it.
	diagnostics diag.List
	// Faults are the fields of a payload that do not fit.
	Faults []payload.Fault `json:"faults,omitempty"`
}

func (f *failure) Error() string { return f.Message }

// usageError is a mistake on the command line.
type usageError struct{ message, help string }

func (e *usageError) Error() string { return e.message }

// reported is an error whose document --json has printed already.
type reported struct{ error }

func (r *reported) Unwrap() error { return r.error }

// errChanges is no failure: a plan with changes, when the exit code is to tell.
var errChanges = errors.New("there are changes")

// finish reports err and returns the exit code.
func (a *app) finish(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errChanges):
		return exitChanges
	}
	f := explain(ctx, err)
	var done *reported
	switch {
	case errors.As(err, &done): // stdout has its document
	case a.json:
		a.writeFailure(f)
	default:
		_ = diag.Render(a.IO.Err, f.diagnostics, a.IO.Colour)
	}
	a.sayf("%s %s", a.IO.Paint(term.Red, "error:"), indent(f.Message, "       "))
	if f.Help != "" {
		a.sayf("%s", indent("  help: "+f.Help, "        "))
	}
	if f.RequestID != "" {
		a.sayf("  request: %s", term.Escape(f.RequestID))
	}
	if code, ok := exitOf[f.Code]; ok {
		return code
	}
	return exitFailed
}

func (a *app) writeFailure(f *failure) {
	list := f.diagnostics
	if list == nil {
		list = diag.List{}
	}
	// stdout may be what is broken: the text on stderr still tells.
	_ = a.writeJSON(struct {
		Error       *failure  `json:"error"`
		Diagnostics diag.List `json:"diagnostics"`
	}{f, list})
}

// refused is the failure of a tree with faults; after says what that means.
func refused(list diag.List, after string) error {
	n := 0
	for _, d := range list {
		if d.Severity == diag.Error {
			n++
		}
	}
	return &failure{Code: api.Refused, Message: count(n, "fault", "faults") + " in the code" + after, diagnostics: list}
}

// explain turns any error into a failure. An interrupt wins: what fails after it
// fails because of it.
func explain(ctx context.Context, err error) *failure {
	var (
		f       *failure
		usage   *usageError
		problem *api.Problem
		network *url.Error
	)
	switch {
	case errors.As(err, &f):
		return f
	case ctx.Err() != nil:
		return &failure{Code: interrupted, Message: "interrupted"}
	case errors.As(err, &usage):
		return &failure{Code: badUsage, Message: usage.message, Help: usage.help}
	case errors.As(err, &problem):
		return fromProblem(problem)
	case errors.As(err, &network):
		return fromNetwork(network)
	}
	return &failure{Code: api.Failed, Message: err.Error()}
}

func fromProblem(p *api.Problem) *failure {
	f := &failure{Code: p.Code, Message: p.Detail, Help: p.Help, diagnostics: p.Diagnostics, RequestID: p.RequestID}
	switch p.Status {
	case http.StatusUnauthorized:
		f.Code = api.Unauthenticated
	case http.StatusForbidden:
		f.Code = api.Forbidden
	}
	if f.Message == "" {
		f.Message = fmt.Sprintf("the platform answered %d %s", p.Status, http.StatusText(p.Status))
	}
	if f.Code == api.Unauthenticated && f.Help == "" {
		f.Help = keyHelp
	}
	if f.Code != api.Internal {
		f.RequestID = "" // only a fault of the platform's needs its logs
	}
	return f
}

// fromNetwork says what to check when the platform cannot be reached.
func fromNetwork(e *url.Error) *failure {
	f := &failure{Code: unreachable, Help: "is FNGEN_API_URL (or api_url in ~/.fngen/credentials.yml) right, and the network up?"}
	host := e.URL
	if u, err := url.Parse(e.URL); err == nil {
		host = u.Scheme + "://" + u.Host
	}
	f.Message = fmt.Sprintf("cannot reach the platform at %s: %s", term.Escape(host), term.Escape(e.Err.Error()))
	var (
		authority x509.UnknownAuthorityError
		dns       *net.DNSError
	)
	switch {
	case errors.As(e, &authority):
		f.Help = "when the platform has a CA of its own, name its file in FNGEN_CA_CERT (or ca_cert in ~/.fngen/credentials.yml)"
	case errors.As(e, &dns):
		f.Message = fmt.Sprintf("cannot reach the platform at %s: no such host", term.Escape(host))
	case e.Timeout():
		f.Message = fmt.Sprintf("the platform at %s does not answer", term.Escape(host))
	}
	return f
}

// indent puts every line after the first below the text of the first, and makes
// each safe to print.
func indent(s, by string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = term.Escape(lines[i])
		if i > 0 {
			lines[i] = by + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}
