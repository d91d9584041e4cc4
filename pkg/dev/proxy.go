package dev

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/compiler/ir"
)

// holdTime is how long a request waits for a function that is not there yet.
const holdTime = 10 * time.Minute

// proxy leads requests to the instances. A request that finds none waits for one, or
// for the reason why there will be none.
type proxy struct {
	mu     sync.Mutex
	hosts  map[string]string // the first part of a host to the function
	first  string            // what every other host gets
	places map[string]*place
	// refusal is what every function without an instance answers, empty for none.
	refusal string
	// changed is closed, and made anew, when any of it changes.
	changed   chan struct{}
	transport *http.Transport
}

// place is where a function is served, or why not.
type place struct {
	instance *instance
	failure  string
}

func newProxy() *proxy {
	// A connection for each request: one that is kept may close as it is used, and the
	// request on it could not be sent again.
	return &proxy{hosts: map[string]string{}, places: map[string]*place{}, changed: make(chan struct{}), transport: &http.Transport{DisableKeepAlives: true}}
}

// route sets which hosts lead to which function: those of the platform, below
// localhost, and for any other host the first function.
func (p *proxy) route(web []ir.Function) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hosts, p.first, p.refusal = map[string]string{}, "", ""
	places := map[string]*place{}
	for _, f := range web {
		if p.first == "" {
			p.first = f.Name
		}
		for _, host := range f.WebApp.Hosts {
			p.hosts[host] = f.Name
		}
		places[f.Name] = &place{}
		if old := p.places[f.Name]; old != nil {
			places[f.Name].instance = old.instance
		}
	}
	p.places = places
	p.announce()
}

// announce wakes who waits. The caller holds the lock.
func (p *proxy) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// serve puts an instance in place, and returns the one that was there.
func (p *proxy) serve(function string, in *instance) *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.places[function]
	if at == nil {
		return in // it went meanwhile
	}
	old := at.instance
	at.instance, at.failure = in, ""
	p.announce()
	return old
}

// fail notes why a function is not served, once the instance in its place is the one
// that has ended; nil stands for one that never came to be in place.
func (p *proxy) fail(function string, ended *instance, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.places[function]
	if at == nil || at.instance != ended {
		return
	}
	at.instance, at.failure = nil, why
	p.announce()
}

// refuse notes why nothing new is started.
func (p *proxy) refuse(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusal = why
	p.announce()
}

// take finds the instance for a host, and counts the request as one of its own.
func (p *proxy) take(host string) (in *instance, failure string, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.places[p.functionOf(host)]
	switch {
	case at != nil && at.instance != nil:
		at.instance.requests.Add(1)
		return at.instance, "", nil
	case at != nil && at.failure != "":
		return nil, at.failure, p.changed
	}
	return nil, p.refusal, p.changed
}

func (p *proxy) functionOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if function, ok := p.hosts[strings.TrimSuffix(strings.ToLower(host), ".localhost")]; ok {
		return function
	}
	return p.first
}

// ServeHTTP makes proxy a handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), holdTime)
	defer cancel()
	for {
		in, failure, changed := p.take(r.Host)
		if in != nil {
			defer in.requests.Done()
			p.forward(w, r, in)
			return
		}
		if failure != "" {
			page(w, failure)
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			page(w, "The function has not begun to answer.")
			return
		}
	}
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request, in *instance) {
	(&httputil.ReverseProxy{
		Transport: p.transport, FlushInterval: -1,
		Rewrite: func(out *httputil.ProxyRequest) {
			out.SetURL(&url.URL{Scheme: "http", Host: in.address})
			out.Out.Host = out.In.Host
			out.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			page(w, fmt.Sprintf("The function did not answer to the end: %v\n\n%s", err, in.Tail()))
		},
	}).ServeHTTP(w, r)
}

// page is what a person sees instead of the app.
func page(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintln(w, text)
}
