package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/hashicorp/nomad/api"
)

// answers is a Nomad that has answers ready, by method and path: one after the other,
// the last one for all that follow. What nobody has an answer for is not found. It is
// for what the real one does too seldom to wait for (see nomadtest for the rest).
type answers struct {
	t  *testing.T
	mu sync.Mutex
	of map[string][]any
	// asked are the requests, in their order.
	asked []string
}

func answering(t *testing.T, of map[string][]any) (*answers, *Client) {
	a := &answers{t: t, of: of}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, must(New(server.URL, "token"))(t)
}

// failing is an answer that is an error.
type failing struct {
	status int
	text   string
}

// printed is an answer that is what a task printed.
type printed string

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	request := r.Method + " " + r.URL.Path
	if stream := r.URL.Query().Get("type"); stream != "" {
		request += " " + stream
	}
	a.asked = append(a.asked, request)
	list, known := a.of[request]
	if !known {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	if len(list) > 1 {
		a.of[request] = list[1:]
	}
	if f, ok := list[0].(failing); ok {
		http.Error(w, f.text, f.status)
		return
	}
	if text, ok := list[0].(printed); ok {
		fmt.Fprint(w, string(text))
		return
	}
	w.Header().Set("X-Nomad-Index", fmt.Sprint(len(a.asked)))
	if err := json.NewEncoder(w).Encode(list[0]); err != nil {
		a.t.Error(err)
	}
}

func (a *answers) count(request string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, asked := range a.asked {
		if asked == request {
			n++
		}
	}
	return n
}

func testJob() *api.Job {
	return &api.Job{ID: new("web-a"), Namespace: new("shop"), TaskGroups: []*api.TaskGroup{{Name: new("web"), Tasks: []*api.Task{{Name: "app"}}}}}
}

func rollout(status string, healthy int) *api.Deployment {
	return &api.Deployment{ID: "d", Status: status, StatusDescription: "as Nomad says", TaskGroups: map[string]*api.DeploymentState{"web": {DesiredTotal: 2, HealthyAllocs: healthy}}}
}

func alloc(id string, events ...string) *api.AllocationListStub {
	state := &api.TaskState{}
	for _, kind := range events {
		state.Events = append(state.Events, &api.TaskEvent{Type: kind, ExitCode: 7, DisplayMessage: "said of " + kind})
	}
	return &api.AllocationListStub{
		ID: id, Namespace: "shop", JobID: "web-a", TaskGroup: "web", NodeID: "n", DesiredStatus: "run", ClientStatus: "running", TaskStates: map[string]*api.TaskState{"app": state},
	}
}

const (
	readDeployment = "GET /v1/deployment/d"
	listInstances  = "GET /v1/deployment/allocations/d"
	failDeployment = "PUT /v1/deployment/fail/d"
)

