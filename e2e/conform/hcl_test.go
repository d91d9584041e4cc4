package conform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/jobs"
)

// TestHCL sends every job of every example to the real parser and validator, as
// the text that is kept in jobs/testdata: what a person reads there, what the
// parser makes of it, and what a push registers are one job.
func TestHCL(t *testing.T) {
	cluster.Require(t)
	client, err := nomad.NewClient(nomad.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for file, job := range goldenJobs(t) {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../jobs/testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			parsed := parse(t, client, text, job)
			parsed.Namespace = new("default") // the project's exists only once it was created
			answer, _, err := client.Jobs().Validate(parsed, nil)
			if err != nil || answer.Error != "" || answer.Warnings != "" {
				t.Errorf("validate: %v, answer %+v", err, answer)
			}
		})
	}
}

// TestHCLOfPaths sends paths to the real parser that Lower lets pass and that HCL
// must escape.
func TestHCLOfPaths(t *testing.T) {
	cluster.Require(t)
	client, err := nomad.NewClient(nomad.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	project := compileExample(t, "hello")
	for _, path := range []string{
		"a dir/app's \"page\".py", `back\slash\n.py`, "café/🙂.py", "$x/$$/%x/{x}/$.py", "a\u2028b\u202ec\ufeff.py", "<<EOT.py", "#/*.py", "$(id);|&.py",
	} {
		project.Functions[0].File = path
		list, err := jobs.Lower(project, jobs.Release{Number: 1, Tree: "sha256:00"}, jobs.DefaultCluster())
		if err != nil {
			t.Fatal(err)
		}
		text, err := jobs.HCL(list[0])
		if err != nil {
			t.Fatal(err)
		}
		parse(t, client, text, list[0])
	}
}

// parse holds that Nomad's parser makes the very job out of its text, and returns
// what it made.
func parse(t *testing.T, client *nomad.Client, text []byte, job *nomad.Job) *nomad.Job {
	t.Helper()
	parsed, err := client.Jobs().ParseHCLOpts(&nomad.JobsParseRequest{JobHCL: string(text), Canonicalize: true})
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, text)
	}
	job.Canonicalize()
	if diff := cmp.Diff(job, parsed, cmp.FilterPath(config, cmp.Comparer(sameConfig))); diff != "" {
		t.Errorf("the job differs from what was parsed (-ours +parsed):\n%s", diff)
	}
	return parsed
}

// goldenJobs makes the job of each file of jobs/testdata again, from the same
// release.
func goldenJobs(t *testing.T) map[string]*nomad.Job {
	t.Helper()
	release := jobs.Release{Number: 3, Tree: "sha256:0123", Layer: "abcdef0123456789", UID: 700001}
	out := map[string]*nomad.Job{}
	files, err := filepath.Glob("../../jobs/testdata/examples/*/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("find goldens: %v, %d of them", err, len(files))
	}
	for _, file := range files {
		example := filepath.Base(filepath.Dir(file))
		for _, job := range lower(t, example, release) {
			out[filepath.Join("examples", example, *job.ID+".nomad.hcl")] = job
		}
	}
	if len(out) != len(files) {
		t.Errorf("the examples have %d jobs, jobs/testdata %d", len(out), len(files))
	}
	purge, err := jobs.Purge("hello", release.UID)
	if err != nil {
		t.Fatal(err)
	}
	out["purge/purge.nomad.hcl"] = purge
	// hello has neither of its own.
	project := withCommandAndStatic()
	commands, err := jobs.Commands(project, release, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	out["release/"+*commands[0].Job.ID+".nomad.hcl"] = commands[0].Job
	statics, err := jobs.Statics(project, release, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	out["static/"+*statics[0].Job.ID+".nomad.hcl"] = statics[0].Job
	fetch, err := jobs.Fetch(project, release, jobs.DefaultCluster(), statics, []string{"node-1", "node-2"})
	if err != nil {
		t.Fatal(err)
	}
	out["static/"+*fetch.ID+".nomad.hcl"] = fetch
	return out
}

func lower(t *testing.T, example string, release jobs.Release) []*nomad.Job {
	t.Helper()
	project := compileExample(t, example)
	list, err := jobs.Lower(project, release, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	build, err := jobs.Build(project, release, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	return append(list, build)
}

func withCommandAndStatic() *ir.Project {
	return &ir.Project{
		Version: ir.Version, Name: "hello", Python: "3.11",
		Servers: []ir.Server{{Name: "web", Size: "s", Region: "us-west", Count: 2}},
		Functions: []ir.Function{{
			Name: "live_app", Power: ir.PowerWebApp, File: "app.py", Line: 12,
			WebApp: &ir.WebApp{
				Health: "/", Hosts: []string{"hello"}, Release: `python manage.py migrate && echo "$FNGEN_RELEASE"`, Static: "mysite.settings",
			},
		}},
		Env: []ir.EnvName{{Name: "DJANGO_SECRET_KEY", Required: true}},
	}
}

func compileExample(t *testing.T, example string) *ir.Project {
	t.Helper()
	scanned, err := source.Scan(t.Context(), filepath.Join("../../examples", example), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := compiler.Input{Tree: scanned.Tree}
	if example == "single" {
		in.Project = example // it has no fngen.yml
	}
	project, list := compiler.Compile(t.Context(), in)
	if project == nil {
		t.Fatal(list)
	}
	return project
}

// config are driver configurations: the parser gives lists of any.
func config(p cmp.Path) bool { return p.Last().String() == ".Config" }

func sameConfig(a, b map[string]any) bool {
	return cmp.Equal(plain(a), plain(b))
}

func plain(m map[string]any) map[string][]string {
	out := map[string][]string{}
	for k, v := range m {
		switch v := v.(type) {
		case string:
			out[k] = []string{v}
		case []string:
			out[k] = v
		case []any:
			for _, item := range v {
				s, _ := item.(string)
				out[k] = append(out[k], s)
			}
		}
	}
	return out
}
