package deploytest

import (
	"slices"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/prepare"
)

// TestCommands holds that a release command runs before anything of its release, and
// that one that fails ends the push.
func TestCommands(t *testing.T) {
	with := oneServer + "functions:\n  one: {release: ./migrate}\n"
	inWorld(t, func(w *world) {
		exit := 0
		w.nomad.Behave = func(job *nomadapi.Job, _ string) nomadtest.Behaviour {
			out := nomadtest.Behaviour{After: time.Second}
			if strings.HasPrefix(*job.ID, "release-") {
				out.Exit, out.Output = exit, []string{"migrating"}
			}
			return out
		}
		w.mustPush(code(2, with, "one", "two"))
		w.said("release: one: running ./migrate", "one| migrating", "rollout: starting one")
		exit = 5
		w.refused(w.push(code(3, with, "one", "two")), api.Failed, "the release command of one exited with code 5; nothing was rolled out", "release 2 keeps serving")
		if slices.ContainsFunc(w.talk, func(line string) bool { return strings.HasPrefix(line, "rollout: starting") }) {
			t.Errorf("it said %q", w.talk)
		}
		w.heals()
		w.nomad.Behave = func(job *nomadapi.Job, _ string) nomadtest.Behaviour {
			if strings.HasPrefix(*job.ID, "release-") {
				return nomadtest.Behaviour{After: time.Hour}
			}
			return nomadtest.Behaviour{After: time.Second}
		}
		w.refused(w.push(code(4, with, "one", "two")), api.Failed, "took longer than 10 minutes and was stopped")
		w.heals()
	})
}

// TestBuilds holds what becomes of a push whose requirements cannot be installed.
func TestBuilds(t *testing.T) {
	inWorld(t, func(w *world) {
		behaviour := nomadtest.Behaviour{After: time.Second, Exit: prepare.Refused, Output: []string{"× No solution found", "Because there is no version of fastapi==999 and you require fastapi==999"}}
		w.nomad.Behave = func(*nomadapi.Job, string) nomadtest.Behaviour { return behaviour }
		files := code(2, oneServer, "one", "two")
		files["requirements.txt"] = "fastapi==999\n"
		problem := w.push(files)
		w.refused(problem, api.Refused, "the requirements cannot be installed; nothing was changed")
		if len(problem.Diagnostics) != 1 || problem.Diagnostics[0].File != "requirements.txt" || problem.Diagnostics[0].Line != 1 {
			t.Errorf("the diagnostics are %+v", problem.Diagnostics)
		}
		behaviour.Exit = 1
		w.refused(w.push(files), api.Failed, "the dependency build could not run")
		behaviour = nomadtest.Behaviour{After: time.Hour}
		w.refused(w.push(files), api.Failed, "took longer than 20m0s")
		w.nomad.Ended, behaviour = nil, nomadtest.Behaviour{After: time.Second}
		w.refused(w.push(files), api.Internal)
		if !strings.Contains(w.log.String(), "the job ended well and stored nothing") {
			t.Errorf("the log is\n%s", w.log)
		}
		if n := must(w.store.NextRelease(w.Context(), w.project.ID))(t); n != 2 {
			t.Errorf("the next release is %d", n)
		}
		w.heals()
	})
}
