package jobs

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const examples = "../examples"

// TestExamples shows every job of every example whole, as the HCL that people
// read. The release stands in for what changes with each byte of an example.
func TestExamples(t *testing.T) {
	entries, err := os.ReadDir(examples)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		name := entry.Name()
		t.Run(name, func(t *testing.T) {
			project := compile(t, filepath.Join(examples, name))
			lowered, err := Lower(project, release, DefaultCluster())
			if err != nil {
				t.Fatal(err)
			}
			build, err := Build(project, release, DefaultCluster())
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "examples", name), append(lowered, build))
		})
	}
}

func TestPurge(t *testing.T) {
	job, err := Purge("hello", release.UID)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "purge"), []*nomad.Job{job})
}

func TestCommands(t *testing.T) {
	p := hello()
	if commands, err := Commands(p, release, DefaultCluster()); err != nil || len(commands) > 0 {
		t.Errorf("a project without release commands has %d of them: %v", len(commands), err)
	}
	p.Functions[0].WebApp.Release = `python manage.py migrate && echo "$FNGEN_RELEASE"`
	commands, err := Commands(p, release, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "release"), jobsOf(commands))
}

func TestStatics(t *testing.T) {
	p := hello()
	if statics, err := Statics(p, release, DefaultCluster()); err != nil || len(statics) > 0 {
		t.Errorf("a project without settings of Django has %d collections: %v", len(statics), err)
	}
	p.Functions[0].WebApp.Static = "mysite.settings"
	second := p.Functions[0]
	second.Name = "second"
	p.Functions = append(p.Functions, second)
	p.Env = []ir.EnvName{{Name: "DATABASE_URL", Required: true}, {Name: "DJANGO_SECRET_KEY", Required: true}, {Name: "OTHER_SECRET_KEY"}}
	statics, err := Statics(p, release, DefaultCluster())
	if err != nil || len(statics) != 1 {
		t.Fatalf("one module of settings has %d collections: %v", len(statics), err)
	}
	fetch, err := Fetch(p, release, DefaultCluster(), statics, []string{"node-1", "node-2"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "static"), append(staticJobs(statics), fetch))

	lowered, err := Lower(p, release, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range lowered {
		args, _ := job.TaskGroups[0].Tasks[0].Config["args"].([]string)
		if web := strings.HasPrefix(*job.ID, "web-"); slices.Contains(args, "--static="+statics[0].Key) != web {
			t.Errorf("%s and the files: %q", *job.ID, args)
		}
	}
}

// The key changes with what the files are made of, and with nothing else.
func TestStaticKey(t *testing.T) {
	p, r := hello(), release
	key := staticKey(p, r, "a")
	r.Number++
	if again := staticKey(p, r, "a"); again != key {
		t.Errorf("the release's number changes the key: %s, %s", again, key)
	}
	other := hello()
	other.Python = "3.12"
	tree, layer := r, r
	tree.Tree, layer.Layer = "sha256:"+strings.Repeat("0", 64), "another"
	seen := map[string]bool{key: true}
	for _, k := range []string{staticKey(other, r, "a"), staticKey(p, tree, "a"), staticKey(p, layer, "a"), staticKey(p, r, "b")} {
		if seen[k] {
			t.Errorf("%s comes twice", k)
		}
		seen[k] = true
	}
}

// compile takes the name of an example without one from its directory, as
// fngen compile does.
func compile(t *testing.T, dir string) *ir.Project {
	t.Helper()
	scanned, err := source.Scan(t.Context(), dir, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := compiler.Input{Tree: scanned.Tree}
	if _, err := os.Stat(filepath.Join(dir, "fngen.yml")); err != nil {
		in.Project = filepath.Base(dir)
	}
	project, list := compiler.Compile(t.Context(), in)
	if list = append(scanned.Diagnostics, list...); len(list) > 0 {
		t.Fatalf("an example has faults: %v", list)
	}
	return project
}

// golden compares the jobs with the files of a directory, one each.
func golden(t *testing.T, dir string, list []*nomad.Job) {
	t.Helper()
	got := map[string]string{}
	for _, job := range list {
		// Whatever runs a person's code is in a network of its own, and so is all else.
		for _, g := range job.TaskGroups {
			if len(g.Networks) != 1 || g.Networks[0].Mode != network {
				t.Errorf("%s runs in the network of its node", *job.ID)
			}
		}
		text, err := HCL(job)
		if err != nil {
			t.Fatal(err)
		}
		got[*job.ID+".nomad.hcl"] = string(text)
	}
	if *update {
		rewrite(t, dir, got)
	}
	want := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want[filepath.Base(file)] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update to accept:\n%s", dir, diff)
	}
}

func rewrite(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