// TestFollow holds how a deployment is followed to its end.
func TestFollow(t *testing.T) {
	bad := alloc("a1")
	bad.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(false)}
	crashed := alloc("a1", api.TaskStarted, api.TaskTerminated, api.TaskRestarting, api.TaskStarted, api.TaskTerminated)
	for name, test := range map[string]struct {
		deployment []any
		allocs     []any
		fail       any
		verdict    string
		// reason is why it failed, empty when it came up; given says that it was given up.
		reason string
		given  int
	}{
		"comes up":          {deployment: []any{rollout("running", 0), rollout("running", 1), rollout("successful", 2)}},
		"Nomad gives it up": {deployment: []any{rollout("running", 0), rollout("failed", 0)}, reason: "as Nomad says"},
		"another one":       {deployment: []any{rollout("cancelled", 1)}, reason: "as Nomad says"},
		"crashes":           {deployment: []any{rollout("running", 0)}, allocs: []any{[]any{}, []any{crashed}}, fail: struct{}{}, reason: "the new version does not start", given: 1},
		"is unhealthy":      {deployment: []any{rollout("running", 0)}, allocs: []any{[]any{bad}}, fail: struct{}{}, reason: "it was not healthy in time", given: 1},
		"is hopeless":       {deployment: []any{rollout("running", 0)}, fail: struct{}{}, verdict: "it answers 404", reason: "it answers 404", given: 1},
		"ends meanwhile": {
			deployment: []any{rollout("running", 0), rollout("failed", 0)}, fail: failing{http.StatusInternalServerError, "can't fail terminal deployment"},
			verdict: "it answers 404", reason: "it answers 404", given: 1,
		},
		"an election": {deployment: []any{failing{http.StatusInternalServerError, "No cluster leader"}, rollout("successful", 2)}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.allocs == nil {
				test.allocs = []any{[]any{alloc("a1"), alloc("a2")}}
			}
			of := map[string][]any{readDeployment: test.deployment, listInstances: test.allocs, "GET /v1/job/web-a/evaluations": {[]any{}}}
			if test.fail != nil {
				of[failDeployment] = []any{test.fail}
			}
			a, client := answering(t, of)
			var heard []int
			got, err := client.Follow(t.Context(), testJob(), "d", Observer{
				Progress: func(now []GroupHealth) { heard = append(heard, now[0].Healthy) },
				Verdict: func(context.Context, []string) string {
					return test.verdict
				},
			})
			failure, failed := errors.AsType[*Failure](err)
			switch {
			case test.reason == "" && (err != nil || !slices.Equal(got.Allocations, []string{"a1", "a2"}) || heard[len(heard)-1] != 2):
				t.Errorf("it came to %v, %v, heard %v", got, err, heard)
			case test.reason != "" && (!failed || failure.Reason != test.reason):
				t.Errorf("it failed by %v", err)
			}
			if n := a.count(failDeployment); n != test.given {
				t.Errorf("it was given up %d times", n)
			}
		})
	}
}

// TestEvaluated holds that a deployment is over when the scheduler has nothing left
// to do, but for what is to be done at some time.
func TestEvaluated(t *testing.T) {
	pending, later := &api.Evaluation{Status: "pending"}, &api.Evaluation{Status: "pending"}
	later.WaitUntil = later.WaitUntil.AddDate(2030, 0, 0)
	a, client := answering(t, map[string][]any{"GET /v1/job/web-a/evaluations": {[]any{pending}, []any{pending, later}, []any{later}}})
	if err := client.evaluated(t.Context(), "shop", "web-a"); err != nil || len(a.asked) != 3 {
		t.Errorf("asked %d times: %v", len(a.asked), err)
	}
}

// TestPlaced holds what is said of a job that has no deployment, and of one that was
// changed meanwhile.
func TestPlaced(t *testing.T) {
	const register, evaluation = "PUT /v1/jobs", "GET /v1/evaluation/e"
	registered := api.JobRegisterResponse{EvalID: "e"}
	for name, test := range map[string]struct {
		of   map[string][]any
		want string
	}{
		"placed":        {map[string][]any{register: {registered}, evaluation: {&api.Evaluation{ID: "e", Status: "pending"}, &api.Evaluation{ID: "e", Status: "complete", DeploymentID: "d"}}}, ""},
		"no deployment": {map[string][]any{register: {registered}, evaluation: {&api.Evaluation{ID: "e", Status: "failed"}}}, `job "web-a": the scheduler started no deployment (evaluation e is failed)`},
		"refused":       {map[string][]any{register: {failing{http.StatusBadRequest, "no tasks"}}}, `register job "web-a": Unexpected response code: 400 (no tasks)`},
	} {
		_, client := answering(t, test.of)
		deployment, err := client.Place(t.Context(), testJob(), 3, nil)
		if test.want == "" && (err != nil || deployment != "d") || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s: %q, %v", name, deployment, err)
		}
	}
}

