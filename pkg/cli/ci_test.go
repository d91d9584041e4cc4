package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"
)

// ciDir holds the templates for CI. The scripts run their steps with this fngen
// against the platform of the test; only the forge is a stand-in.
const ciDir = "../../ci"

type actionStep struct {
	Name, ID, If, Run, Uses string
	Env, With               map[string]string
}

// cmdAction runs the steps of the GitHub action as its runner does: action MODE
// INPUT=VALUE... gh is what PATH has; what a step keeps as an artifact is copied
// to the directory artifacts. It wants a success, or with "!" a failure.
func cmdAction(ts *testscript.TestScript, neg bool, args []string) {
	text, err := os.ReadFile(ts.Getenv("CI_DIR") + "/github/action.yml")
	ts.Check(err)
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct{ Steps []actionStep }
	}
	ts.Check(yaml.Unmarshal(text, &action))
	values := map[string]string{"inputs.mode": args[0], "github.token": "token", "runner.temp": ts.MkAbs("temp"), "github.event.pull_request.number": "7"}
	for name, input := range action.Inputs {
		if name != "mode" {
			values["inputs."+name] = input.Default
		}
	}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		values["inputs."+name] = value
	}
	failed := false
	for _, step := range action.Runs.Steps {
		if !failed && holds(ts, step.If, values) {
			failed = !runStep(ts, step, values)
		}
	}
	if failed != neg {
		ts.Fatalf("failed: %v, want %v", failed, neg)
	}
}

// holds judges a condition: equalities, all of which must hold.
func holds(ts *testscript.TestScript, condition string, values map[string]string) bool {
	if condition == "" {
		return true
	}
	for part := range strings.SplitSeq(condition, " && ") {
		m := regexp.MustCompile(`^([a-z.]+) == '([a-z]+)'$`).FindStringSubmatch(part)
		if m == nil {
			ts.Fatalf("the test does not understand if: %s", condition)
		}
		if values[m[1]] != m[2] {
			return false
		}
	}
	return true
}

var expression = regexp.MustCompile(`\$\{\{ ([a-z_.]+) \}\}`)

func fill(text string, values map[string]string) string {
	return expression.ReplaceAllStringFunc(text, func(e string) string { return values[expression.FindStringSubmatch(e)[1]] })
}

