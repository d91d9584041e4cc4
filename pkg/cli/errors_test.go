package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// run runs fngen in this process.
func run(ctx context.Context, apiURL string, args ...string) (code int, stdout, stderr string) {
	var out, talk bytes.Buffer
	vars := map[string]string{"FNGEN_API_URL": apiURL, "FNGEN_API_KEY": "fngen_" + strings.Repeat("A", 33)}
	code = Run(ctx, args, command.Env{
		Getenv: func(name string) string { return vars[name] },
		IO:     &term.IO{In: strings.NewReader(""), Out: &out, Err: &talk},
	})
	return code, out.String(), talk.String()
}

// What the platform, or something in front of it, answers becomes one exit code
// and one text.
func TestAnswers(t *testing.T) {
	problem := func(p *api.Problem) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", p.ContentType(""))
			w.WriteHeader(p.Status)
			_ = json.NewEncoder(w).Encode(p)
		}
	}
	internal := api.NewProblem(api.Internal, "it broke")
	internal.RequestID = "req-1"
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		code    int
		want    string
	}{
		"unauthenticated": {problem(api.NewProblem(api.Unauthenticated, "not known")), 4, "error: not known\n  help: get an API key"},
		"forbidden":       {problem(api.NewProblem(api.Forbidden, "not yours").WithHelp("ask")), 4, "error: not yours\n  help: ask\n"},
		"not found":       {problem(api.NewProblem(api.NotFound, "no such thing")), 1, "error: no such thing\n"},
		"internal":        {problem(internal), 1, "error: it broke\n  request: req-1\n"},
		"escapes":         {problem(api.NewProblem(api.Invalid, "a\x1b[2J")), 1, `error: a\x1b[2J` + "\n"},
		"router's 401":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }, 4, "401 Unauthorized\n"},
		"router's 502":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, 1, "502 Bad Gateway\n"},
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(test.handler)
			defer web.Close()
			code, stdout, stderr := run(t.Context(), web.URL, "connect")
			if code != test.code || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("code %d, want %d; stdout %q; stderr %q, want %q in it", code, test.code, stdout, stderr, test.want)
			}
		})
	}
}

// A platform with a CA of its own: the way out is FNGEN_CA_CERT.
func TestUnknownAuthority(t *testing.T) {
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes
	web.StartTLS()
	defer web.Close()
	code, _, stderr := run(t.Context(), web.URL, "connect")
	if code != 1 || !strings.Contains(stderr, "FNGEN_CA_CERT") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
}

// An interrupt while a request hangs.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer web.Close()
	code, stdout, stderr := run(ctx, web.URL, "projects", "--json")
	if code != 130 || !strings.Contains(stdout, `"code": "interrupted"`) || stderr != "error: interrupted\n" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
