package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
)

// TestSetVariables: a change arrives as it was sent, what a project cannot have is
// refused with its code, and no answer and no line of the log holds a value.
func TestSetVariables(t *testing.T) {
	p := servertest.New(t)
	c, key := p.Account(t, "a@example.com")
	_, other := p.Account(t, "b@example.com")
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	send := func(key, project, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, p.URL+"/v1/projects/"+project+"/env", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "canary") {
			t.Errorf("%.60s: the answer shows a value: %s", body, text)
		}
		return resp.StatusCode, string(text)
	}
	stream, err := c.SetVariables(t.Context(), "shop", api.SetVariables{Set: map[string]api.Value{"A": "canary ż\n<&>"}, Unset: []string{"B"}, NoRollout: true, Base: new(3)})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if e, err := stream.Next(); err != nil || e.Done == nil || e.Done.Variables.Version != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	got := p.Deployer.Asked.List[0]
	if got.Set["A"].Reveal() != "canary ż\n<&>" || got.Unset[0] != "B" || !got.NoRollout || got.Newest || *got.Base != 3 {
		t.Errorf("it arrived as %+v", got)
	}
	long, err := json.Marshal(strings.Repeat("canary", 12000))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		``:                                         "400 JSON of the form",
		`"canary`:                                  "400 JSON of the form",
		`{"set": {"A": 12345678901}}`:              "400 JSON of the form",
		`{"set": {"A": "canary"}} {}`:              "400 JSON of the form",
		`{"values": {"A": "canary"}}`:              "400 JSON of the form",
		`{}`:                                       "400 no variable",
		`{"set": {"A-B": "canary"}}`:               "400 FN3005",
		`{"set": {"PATH": "canary"}}`:              "400 FN3006",
		`{"set": {"FNGEN_X": "canary"}}`:           "400 FN3006",
		`{"unset": ["NOMAD_TOKEN"]}`:               "400 FN3006",
		`{"set": {"A": "canary\u0000"}}`:           "400 FN3008",
		`{"set": {"A": ` + string(long) + `}}`:     "400 FN3009",
		`{"set": {"A": "canary"}, "unset": ["A"]}`: "400 set and unset",
		strings.Repeat(" ", api.MaxVariablesBody+1) + `{}`: "413 more than",
	} {
		status, text := send(key.Reveal(), "shop", body)
		if code, words, _ := strings.Cut(want, " "); fmt.Sprint(status) != code || !strings.Contains(text, words) {
			t.Errorf("%.60s: %d %s, want %s", body, status, text, want)
		}
	}
	for who, want := range map[string]int{"": 401, other.Reveal(): 404} {
		if status, _ := send(who, "shop", `{"set": {"A": "canary"}}`); status != want {
			t.Errorf("another account: %d, want %d", status, want)
		}
	}
	if p.Deployer.Asked.Version() != 1 {
		t.Errorf("%d changes reached the deployer", p.Deployer.Asked.Version())
	}
	if strings.Contains(p.Log.String(), "canary") {
		t.Error("the log shows a value")
	}
}

// A value is shown by nothing but JSON.
func TestValueIsNotPrinted(t *testing.T) {
	req := api.SetVariables{Set: map[string]api.Value{"A": "canary"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, req); strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Errorf("%s: %s", verb, text)
		}
	}
}