func runStep(ts *testscript.TestScript, step actionStep, values map[string]string) bool {
	if step.Uses != "" {
		data, err := os.ReadFile(fill(step.With["path"], values))
		ts.Check(err)
		kept := filepath.Join(ts.MkAbs("artifacts"), fill(step.With["name"], values))
		ts.Check(os.MkdirAll(kept, 0o755))
		ts.Check(os.WriteFile(filepath.Join(kept, "plan.json"), data, 0o600))
		return true
	}
	if strings.Contains(step.Run, "${{") {
		ts.Fatalf("step %q has an expression in its script: what it holds would be run", step.Name)
	}
	output := ts.MkAbs("output.txt")
	ts.Check(os.WriteFile(output, nil, 0o600))
	env := []string{"GITHUB_OUTPUT=" + output, "GITHUB_REPOSITORY=ada/shop", "GITHUB_SHA=c0ffee", "STATE=" + ts.MkAbs(".")}
	for name, value := range step.Env {
		env = append(env, name+"="+fill(value, values))
	}
	ok := runShell(ts, "bash", []string{"--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run}, env)
	written, err := os.ReadFile(output)
	ts.Check(err)
	for line := range strings.Lines(string(written)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values["steps."+step.ID+".outputs."+name] = value
	}
	return ok
}

// runShell runs a script in the directory of the code, and leaves what it says in talk.txt.
func runShell(ts *testscript.TestScript, shell string, args, env []string) bool {
	program := exec.Command(shell, args...)
	program.Dir = ts.MkAbs("code")
	for _, name := range []string{"PATH", "HOME", "FNGEN_API_URL", "FNGEN_API_KEY"} {
		program.Env = append(program.Env, name+"="+ts.Getenv(name))
	}
	program.Env = append(program.Env, env...)
	out, err := program.CombinedOutput()
	ts.Logf("%s", out)
	talk, openErr := os.OpenFile(ts.MkAbs("talk.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(openErr)
	_, writeErr := talk.Write(out)
	ts.Check(writeErr)
	ts.Check(talk.Close())
	return err == nil
}

// cmdGitLab runs the script of a job of GitLab's template: gitlab JOB. The notes of
// its stand-in are kept in notes.json, and the artifact where the template keeps it.
func cmdGitLab(ts *testscript.TestScript, neg bool, args []string) {
	text, err := os.ReadFile(ts.Getenv("CI_DIR") + "/gitlab/fngen.yml")
	ts.Check(err)
	_, jobs, ok := strings.Cut(string(text), "\n---\n")
	if !ok {
		ts.Fatalf("the template has no header of inputs")
	}
	jobs = strings.NewReplacer("$[[ inputs.project ]]", "shop", "$[[ inputs.path ]]", ".", "$[[ inputs.reviewed ]]", "true").Replace(jobs)
	var file map[string]struct {
		Script []string `yaml:"script"`
		Before []string `yaml:"before_script"`
	}
	ts.Check(yaml.Unmarshal([]byte(jobs), &file))
	forge := newForge(ts.MkAbs("notes.json"), ts.MkAbs("code/fngen-plan.json"))
	defer forge.Close()
	env := []string{
		"PROJECT=shop", "CODE=.", "REVIEWED=true", "OUT=" + ts.MkAbs("out"), "FNGEN_GITLAB_TOKEN=secret",
		"CI_API_V4_URL=" + forge.URL, "CI_PROJECT_ID=5", "CI_MERGE_REQUEST_IID=7", "CI_COMMIT_SHA=c0ffee",
	}
	script := strings.Join(append(file[".fngen"].Before, file[args[0]].Script...), "\n")
	if ok := runShell(ts, "sh", []string{"-ec", script}, env); ok == neg {
		ts.Fatalf("succeeded: %v, want %v", ok, !neg)
	}
}

// newForge is the part of GitLab's API that the template asks: notes, of which there
// are two pages, and the artifact of the merge request.
func newForge(notesFile, artifact string) *httptest.Server {
	var mu sync.Mutex
	notes := []map[string]any{{"id": 1, "author": map[string]int{"id": 9}, "body": "<!-- fngen plan shop --> by a stranger"}}
	if data, err := os.ReadFile(notesFile); err == nil {
		_ = json.Unmarshal(data, &notes)
	}
	save := func(r *http.Request, id int) {
		var body struct{ Body string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		for _, n := range notes {
			if n["id"] == float64(id) || n["id"] == id {
				n["body"] = body.Body
			}
		}
		if id == 0 {
			notes = append(notes, map[string]any{"id": len(notes) + 1, "author": map[string]int{"id": 3}, "body": body.Body})
		}
		data, _ := json.Marshal(notes)
		_ = os.WriteFile(notesFile, data, 0o600)
	}
	reply := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]int{"id": 3}) })
	mux.HandleFunc("GET /projects/5/merge_requests/7/notes", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "1" {
			w.Header().Set("X-Next-Page", "2")
			reply(w, notes[:1])
			return
		}
		reply(w, notes[1:])
	})
	mux.HandleFunc("POST /projects/5/merge_requests/7/notes", func(w http.ResponseWriter, r *http.Request) { save(r, 0); reply(w, 1) })
	mux.HandleFunc("PUT /projects/5/merge_requests/7/notes/2", func(w http.ResponseWriter, r *http.Request) { save(r, 2); reply(w, 1) })
	mux.HandleFunc("GET /projects/5/repository/commits/c0ffee/merge_requests", func(w http.ResponseWriter, _ *http.Request) { reply(w, []map[string]int{{"iid": 7}}) })
	mux.HandleFunc("GET /projects/5/jobs/artifacts/{ref}/raw/fngen-plan.json", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("ref") != "refs/merge-requests/7/head" || r.URL.Query().Get("job") != "fngen-plan" {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, artifact)
	})
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("PRIVATE-TOKEN") != "secret" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}
