package projects

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// TestDestroyWithoutNames goes on where the names of variables cannot be read, and says so.
func TestDestroyWithoutNames(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/env") {
			_ = json.NewEncoder(w).Encode(api.Status{Project: "shop"})
			return
		}
		p := api.NewProblem(api.Unavailable, "Vault is away")
		w.Header().Set("Content-Type", p.ContentType(""))
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p)
	}))
	defer web.Close()
	client, err := api.NewClient(web.URL, "", "", "test")
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a := &command.App{Env: command.Env{IO: &term.IO{Err: &said}}}
	want := "This deletes project shop for good, with 0 functions, and its environment variables, if it has any.\n" +
		"warning: their names cannot be read now: Vault is away\n"
	if err := sayDestroyed(t.Context(), a, client, "shop"); err != nil || said.String() != want {
		t.Errorf("%v, %q", err, said.String())
	}
}
