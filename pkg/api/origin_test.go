package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// TestKeyStaysWithItsOrigin has an address lead to another port of the same host,
// in each way there is: nothing is sent there.
func TestKeyStaysWithItsOrigin(t *testing.T) {
	var reached atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		fmt.Fprint(w, `{"email":"thief@example.com"}`)
	}))
	defer thief.Close()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Redirect(w, r, thief.URL+r.URL.Path, status)
		})
		for name, call := range map[string]func(context.Context) error{
			"account": func(ctx context.Context) error { _, err := client.Account(ctx); return err },
			"create":  func(ctx context.Context) error { _, err := client.CreateProject(ctx, "p"); return err },
			"push":    func(ctx context.Context) error { _, err := client.Push(ctx, "p", PushRequest{}); return err },
			"upload": func(ctx context.Context) error {
				_, err := client.PutTree(ctx, "p", "sha256:x", "", func() io.Reader { return strings.NewReader("x") })
				return err
			},
		} {
			err := call(t.Context())
			if err == nil || !strings.Contains(err.Error(), thief.URL) {
				t.Errorf("%s, answered %d: the error does not say where it leads: %v", name, status, err)
			}
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d requests followed the address to another origin", n)
	}
}

// TestKeyIsNotSentInClear holds which addresses a key may be sent to.
func TestKeyIsNotSentInClear(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://api.example.com":        true,
		"http://api.example.com":         false,
		"http://10.0.0.1:8880":           false,
		"http://127.0.0.1.example.com":   false,
		"http://localhost.example.com":   false,
		"http://127.0.0.1@example.com":   false,
		"http://notlocalhost":            false,
		"http://127.0.0.1:8880":          true,
		"http://[::1]:8880":              true,
		"http://localhost:8880":          true,
		"http://api.fngen.localhost":     true,
		"http://API.FNGEN.LOCALHOST.:80": true,
	} {
		if _, err := NewClient(address, "key", "", "test"); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := NewClient("http://api.example.com", "", "", "test"); err != nil {
		t.Errorf("without a key: %v", err)
	}
}

// TestLoopbackHasNoProxy holds that what is sent to this machine does not leave it
// by a proxy.
func TestLoopbackHasNoProxy(t *testing.T) {
	proxyOf := exceptLoopback(http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example.com:3128"}))
	for address, direct := range map[string]bool{
		"http://api.fngen.localhost/": true, "http://127.0.0.1/": true, "http://localhost:80/": true, "http://api.example.com/": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := proxyOf(req)
		if err != nil || (proxy == nil) != direct {
			t.Errorf("%s: by proxy %v, %v", address, proxy, err)
		}
	}
}
