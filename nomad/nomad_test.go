package nomad

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/nomad/api"
)

// TestLines cuts a stream at every possible place: the lines are the same.
func TestLines(t *testing.T) {
	const text = "one\n\ntwo\r\nlast without end"
	want := []string{"one", "", "two\r", "last without end"}
	for cut := range len(text) {
		var got []string
		l := lines{emit: func(s string) { got = append(got, s) }}
		l.add([]byte(text[:cut]), false)
		l.add([]byte(text[cut:]), true)
		if !slices.Equal(got, want) {
			t.Errorf("cut at %d: got %q, want %q", cut, got, want)
		}
		if l.offset != int64(len(text)) {
			t.Errorf("cut at %d: offset %d, want %d", cut, l.offset, len(text))
		}
	}
}

// A task that never ends its line is not waited for.
func TestLineWithoutEnd(t *testing.T) {
	lengths := []int{}
	l := lines{emit: func(s string) { lengths = append(lengths, len(s)) }}
	for range 10 {
		l.add(make([]byte, longestLine/2+1), false)
		if len(l.rest) > longestLine {
			t.Fatalf("%d bytes are kept", len(l.rest))
		}
	}
	l.add([]byte("\nend\n"), true)
	if lengths[0] != longestLine || lengths[len(lengths)-1] != len("end") || len(lengths) != 7 {
		t.Errorf("lines of %v bytes", lengths)
	}
}

