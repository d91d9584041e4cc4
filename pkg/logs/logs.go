// Package logs keeps the logs of projects in Loki, and finds lines in them.
//
// Each project is a tenant of its own, named by the control plane: what one project has
// written cannot be found with a query of another, whatever the query says. No query is
// ever given to Loki that somebody else wrote: selector makes it of fields.
//
// Few things are labels, since each set of labels is a stream of its own: power,
// function, server, stream and level. What has many values is structured metadata.
package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// PowerPlatform is the power of what the platform itself writes into a project's log.
const PowerPlatform = "platform"

// Origin is from where entries come, as the control plane knows it.
type Origin struct {
	Power, Function, Server, Release string
	// Instance is the allocation.
	Instance string
}

var (
	// ErrAway marks that Loki cannot be reached or does not take anything now.
	ErrAway = errors.New("the store of logs is away")
	// ErrRejected marks entries that it will never take.
	ErrRejected = errors.New("rejected")
)

const (
	pushTime  = 10 * time.Second
	queryTime = 30 * time.Second
	// maxAnswer is the most that is read of an answer, and maxFound about the most that
	// lines of one question may be together: entries may be large, and are somebody's.
	maxAnswer = 32 << 20
	maxFound  = 16 << 20
	// atOnce is how many answers are read at the same time.
	atOnce = 4
)

// errLarge is an answer of more than maxAnswer.
var errLarge = errors.New("the answer is too large")

// Loki is a client of one. It is safe for concurrent use.
type Loki struct {
	address string
	client  *http.Client
	reading chan struct{}
	// answer and found are maxAnswer and maxFound but in tests.
	answer, found int
}

// New returns a client of the Loki at an address such as http://127.0.0.1:3100.
func New(address string) (*Loki, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is not the address of a Loki, such as http://127.0.0.1:3100", address)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // it is next to us
	transport.MaxIdleConnsPerHost = 16
	return &Loki{strings.TrimSuffix(address, "/"), &http.Client{Transport: transport}, make(chan struct{}, atOnce), maxAnswer, maxFound}, nil
}

// Tenant is the name of a project's logs. A name may come back for another project, so
// the id is in it.
func Tenant(project string, id int64) string { return fmt.Sprintf("%s.%d", project, id) }

// do sends a request for a tenant and returns the answer's body.
func (l *Loki) do(ctx context.Context, tenant, method, path string, query url.Values, contentType string, body io.Reader) ([]byte, error) {
	target := l.address + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Scope-OrgID", tenant)
	// Else structured metadata is taken for labels, and each line for a stream.
	req.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, errors.Join(ErrAway, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, int64(l.answer)+1))
	if err != nil {
		return nil, errors.Join(ErrAway, err)
	}
	if len(answer) > l.answer {
		return nil, errLarge
	}
	if resp.StatusCode/100 == 2 {
		return answer, nil
	}
	if resp.StatusCode == http.StatusRequestEntityTooLarge && method == http.MethodGet {
		return nil, errLarge // Loki has bounds of its own
	}
	err = fmt.Errorf("%s answered %s: %.500s", path, resp.Status, answer)
	if resp.StatusCode/100 == 5 || resp.StatusCode == http.StatusTooManyRequests {
		return nil, errors.Join(ErrAway, err)
	}
	return nil, errors.Join(ErrRejected, err)
}
