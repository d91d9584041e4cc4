package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// attempts is how often a request that may be repeated is tried when the
// connection fails; the wait doubles from firstWait.
const (
	attempts  = 3
	firstWait = 200 * time.Millisecond
)

// rollingTime is how long a request waits for a control plane that its router
// does not know at the moment: one that is being replaced is back within it.
const rollingTime = 10 * time.Second

// maxAnswer bounds an answer that is not a stream.
const maxAnswer = 64 << 20

// Client talks to one control plane with one API key.
type Client struct {
	base    *url.URL
	key     string
	version string
	http    *http.Client
	// patience is rollingTime but in tests.
	patience time.Duration
}

// NewClient makes a client. The CA certificates of caFile (PEM, may be empty)
// are trusted beside the system's. version goes into User-Agent. The key is sent to
// this very address and to no other, and never where it can be read on its way.
func NewClient(baseURL, key, caFile, version string) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(baseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("parse API address: %w", err)
	}
	if (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" {
		return nil, fmt.Errorf("API address %q is not of the form https://host", baseURL)
	}
	if key != "" && InClear(base) {
		return nil, fmt.Errorf("API address %q is http: the API key could be read on its way; use https", baseURL)
	}
	transport, err := NewTransport(caFile)
	if err != nil {
		return nil, err
	}
	follow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: base, key: key, version: version, http: &http.Client{Transport: transport, CheckRedirect: follow}, patience: rollingTime}, nil
}

// Address is where the platform is.
func (c *Client) Address() string { return c.base.String() }

// Account says whose key it is.
func (c *Client) Account(ctx context.Context) (Account, error) {
	return call[Account](ctx, c, http.MethodGet, "/v1/account", nil)
}

// Platform says what the platform has.
func (c *Client) Platform(ctx context.Context) (Platform, error) {
	return call[Platform](ctx, c, http.MethodGet, "/v1/platform", nil)
}

// ProjectsPage is how many projects one answer has at most.
const ProjectsPage = 200

// Projects lists the account's projects by name, page by page.
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	all := []Project{}
	for {
		query := url.Values{"limit": {strconv.Itoa(ProjectsPage)}}
		if len(all) > 0 {
			query.Set("after", all[len(all)-1].Name)
		}
		page, err := call[[]Project](ctx, c, http.MethodGet, "/v1/projects?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < ProjectsPage {
			return all, nil
		}
	}
}

// CreateProject adds a project.
func (c *Client) CreateProject(ctx context.Context, name string) (Project, error) {
	return call[Project](ctx, c, http.MethodPost, "/v1/projects", CreateProject{Name: name})
}

// Status says what runs.
func (c *Client) Status(ctx context.Context, project string) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, projectPath(project), nil)
}

// Destroy removes a project and all that belongs to it.
func (c *Client) Destroy(ctx context.Context, project string) (Destroyed, error) {
	return call[Destroyed](ctx, c, http.MethodDelete, projectPath(project), nil)
}

func projectPath(project string) string { return "/v1/projects/" + url.PathEscape(project) }

// call sends in as JSON, unless it is nil, and reads the answer as a T.
func call[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	return callAgain[T](ctx, c, method, path, in, canRepeat(method))
}

// callAgain is call; repeat says whether a request that may have arrived may be
// sent again.
func callAgain[T any](ctx context.Context, c *Client, method, path string, in any, repeat bool) (T, error) {
	var out T
	body, contentType := func() io.Reader { return nil }, ""
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return out, fmt.Errorf("encode request: %w", err)
		}
		body, contentType = func() io.Reader { return bytes.NewReader(text) }, "application/json"
	}
	resp, err := c.do(ctx, method, path, contentType, body, repeat)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&out); err != nil {
		return out, fmt.Errorf("read answer of %s: %w", c.base.JoinPath(path), err)
	}
	return out, nil
}

// canRepeat reports whether a request that may have arrived may be sent again.
func canRepeat(method string) bool { return method == http.MethodGet || method == http.MethodPut }

// do sends a request and returns an answer of status 2xx; another status is a
// *Problem. body is called once an attempt, and gives nil for none.
func (c *Client) do(ctx context.Context, method, path, contentType string, body func() io.Reader, repeat bool) (*http.Response, error) {
	wait, begin := firstWait, time.Now()
	for attempt := 1; ; attempt++ {
		resp, err := c.send(ctx, method, path, contentType, body())
		if err == nil && (!unrouted(resp) || time.Since(begin) > c.patience) {
			return answer(resp)
		}
		if err == nil {
			resp.Body.Close()
			attempt, wait = 0, firstWait // it never arrived: any request may be sent again
		} else if !repeat || attempt == attempts || ctx.Err() != nil || errors.Is(err, ErrNotSent) {
			return nil, err
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		wait *= 2
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (c *Client) send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	// path is escaped already.
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	req.Header.Set("User-Agent", "fngen/"+c.version)
	resp, err := c.http.Do(req)
	if err != nil {
		// url.Error says the method and the address, never a header.
		return nil, fmt.Errorf("reach the platform: %w", err)
	}
	return resp, nil
}

// unrouted reports whether the router in front of the platform answered because
// it knows no instance of it. The platform's own answers carry a request id.
func unrouted(resp *http.Response) bool {
	return (resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusServiceUnavailable) &&
		resp.Header.Get("X-Request-Id") == "" && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain")
}

// answer turns a status that is not 2xx into a *Problem.
func answer(resp *http.Response) (*http.Response, error) {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read error answer: %w", err)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	p := new(Problem)
	if kind == "application/problem+json" && json.Unmarshal(text, p) == nil && p.Code != "" {
		return nil, p
	}
	// A router in between answered, not the platform.
	p = NewProblem(codeOf(resp.StatusCode), "%s answered %s", resp.Request.URL.Host, resp.Status)
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && to != "" {
		p.Detail += fmt.Sprintf(", and leads to %q", to)
		p.Help = "the API key is sent nowhere but to the address that you set; if your platform has moved, set FNGEN_API_URL to its new one"
	}
	p.Status = resp.StatusCode
	return nil, p
}

func codeOf(status int) Code {
	switch status {
	case http.StatusUnauthorized:
		return Unauthenticated
	case http.StatusForbidden:
		return Forbidden
	case http.StatusNotFound:
		return NotFound
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	}
	return Internal
}
