package nomad

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/nomad/api"
)

// asked answers requests one after the other, the last answer for all that follow.
type asked struct {
	answers []func(*http.Request) (*http.Response, error)
	bodies  []string
}

func (a *asked) RoundTrip(req *http.Request) (*http.Response, error) {
	text := ""
	if req.Body != nil {
		data, _ := io.ReadAll(req.Body)
		text = string(data)
	}
	a.bodies = append(a.bodies, text)
	answer := a.answers[0]
	if len(a.answers) > 1 {
		a.answers = a.answers[1:]
	}
	return answer(req)
}

func says(status int, text string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text))}, nil
	}
}

func breaks(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func hangs(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// TestRetries holds what is asked again, for how long, and what comes of it. The time
// is not real.
func TestRetries(t *testing.T) {
	well := says(http.StatusOK, "well")
	for name, test := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		url     string
		// times is how often it was asked, 0 for often; text begins what the last answer
		// says, and took bounds how long it all took.
		times int
		text  string
		took  time.Duration
	}{
		"answered":            {answers: []func(*http.Request) (*http.Response, error){well}, times: 1, text: "well"},
		"no leader":           {answers: []func(*http.Request) (*http.Response, error){says(500, "No cluster leader"), well}, times: 2, text: "well", took: time.Second},
		"not there yet":       {answers: []func(*http.Request) (*http.Response, error){breaks(syscall.ECONNREFUSED), breaks(syscall.ECONNRESET), well}, times: 3, text: "well", took: time.Second},
		"too many":            {answers: []func(*http.Request) (*http.Response, error){says(429, "slow down"), says(503, ""), well}, times: 3, text: "well", took: time.Second},
		"our own fault":       {answers: []func(*http.Request) (*http.Response, error){says(500, "1 error occurred: group has no tasks"), well}, times: 1, text: "1 error"},
		"not allowed":         {answers: []func(*http.Request) (*http.Response, error){says(403, "Permission denied"), well}, times: 1, text: "Permission"},
		"elected just now":    {answers: []func(*http.Request) (*http.Response, error){breaks(syscall.ECONNREFUSED), says(403, "Permission denied"), well}, times: 3, text: "well", took: time.Second},
		"never a leader":      {answers: []func(*http.Request) (*http.Response, error){says(500, "No cluster leader")}, text: "No cluster", took: patience + time.Second},
		"hangs once":          {answers: []func(*http.Request) (*http.Response, error){hangs, well}, times: 2, text: "well", took: callTime + time.Second},
		"hangs":               {answers: []func(*http.Request) (*http.Response, error){hangs}, times: 2, text: "", took: 2*callTime + time.Second},
		"a blocking query":    {answers: []func(*http.Request) (*http.Response, error){hangs, well}, url: "?wait=16000ms", times: 2, text: "well", took: callTime + 18*time.Second},
		"a long list of them": {answers: []func(*http.Request) (*http.Response, error){says(500, strings.Repeat("x", 2*shownError))}, times: 1, text: strings.Repeat("x", 2*shownError)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &asked{answers: test.answers}
				client := &http.Client{Transport: &retrier{next: server}}
				begin := time.Now()
				resp, err := client.Post("http://nomad"+test.url, "", strings.NewReader("the job"))
				text := ""
				if err == nil {
					data, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					text = string(data)
				} else if !errors.Is(err, errSlow) {
					t.Error(err)
				}
				if test.times > 0 && len(server.bodies) != test.times || !strings.HasPrefix(text, test.text) || time.Since(begin) > test.took {
					t.Errorf("asked %d times in %s: %.40q", len(server.bodies), time.Since(begin), text)
				}
				for _, sent := range server.bodies {
					if sent != "the job" {
						t.Errorf("it was sent %q", sent)
					}
				}
			})
		})
	}
}

// TestRetryEnds holds that nobody is asked again for a caller who has gone.
func TestRetryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		req := must(http.NewRequestWithContext(ctx, http.MethodGet, "http://nomad", nil))(t)
		begin := time.Now()
		_, err := (&retrier{next: &asked{answers: []func(*http.Request) (*http.Response, error){breaks(syscall.ECONNREFUSED)}}}).RoundTrip(req)
		if err == nil || time.Since(begin) != 3*time.Second {
			t.Errorf("it ended after %s: %v", time.Since(begin), err)
		}
	})
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestRegisteredTwice holds that a registration whose answer was lost, and that is
// refused when it is made again, is found to be our own; and that one of somebody
// else is not.
func TestRegisteredTwice(t *testing.T) {
	for name, test := range map[string]struct {
		diff  string
		index int
		eval  string
	}{
		"ours":            {"None", 7, "e2"},
		"somebody else's": {"Edited", 7, ""},
		"gone back to it": {"None", 8, ""},
		"it is not there": {"None", 0, ""},
	} {
		mux := http.NewServeMux()
		answer := func(path, text string) {
			mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
		}
		mux.HandleFunc("/v1/jobs", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, api.RegisterEnforceIndexErrPrefix+" 3: job exists with conflicting job modify index: 7", http.StatusInternalServerError)
		})
		answer("/v1/job/web-a/plan", `{"JobModifyIndex": `+string(rune('0'+test.index))+`, "Diff": {"Type": "`+test.diff+`", "Fields": [{"Type": "`+test.diff+`", "Name": "Priority"}]}}`)
		answer("/v1/job/web-a/evaluations", `[{"ID": "e3", "TriggeredBy": "node-update", "JobModifyIndex": 7}, {"ID": "e2", "TriggeredBy": "job-register", "JobModifyIndex": 7},
			{"ID": "e1", "TriggeredBy": "job-register", "JobModifyIndex": 6}]`)
		server := httptest.NewServer(mux)
		defer server.Close()
		client := must(New(server.URL, ""))(t)
		eval, err := client.submit(t.Context(), &api.Job{ID: new("web-a"), Namespace: new("shop")}, 3, nil)
		_, drift := errors.AsType[ErrDrift](err)
		if eval != test.eval || drift != (test.eval == "") {
			t.Errorf("%s: evaluation %q, %v", name, eval, err)
		}
	}
}
