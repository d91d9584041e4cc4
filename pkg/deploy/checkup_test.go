package deploy

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
// and show what they answer: a health check follows redirects to the instance only.
func TestCheckupRedirects(t *testing.T) {
	asked := false
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		http.Error(w, "a secret", http.StatusForbidden)
	}))
	defer secret.Close()
	mux := http.NewServeMux()
	mux.Handle("/elsewhere", http.RedirectHandler(secret.URL, http.StatusFound))
	mux.Handle("/here", http.RedirectHandler("/login", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.HandleFunc("/login", func(http.ResponseWriter, *http.Request) {})
	app := httptest.NewServer(mux)
	defer app.Close()

	job := &nomadapi.Job{TaskGroups: []*nomadapi.TaskGroup{{Tasks: []*nomadapi.Task{{Name: "app"}}, Services: []*nomadapi.Service{{
		Checks: []nomadapi.ServiceCheck{{Timeout: time.Second, Header: map[string][]string{"Host": {"shop.example"}}}},
	}}}}}
	for health, want := range map[string]int{"/elsewhere": 302, "/here": 200, "/round": 302, "/missing": 404} {
		k := (&change{}).newCheckup(ir.Function{WebApp: &ir.WebApp{Health: health}}, job)
		k.addresses["a1"] = strings.TrimPrefix(app.URL, "http://")
		if status, text, err := k.ask(t.Context(), "a1"); status != want || err != nil || strings.Contains(text, "secret") {
			t.Errorf("%s: status %d, %q, %v", health, status, text, err)
		}
		k.emit = func(e api.Event) {
			if strings.Contains(e.Output.Line, "secret") {
				t.Errorf("%s: it shows %q", health, e.Output.Line)
			}
		}
		k.verdict(t.Context(), []string{"a1"})
		if leads := strings.Contains(k.said, "302 Found, which leads elsewhere"); leads != (want == 302) {
			t.Errorf("%s: it says %q", health, k.said)
		}
	}
	if asked {
		t.Error("another server was asked")
	}
}
