package deploytest

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/prepare"
	"fngen.dev/fngen/pkg/store"
)

// gitWorld is a world with a project that takes a package from a repository, whose
// branch is at some commit.
type gitWorld struct {
	*world
	commit string
	builds int
}

func newGitWorld(t *testing.T) *gitWorld {
	w := &gitWorld{world: newWorld(t), commit: strings.Repeat("1", 40)}
	w.nomad.Ended = func(job *nomadapi.Job) {
		key, build := strings.CutPrefix(*job.ID, "build-")
		if !build {
			return
		}
		w.builds++
		sources := must(json.Marshal([]api.GitSource{{Name: "one", URL: "https://example.com/one.git", Ref: "main", Commit: w.commit}}))(t)
		digest, size, err := w.blobs.PutStream(t.Context(), scope(w.project), strings.NewReader(key))
		fatal(t, err)
		fatal(t, w.store.SaveLayer(t.Context(), w.project.ID, store.Layer{Key: key, SHA256: digest, Size: size, Sources: string(sources)}))
	}
	return w
}

func (w *gitWorld) files(version int) map[string]string {
	files := code(version, oneServer, "one")
	files["requirements.txt"] = "fastapi\none @ git+https://example.com/one.git@main\n"
	return files
}

// pushed pushes, and returns the result and the failure, of which one is nil.
func (w *gitWorld) pushed(files map[string]string, rebuild bool) (done *api.PushResult, failed *api.Problem) {
	w.Helper()
	events, err := w.service.Push(w.Context(), w.actor, w.project, api.PushRequest{Tree: w.tree(files), Rebuild: rebuild})
	fatal(w.T, err)
	for e := range events {
		done, failed = e.Done, e.Failed
	}
	return done, failed
}

// wants holds of a push which commit it says, and how many builds there were by then.
func (w *gitWorld) wants(files map[string]string, rebuild bool, commit string, builds int) {
	w.Helper()
	done, failed := w.pushed(files, rebuild)
	if failed != nil || len(done.Dependencies.Git) != 1 || done.Dependencies.Git[0].Commit != commit || w.builds != builds {
		w.Errorf("%d builds, %+v, %v; want commit %s after %d", w.builds, done, failed, commit, builds)
	}
}

// TestCommitOfRepository holds that the commit of a branch is found out when the layer
// is built, told by every push, used until the files change or a rebuild is asked for,
// and comes back with a rollback.
func TestCommitOfRepository(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGitWorld(t)
		defer w.end()
		first, second := w.commit, strings.Repeat("2", 40)
		w.wants(w.files(1), false, first, 1)
		w.commit = second // somebody commits
		w.wants(w.files(1), false, first, 1)
		w.wants(w.files(2), false, first, 1)
		w.wants(w.files(2), true, second, 2)
		w.wants(w.files(3), false, second, 2)
		if problem := w.rollback(2); problem != nil {
			t.Fatal(problem)
		}
		w.wants(w.files(2), false, first, 2)
		files := w.files(2)
		files["requirements.txt"] += "# changed\n"
		w.wants(files, false, second, 3)
	})
}

// TestRepositoryRefused holds that what a build cannot take from a repository is shown
// at its line, and changes nothing.
func TestRepositoryRefused(t *testing.T) {
	for code, words := range map[string]string{
		"FN2003": "the repository https://example.com/one.git has no branch, tag or commit \"main\"",
		"FN2004": "this node has no git, which the requirement needs",
		"FN2005": "the host example.com is at 127.0.0.1, an address of the node itself",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newGitWorld(t)
			defer w.end()
			w.nomad.Behave = func(job *nomadapi.Job, _ string) nomadtest.Behaviour {
				if strings.HasPrefix(*job.ID, "build-") {
					return nomadtest.Behaviour{Exit: prepare.Refused, Output: []string{"fngen-agent: build failed: requirements.txt:2:1: error[" + code + "]: " + words}}
				}
				return nomadtest.Behaviour{}
			}
			_, failed := w.pushed(w.files(1), false)
			if failed == nil || failed.Code != api.Refused || len(failed.Diagnostics) != 1 {
				t.Fatalf("%s: %+v", code, failed)
			}
			d := failed.Diagnostics[0]
			if d.Code != code || d.File != "requirements.txt" || d.Line != 2 || d.Message != words || d.Help == "" || !strings.Contains(d.Excerpt, "git+https") {
				t.Errorf("%s: %+v", code, d)
			}
			if releases := must(w.store.Releases(t.Context(), w.project.ID))(t); len(releases) > 0 {
				t.Errorf("%s: a release was made: %+v", code, releases)
			}
		})
	}
}
