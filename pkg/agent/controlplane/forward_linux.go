package controlplane

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// maxOrder is the largest request of a function, in bytes: many tasks at once.
const maxOrder = 17 << 20

// Listen answers requests of a function at the socket path. It is called while the agent
// is root; whoever is in the instance may ask.
func (c *Client) Listen(path string) (*http.Server, error) {
	// Two agents may be in one directory for a moment, when one follows the other: each
	// makes its own, and the last one has the name.
	own := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.Remove(own); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: own, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for the function: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(own, 0o666), os.Rename(own, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for the function: %w", err), l.Close())
	}
	handler, err := c.forward()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 16 << 10}
	go func() { _ = s.Serve(l) }() // until it is closed
	return s, nil
}

// forward hands requests about tasks on to the control plane, with the identity that
// the function itself does not have, and nothing else of what it says of itself.
func (c *Client) forward() (http.Handler, error) {
	to, err := url.Parse(c.api)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Transport: c.HTTP.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			kind := r.In.Header.Get("Content-Type")
			r.Out.Header = http.Header{"Content-Type": {kind}, "Accept": {"application/json"}}
			r.SetURL(to)
			if token, err := os.ReadFile(c.identity); err == nil { // else it is refused
				r.Out.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte(`{"status":502,"code":"unavailable","title":"unavailable","detail":"the control plane cannot be reached from here at the moment"}`))
		},
	}
	mux := http.NewServeMux()
	limited := http.MaxBytesHandler(proxy, maxOrder)
	mux.Handle("POST /v1/agent/tasks", limited)
	mux.Handle("POST /v1/agent/tasks/large", http.MaxBytesHandler(proxy, task.MaxLarge))
	mux.Handle("GET /v1/agent/tasks/{id}", limited)
	return mux, nil
}