// TestNodes holds what is read from the list of nodes and of what is on them.
func TestNodes(t *testing.T) {
	node := func(id, class, region, status string, drain bool) *api.NodeListStub {
		out := &api.NodeListStub{ID: id, Name: "name of " + id, NodeClass: class, Datacenter: region, Status: status, Drain: drain}
		if drain {
			out.LastDrain = &api.DrainMetadata{}
		}
		return out
	}
	ended := alloc("a2")
	ended.Namespace = "other"
	_, client := answering(t, map[string][]any{
		"GET /v1/nodes": {[]any{
			node("n1", "s", "us-west", "ready", false), node("n2", "s", "eu", "ready", true), node("n3", "m", "us-west", "ready", false),
			node("n4", "s", "moon", "down", true), node("n5", "platform", "mars", "ready", false),
		}},
		"GET /v1/allocations": {[]any{alloc("a1"), ended}},
	})
	if regions, err := client.Datacenters(t.Context(), "platform"); err != nil || !slices.Equal(regions, []string{"eu", "us-west"}) {
		t.Errorf("regions %v: %v", regions, err)
	}
	if drains, next, err := client.Drains(t.Context(), 0); err != nil || next == 0 || len(drains) != 1 || drains[0].Node != "n2" || drains[0].Name != "name of n2" {
		t.Errorf("drains %v, next %d: %v", drains, next, err)
	}
	if places, err := client.On(t.Context(), "n"); err != nil || !slices.Equal(places, []Place{{"shop", "web-a", "web"}, {"other", "web-a", "web"}}) {
		t.Errorf("places %v: %v", places, err)
	}
}

// TestTag holds that old names of versions are taken away, so that there is an end to
// them.
func TestTag(t *testing.T) {
	var versions []*api.Job
	for n := keptTags + 5; n > 0; n-- {
		versions = append(versions, &api.Job{Version: new(uint64(n)), VersionTag: &api.JobVersionTag{Name: fmt.Sprintf("release-%d", n)}})
	}
	of := map[string][]any{
		"GET /v1/job/web-a/versions":                 {struct{ Versions []*api.Job }{versions}},
		"PUT /v1/job/web-a/versions/release-new/tag": {struct{}{}},
	}
	for n := 1; n <= 6; n++ {
		of[fmt.Sprintf("DELETE /v1/job/web-a/versions/release-%d/tag", n)] = []any{struct{}{}}
	}
	a, client := answering(t, of)
	if err := client.Tag(t.Context(), "shop", "web-a", "release-new", "of a test"); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= keptTags+5; n++ {
		if gone := a.count(fmt.Sprintf("DELETE /v1/job/web-a/versions/release-%d/tag", n)) > 0; gone != (n <= 6) {
			t.Errorf("release-%d is gone: %v", n, gone)
		}
	}
}

// TestNotFound holds which answers of Nomad mean that something does not exist, by
// the status and the words that Nomad 1.11 answers with.
func TestNotFound(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		text    string
		stopped bool
		deleted bool
	}{
		{"the job does not exist", http.StatusNotFound, "job not found", true, true},
		{"the token does not exist", http.StatusForbidden, "ACL token not found", false, false},
		{"a server does not know the token", http.StatusInternalServerError, "rpc error: ACL token not found", false, false},
		{"a server fails", http.StatusInternalServerError, "1 error occurred: something is wrong", false, false},
		{"the namespace does not exist", http.StatusInternalServerError, "namespace not found", true, true},
	} {
		ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, c.text, c.status)
		}))
		client, err := New(ts.URL, "token")
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Stop(t.Context(), "shop", "web-a"); (err == nil) != c.stopped {
			t.Errorf("%s: stop gives %v", c.name, err)
		}
		if err := client.DeleteNamespace(t.Context(), "shop"); (err == nil) != c.deleted {
			t.Errorf("%s: delete namespace gives %v", c.name, err)
		}
		ts.Close()
	}
}
