package nomad

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/nomad/api"
)

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
