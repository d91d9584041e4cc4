package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Pages are GETs of a path, whatever its answer: over HTTP/2 connections that are
// kept, as browsers do, and over a new one each.
func Pages(path string) []Kind { return pages(path, regexp.MustCompile("")) }

func pages(path string, body *regexp.Regexp) []Kind {
	return []Kind{
		{"GET over kept connections", 4, 50 * time.Millisecond, func(t Target) user {
			return &page{newClient(t), t.URL + path, body}
		}},
		{"GET over new connections", 2, 50 * time.Millisecond, func(t Target) user {
			c := newClient(t)
			c.transport.DisableKeepAlives = true
			return &page{c, t.URL + path, body}
		}},
	}
}

// Everything is all that App answers, about 170 requests a second.
func Everything() []Kind {
	return append(pages("/", regexp.MustCompile(`^{"version":\d+}$`)),
		Kind{"POST up to 128 KB", 2, 80 * time.Millisecond, func(t Target) user {
			return &echo{newClient(t), t.URL + "/echo", 128 << 10}
		}},
		Kind{"POST over HTTP/1.1", 2, 80 * time.Millisecond, func(t Target) user {
			c := newClient(t)
			c.onlyHTTP1()
			return &echo{c, t.URL + "/echo", smallBody}
		}},
		Kind{"stream of 5 s", 2, streamTime, func(t Target) user { return &stream{newClient(t), t.URL + "/stream"} }},
		Kind{"WebSocket message", 2, 200 * time.Millisecond, func(t Target) user { return newSocket(t, "/ws") }},
	)
}

// client is the connections of one worker.
type client struct{ transport *http.Transport }

func newClient(t Target) client { return client{t.Transport.Clone()} }

// onlyHTTP1 leaves out HTTP/2, for what programs do rather than browsers.
func (c client) onlyHTTP1() {
	c.transport.Protocols = new(http.Protocols)
	c.transport.Protocols.SetHTTP1(true)
	// Clone has made the original announce HTTP/2, and copied that.
	c.transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
}

func (c client) close() { c.transport.CloseIdleConnections() }

// send makes a request and hands over the body of an answer with status 200.
// Redirects are not followed.
func (c client) send(req *http.Request, read func(io.Reader) error) (answer, error) {
	connections := 0
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connections++ }}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	// By this the runtime tells which release answers.
	req.Header.Set("Fngen-Probe", "1")
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return answer{again: connections > 1}, err
	}
	defer resp.Body.Close()
	got := answer{resp.Header.Get("Fngen-Release"), connections > 1}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // the status is what counts
		return got, fmt.Errorf("status %d: %q", resp.StatusCode, text)
	}
	return got, read(resp.Body)
}

// page is GETs whose answer matches a pattern.
type page struct {
	client
	url  string
	body *regexp.Regexp
}

func (p *page) request(ctx context.Context) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return answer{}, err
	}
	return p.send(req, func(r io.Reader) error {
		body, err := io.ReadAll(r)
		if err == nil && !p.body.Match(body) {
			err = fmt.Errorf("the answer is %q", body)
		}
		return err
	})
}

// smallBody is the largest body over HTTP/1.1. Of larger ones the router cuts the
// answer short now and then, whether anything is pushed or not: writing an answer
// closes the body of its request, and Go's client, which looks for more of that
// body once it has sent all of it, then takes the connection to the app for broken
// (golang/go#40747, traefik/traefik#11767: 2 to 30 of 1,000 answers above 64 KB
// here, the more the busier the machine). A small body leaves the router in one
// piece, after it was read to its end. HTTP/2, which browsers use, does not have it.
const smallBody = 2 << 10

// echo is POSTs of a body that comes back. Each has an id, and App refuses one
// that it has seen: a body that the router sent twice shows as a failure.
//
// Go sends a POST again only when nothing of it was written to a kept connection
// that had ended, and it can rewind the body. It cannot here, so what is measured
// is each POST's first and only attempt, as the router's own is: a request that
// the router receives has no body to rewind either.
type echo struct {
	client
	url  string
	most int
}

func (e *echo) request(ctx context.Context) (answer, error) {
	sent := make([]byte, 1+mathrand.IntN(max(1, e.most>>mathrand.IntN(16)))) // most are small
	_, _ = rand.Read(sent)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(sent))
	if err != nil {
		return answer{}, err
	}
	req.GetBody = nil
	id := make([]byte, 12)
	_, _ = rand.Read(id)
	req.Header.Set("Load-Id", hex.EncodeToString(id))
	return e.send(req, func(r io.Reader) error {
		got, err := io.ReadAll(r)
		if err == nil && !bytes.Equal(got, sent) {
			err = fmt.Errorf("sent %d bytes and got %d others back", len(sent), len(got))
		}
		return err
	})
}

const (
	streamChunks = 20
	streamTime   = 5 * time.Second
)

// stream is answers that take a while. One must be whole, and of one version from
// its first line to its last.
type stream struct {
	client
	url string
}

func (s *stream) request(ctx context.Context) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return answer{}, err
	}
	return s.send(req, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		version, n := "", 0
		for ; lines.Scan(); n++ {
			v, number, _ := strings.Cut(lines.Text(), " chunk ")
			if n == 0 {
				version = v
			}
			if v != version || number != strconv.Itoa(n) {
				return fmt.Errorf("line %d is %q, in a stream of version %q", n, lines.Text(), version)
			}
		}
		if err := lines.Err(); err != nil {
			return fmt.Errorf("broken off after %d of %d chunks: %w", n, streamChunks, err)
		}
		if n != streamChunks {
			return fmt.Errorf("ended after %d of %d chunks", n, streamChunks)
		}
		return nil
	})
}
