package access_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/store"
)

func TestAuthentication(t *testing.T) {
	p := servertest.New(t)
	c, secret := p.Account(t, "a@example.com")
	ctx := t.Context()
	typo := []byte(secret.Reveal())
	typo[10] ^= 1
	for _, key := range []string{"", "x", string(typo)} {
		_, err := p.Client(t, key).Account(ctx)
		if got := servertest.WantProblem(t, err, api.Unauthenticated); got.Status != 401 || !strings.Contains(got.Help, "FNGEN_API_KEY") {
			t.Errorf("problem %+v", got)
		}
	}
	// Every route of people's demands a key, those that do not exist too.
	for _, route := range []string{
		"GET /v1/account", "GET /v1/platform", "GET /v1/projects", "POST /v1/projects", "GET /v1/projects/x", "DELETE /v1/projects/x",
		"GET /v1/projects/x/trees/latest", "PUT /v1/projects/x/trees/y", "POST /v1/projects/x/pushes", "GET /v1/projects/x/releases",
		"POST /v1/projects/x/rollbacks", "POST /v1/projects/x/plans", "GET /v1/nothing",
		"GET /v1/agent/trees/x", "GET /v1/agent/layers/x", "PUT /v1/agent/layers/x",
	} {
		method, path, _ := strings.Cut(route, " ")
		for _, path := range []string{path, "/" + path, "/x/.." + path} {
			if status, _ := servertest.Request(t, method, p.URL+path, ""); status < 300 {
				t.Errorf("%s %s without a key: %d", method, path, status)
			} else if strings.HasPrefix(path, "/v1") && status != http.StatusUnauthorized {
				t.Errorf("%s %s without a key: %d", method, path, status)
			}
		}
	}
	if err := p.Store.RevokeKey(ctx, store.Actor{}, 1); err != nil {
		t.Fatal(err)
	}
	_, err := c.Account(ctx)
	servertest.WantProblem(t, err, api.Unauthenticated)
	if strings.Contains(p.Log.String(), secret.Reveal()) {
		t.Error("the key is in the log")
	}
}

// TestFailuresAreLimited guesses keys. The owner of a good key at the same
// address does not notice.
func TestFailuresAreLimited(t *testing.T) {
	p := servertest.New(t)
	c, _ := p.Account(t, "a@example.com")
	stranger := p.Client(t, "wrong")
	var limited *api.Problem
	for range 45 {
		_, err := stranger.Account(t.Context())
		var got *api.Problem
		if errors.As(err, &got) && got.Status == http.StatusTooManyRequests {
			limited = got
		}
	}
	if limited == nil {
		t.Error("guessing was not limited")
	}
	if _, err := c.Account(t.Context()); err != nil {
		t.Errorf("a good key: %v", err)
	}
}

// TestForgedAddressIsLimited guesses keys without a router in between, from another
// address each time as the header has it.
func TestForgedAddressIsLimited(t *testing.T) {
	p := servertest.New(t)
	for i := range 45 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+"/v1/account", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer wrong")
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("guessing keys was not limited")
}
