// Package exit is how a command ends: what an error means to the outside, as a text, as
// JSON, and as an exit code.
package exit

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/binding"
	"fngen.dev/fngen/pkg/term"
)

// The exit codes, all of them.
const (
	codeDone        = 0
	codeFailed      = 1   // failed or refused
	codeChanges     = 2   // plan --detailed-exitcode found changes
	codeAuth        = 4   // not authenticated or not allowed
	codeInterrupted = 130 // by SIGINT or SIGTERM
)

// exitOf maps the codes of failures to exit codes; a code that is not here is 1.
var exitOf = map[api.Code]int{
	api.Unauthenticated: codeAuth,
	api.Forbidden:       codeAuth,
	Interrupted:         codeInterrupted,
}

// Codes of failures that have no server in them.
const (
	BadUsage    api.Code = "usage"
	Interrupted api.Code = "interrupted"
	Unreachable api.Code = "unreachable"
)

// KeyHelp says how to come by an API key, and where to put it.
const KeyHelp = `get an API key from your fngen account or your platform's operator, then either
  export FNGEN_API_KEY=fngen_...
or write this line to ~/.fngen/credentials.yml (chmod 600):
  api_key: fngen_...
and try it with: fngen connect`

// Failure is what the outside sees of an error.
type Failure struct {
	Code    api.Code `json:"code"`
	Message string   `json:"message"`
	Help    string   `json:"help"`
	// RequestID finds the request in the platform's logs.
	RequestID string `json:"request_id,omitempty"`
	// Diagnostics are shown beside it.
	Diagnostics diag.List `json:"-"`
	// Faults are the fields of a payload that do not fit.
	Faults []binding.Fault `json:"faults,omitempty"`
}

func (f *Failure) Error() string { return f.Message }

// Usage is a mistake on the command line.
type Usage struct{ Message, Help string }

func (e *Usage) Error() string { return e.Message }

// Reported is an error whose document --json has printed already.
type Reported struct{ Err error }

func (r *Reported) Error() string { return r.Err.Error() }
func (r *Reported) Unwrap() error { return r.Err }

// ErrChanges is no failure: a plan with changes, when the exit code is to tell.
var ErrChanges = errors.New("there are changes")

// Code is the exit code of a command that ended with err.
func Code(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return codeDone
	case errors.Is(err, ErrChanges):
		return codeChanges
	}
	if code, ok := exitOf[Explain(ctx, err).Code]; ok {
		return code
	}
	return codeFailed
}

// Refused is the failure of a tree with faults; after says what that means.
func Refused(list diag.List, after string) error {
	n := 0
	for _, d := range list {
		if d.Severity == diag.Error {
			n++
		}
	}
	return &Failure{Code: api.Refused, Message: term.Count(n, "fault", "faults") + " in the code" + after, Diagnostics: list}
}

// Explain turns any error into a failure. An interrupt wins: what fails after it
// fails because of it.
func Explain(ctx context.Context, err error) *Failure {
	var (
		f       *Failure
		usage   *Usage
		problem *api.Problem
		network *url.Error
	)
	switch {
	case errors.As(err, &f):
		return f
	case ctx.Err() != nil:
		return &Failure{Code: Interrupted, Message: "interrupted"}
	case errors.As(err, &usage):
		return &Failure{Code: BadUsage, Message: usage.Message, Help: usage.Help}
	case errors.As(err, &problem):
		return fromProblem(problem)
	case errors.As(err, &network):
		return fromNetwork(network)
	}
	return &Failure{Code: api.Failed, Message: err.Error()}
}

func fromProblem(p *api.Problem) *Failure {
	f := &Failure{Code: p.Code, Message: p.Detail, Help: p.Help, Diagnostics: p.Diagnostics, RequestID: p.RequestID}
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
		f.Help = KeyHelp
	}
	if f.Code != api.Internal {
		f.RequestID = "" // only a fault of the platform's needs its logs
	}
	return f
}

// fromNetwork says what to check when the platform cannot be reached.
func fromNetwork(e *url.Error) *Failure {
	f := &Failure{Code: Unreachable, Help: "is FNGEN_API_URL (or api_url in ~/.fngen/credentials.yml) right, and the network up?"}
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
