package rollout

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
)

// TestCheckupRedirects holds that an app cannot have the control plane ask others,
// and show what they answer.
func TestCheckupRedirects(t *testing.T) {
	secret := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another server was asked") }))
	defer secret.Close()
	app := httptest.NewServer(http.RedirectHandler(secret.URL, http.StatusFound))
	defer app.Close()

	k := checkupOf(app.URL, "/healthz")
	k.verdict(t.Context(), []string{"a1"})
	if want := "its health check fails: GET /healthz answers 302 Found"; k.said != want {
		t.Errorf("it says %q, want %q", k.said, want)
	}
}

// TestCheckup asks where the health check asks, and says what failed once.
func TestCheckup(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/{$}", http.NotFoundHandler())
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no database", http.StatusServiceUnavailable)
	})
	app := httptest.NewServer(mux)
	defer app.Close()

	for health, want := range map[string]string{
		"":         "GET /: 404 Not Found: 404 page not found",
		"/healthz": "GET /healthz: 503 Service Unavailable: no database",
	} {
		k, told := checkupOf(app.URL, health), []string{}
		k.Emit = func(e api.Event) { told = append(told, e.Output.Line) }
		for range 2 {
			if verdict := k.verdict(t.Context(), []string{"a1"}); verdict != "" {
				t.Errorf("%q: given up at once: %s", health, verdict)
			}
		}
		if len(told) != 1 || told[0] != want {
			t.Errorf("%q: it tells %q, want %q", health, told, want)
		}
		if refused := !k.refused.IsZero(); refused != (health == "") {
			t.Errorf("%q: refused is %v", health, refused)
		}
	}
}

// checkupOf asks one instance, a1, at an address.
func checkupOf(url, health string) *checkup {
	job := &nomadapi.Job{TaskGroups: []*nomadapi.TaskGroup{{Tasks: []*nomadapi.Task{{Name: "app"}}, Services: []*nomadapi.Service{{
		Checks: []nomadapi.ServiceCheck{{Timeout: time.Second, Header: map[string][]string{"Host": {"shop.example"}}}},
	}}}}}
	k := (&Rollout{Emit: func(api.Event) {}}).newCheckup(ir.Function{Power: ir.PowerWebApp, WebApp: &ir.WebApp{Health: health}}, job)
	k.addresses["a1"] = strings.TrimPrefix(url, "http://")
	return k
}
