package deploytest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// queues are those of a broker that always has what is asked of it.
type queues struct{}

func (queues) Prepare(context.Context, store.Project, []string) error { return nil }
func (queues) Queues(context.Context, store.Project) ([]api.QueueStatus, error) {
	return []api.QueueStatus{}, nil
}
func (queues) Tidy(context.Context, store.Project, []string) error { return nil }
func (queues) Forget(context.Context, store.Project) error         { return nil }

// TestSchemasRefuse holds that a push whose task workers cannot be imported says so in the
// words of that job, says why, and changes nothing.
func TestSchemasRefuse(t *testing.T) {
	worker := map[string]string{"fngen.yml": oneServer, "app.py": "from fngen.powers import task_worker\n\n@task_worker\ndef send(to: str):\n    pass\n"}
	for name, test := range map[string]struct {
		behave nomadtest.Behaviour
		says   string
	}{
		"its code ends": {
			nomadtest.Behaviour{After: time.Second, Exit: 3, Output: []string{"no licence", "fngen-agent: the task workers cannot be imported: it ended with exit code 9"}},
			"the task workers could not be imported: it ended with exit code 9; nothing was rolled out",
		},
		"the platform fails": {
			nomadtest.Behaviour{After: time.Second, Exit: 1, Output: []string{"fngen-agent: fetch layer: no space left on device"}},
			"the task workers could not be imported: fetch layer: no space left on device; nothing was rolled out",
		},
		"nobody says why": {
			nomadtest.Behaviour{After: time.Second, Exit: 137},
			"with exit code 137; nothing was rolled out",
		},
		"it hangs": {
			nomadtest.Behaviour{After: time.Hour},
			"importing the task workers took longer than 5 minutes and was stopped; nothing was rolled out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.service.Stop()
				w.tasks = queues{}
				w.begin()
				w.nomad.Behave = func(job *nomadapi.Job, _ string) nomadtest.Behaviour {
					if strings.HasPrefix(*job.ID, "schemas-") {
						return test.behave
					}
					return nomadtest.Behaviour{After: time.Second}
				}
				problem := w.push(worker)
				w.refused(problem, api.Failed, test.says, "release 1 keeps serving")
				if problem != nil && strings.Contains(problem.Detail, "static") || slices.ContainsFunc(w.talk, func(line string) bool { return strings.Contains(line, "static files") }) {
					t.Errorf("it speaks of another job: %v\n%q", problem, w.talk)
				}
				w.said("schemas: reading what the task workers take")
				for _, line := range test.behave.Output {
					w.said("import| " + line)
				}
				if n := must(w.store.NextRelease(w.Context(), w.project.ID))(t); n != 2 {
					t.Errorf("the next release is %d", n)
				}
				w.heals()
				w.nomad.Behave, w.expects = nil, false // it has no web app any more
				w.mustPush(worker)
				w.said("schemas: reading what the task workers take", "rollout: starting send")
			})
		})
	}
}