func TestCrashed(t *testing.T) {
	alloc := func(types ...string) []*api.AllocationListStub {
		state := &api.TaskState{}
		for _, kind := range types {
			state.Events = append(state.Events, &api.TaskEvent{Type: kind})
		}
		return []*api.AllocationListStub{{TaskStates: map[string]*api.TaskState{"app": state}}}
	}
	for _, c := range []struct {
		name   string
		allocs []*api.AllocationListStub
		want   bool
	}{
		{"just started", alloc(api.TaskReceived, api.TaskStarted), false},
		{"crashed once", alloc(api.TaskStarted, api.TaskTerminated, api.TaskRestarting), false},
		{"crashed twice", alloc(api.TaskStarted, api.TaskTerminated, api.TaskRestarting, api.TaskStarted, api.TaskTerminated), true},
		{"cannot be started", alloc(api.TaskDriverFailure), true},
		{"one crash each", append(alloc(api.TaskTerminated), alloc(api.TaskTerminated)...), false},
	} {
		if got := crashed(c.allocs); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestGroupPlans holds what a plan with ACLs on shows of an unchanged job: updates
// in place that are none.
func TestGroupPlans(t *testing.T) {
	plans := func(u api.DesiredUpdates, edited bool) GroupPlan {
		return groupPlans(&api.PlanAnnotations{DesiredTGUpdates: map[string]*api.DesiredUpdates{"web": &u}}, edited)[0]
	}
	if g := plans(api.DesiredUpdates{Ignore: 2, InPlaceUpdate: 2, Canary: 1}, false); moves(g) || g.InPlace != 0 || g.Keep != 4 {
		t.Errorf("an unchanged job: %+v", g)
	}
	if g := plans(api.DesiredUpdates{InPlaceUpdate: 2}, true); g.InPlace != 2 {
		t.Errorf("a changed job: %+v", g)
	}
	if g := plans(api.DesiredUpdates{Ignore: 1, Place: 1}, false); !moves(g) {
		t.Error("a missing instance is not placed")
	}
}

func TestFlatten(t *testing.T) {
	diff := &api.JobDiff{
		Type:   "Edited",
		Fields: []*api.FieldDiff{{Type: "Edited", Name: "Priority", Old: "50", New: "60"}, {Type: "None", Name: "Type"}},
		TaskGroups: []*api.TaskGroupDiff{
			{Type: "Added", Name: "big"},
			{Type: "Edited", Name: "web", Tasks: []*api.TaskDiff{{
				Type: "Edited", Name: "app",
				Objects: []*api.ObjectDiff{{Type: "Edited", Name: "Resources", Fields: []*api.FieldDiff{{Type: "Edited", Name: "MemoryMB", Old: "480", New: "240"}}}},
			}}},
		},
	}
	want := []string{`Priority: "50" -> "60"`, `group "big": Added`, `group "web" task "app" Resources MemoryMB: "480" -> "240"`}
	if got := flatten(diff); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := flatten(&api.JobDiff{Type: "None"}); got != nil {
		t.Errorf("of no change: %q", got)
	}
}

func TestExplainRoom(t *testing.T) {
	name, count, memory, cpu := "web", 2, 480, 475
	group := &api.TaskGroup{
		Name: &name, Count: &count, Tasks: []*api.Task{{Resources: &api.Resources{MemoryMB: &memory, CPU: &cpu}}},
		Constraints: []*api.Constraint{api.NewConstraint("${node.class}", "=", "s"), api.NewConstraint("${node.datacenter}", "=", "us-west")},
	}
	for want, all := range map[string][]Server{
		`server "web" (s, us-west): the platform has no server of that size there; us-west has m, xl`: {
			{Class: "xl", Region: "us-west"}, {Class: "m", Region: "us-west"}, {Class: "s", Region: "eu"}, {Class: "platform", Region: "us-west"},
		},
		`server "web" (s, us-west): the platform has no server of that size there; it has servers in eu`: {{Class: "s", Region: "eu"}},
		`server "web" (s, us-west): an instance needs 480 MB; the roomiest s in us-west has 120 MB free`: {
			{Class: "s", Region: "us-west", FreeMB: 40}, {Class: "s", Region: "us-west", FreeMB: 120}, {Class: "xl", Region: "us-west", FreeMB: 9999},
		},
		`server "web" (s, us-west): an instance needs 475 MHz; the roomiest s in us-west has 10 MHz free`: {{Class: "s", Region: "us-west", FreeMB: 960, FreeMHz: 10}},
		`server "web" (s, us-west): 2 instances of 480 MB each do not fit; the roomiest s in us-west has 960 MB free`: {
			{Class: "s", Region: "us-west", FreeMB: 960, FreeMHz: 960},
		},
	} {
		if got := explainRoom(group, all); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestFree(t *testing.T) {
	running := func(node, status string) *api.AllocationListStub {
		return &api.AllocationListStub{NodeID: node, ClientStatus: status, AllocatedResources: &api.AllocatedResources{Tasks: map[string]*api.AllocatedTaskResources{
			"app": {Cpu: api.AllocatedCpuResources{CpuShares: 100}, Memory: api.AllocatedMemoryResources{MemoryMB: 200}},
		}}}
	}
	node := &api.NodeListStub{
		ID:                "n",
		NodeResources:     &api.NodeResources{Cpu: api.NodeCpuResources{CpuShares: 1000}, Memory: api.NodeMemoryResources{MemoryMB: 1024}},
		ReservedResources: &api.NodeReservedResources{Memory: api.NodeReservedMemoryResources{MemoryMB: 24}},
	}
	got := withFree(node, []*api.AllocationListStub{running("n", "running"), running("n", "pending"), running("n", "complete"), running("other", "running")})
	if got.FreeMB != 600 || got.FreeMHz != 800 {
		t.Errorf("free %+v", got)
	}
}

// TestOverdraw holds that what an instance uses beyond what it reserves is not free.
func TestOverdraw(t *testing.T) {
	room := Room{Servers: []Server{{ID: "a", FreeMB: 500}, {ID: "b", FreeMB: 500}}}
	room.overdraw("b", 120)
	if room.Servers[0].FreeMB != 500 || room.Servers[1].FreeMB != 380 {
		t.Errorf("free %+v", room.Servers)
	}
}

func TestExplainPlacement(t *testing.T) {
	name, memory := "web", 480
	job := &api.Job{TaskGroups: []*api.TaskGroup{{Name: &name, Tasks: []*api.Task{{Resources: &api.Resources{MemoryMB: &memory}}}}}}
	got := explainPlacement(job, "web", &api.AllocationMetric{
		NodesEvaluated: 3, DimensionExhausted: map[string]int{"memory": 2}, ConstraintFiltered: map[string]int{"${node.class} = s": 1},
	})
	for _, want := range []string{`"web"`, "480 MB", "of 3 nodes", "2 without enough memory", "1 excluded by ${node.class} = s"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
func TestEnds(t *testing.T) {
	at := func(seconds int64, kind, says string) *api.TaskEvent {
		return &api.TaskEvent{Type: kind, Time: seconds * int64(time.Second), DisplayMessage: says}
	}
	exited := func(seconds int64, code, signal int, details map[string]string) *api.TaskEvent {
		return &api.TaskEvent{Type: api.TaskTerminated, Time: seconds * int64(time.Second), ExitCode: code, Signal: signal, Details: details}
	}
	for name, c := range map[string]struct {
		events []*api.TaskEvent
		want   []End
	}{
		"runs": {[]*api.TaskEvent{at(1, api.TaskReceived, ""), at(2, api.TaskStarted, "")}, nil},
		"told to stop": {
			[]*api.TaskEvent{at(2, api.TaskStarted, ""), at(3, api.TaskKilling, ""), exited(4, 0, 0, nil), at(5, api.TaskKilled, "")}, nil,
		},
		"not decided yet": {[]*api.TaskEvent{at(2, api.TaskStarted, ""), exited(4, 1, 0, nil)}, nil},
		"crashed, then out of memory for good": {
			[]*api.TaskEvent{
				at(1, api.TaskStarted, ""), exited(2, 3, 0, nil), at(3, api.TaskRestarting, "Task restarting in 1s"),
				at(4, api.TaskStarted, ""), exited(5, 137, 9, map[string]string{"oom_killed": "true"}), at(6, api.TaskNotRestarting, "Exceeded allowed attempts"),
			},
			[]End{
				{At: time.Unix(3, 0).UTC(), Reason: "Task restarting in 1s", ExitCode: 3, Again: true},
				{At: time.Unix(6, 0).UTC(), Reason: "Exceeded allowed attempts", ExitCode: 137, Signal: 9, OutOfMemory: true},
			},
		},
		"somebody's order": {
			[]*api.TaskEvent{at(1, api.TaskStarted, ""), at(2, api.TaskRestartSignal, "User requested"), exited(3, 130, 2, nil), at(4, api.TaskRestarting, "in 0s")},
			[]End{{At: time.Unix(4, 0).UTC(), Reason: "User requested", Again: true}},
		},
		"cannot start": {
			[]*api.TaskEvent{at(1, api.TaskDriverFailure, "no such user"), at(2, api.TaskNotRestarting, "")},
			[]End{{At: time.Unix(2, 0).UTC(), Reason: "no such user"}},
		},
	} {
		if diff := cmp.Diff(c.want, ends(c.events)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSpeaks(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ended := func(ago time.Duration) map[string]*api.TaskState {
		return map[string]*api.TaskState{"app": {FinishedAt: now.Add(-ago)}}
	}
	for name, c := range map[string]struct {
		status string
		states map[string]*api.TaskState
		want   bool
	}{
		"runs":             {api.AllocClientStatusRunning, nil, true},
		"its server is":    {api.AllocClientStatusLost, nil, true},
		"has just ended":   {api.AllocClientStatusComplete, ended(9 * time.Minute), true},
		"ended long ago":   {api.AllocClientStatusFailed, ended(11 * time.Minute), false},
		"has never begun":  {api.AllocClientStatusFailed, nil, false},
		"nobody knows how": {api.AllocClientStatusComplete, map[string]*api.TaskState{"app": {}}, false},
	} {
		if got := speaks(&api.Allocation{ClientStatus: c.status, TaskStates: c.states}, now); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
