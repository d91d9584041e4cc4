// Package e2e drives the real programs against the one-machine cluster: real
// Nomad, Consul, Vault, Traefik and Python, nothing stands for anything.
//
// Each script of testdata is one story a person would live. Its project's name
// is in $P and is destroyed at the end. The cluster has few servers of each size:
// a script begins with those that it needs, and runs beside scripts that need
// others. What kills servers, or needs all, is a test that runs alone. What a stranger
// tries is in the folder isolation.
package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// passed are the variables of .dev/env.sh that a script sees.
var passed = []string{
	"PATH", "FNGEN_API_URL", "FNGEN_API_KEY", "FNGEN_CA_CERT", "FNGEN_DOMAIN", "FNGEN_INGRESS",
	"NOMAD_ADDR", "NOMAD_TOKEN", "CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN",
}

func TestMain(m *testing.M) { e2etest.Main(m) }

func TestScripts(t *testing.T) {
	cluster.Require(t)
	t.Parallel()
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("find scripts: %v, %d of them", err, len(scripts))
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(script)
			if err != nil {
				t.Fatal(err)
			}
			needs := needed.FindSubmatch(text)
			if needs == nil {
				t.Fatal("its first line does not say which servers it needs")
			}
			e2etest.Beside(t, strings.Fields(string(needs[1]))...)
			testscript.Run(t, testscript.Params{
				Files:    []string{script},
				Setup:    setup,
				Deadline: time.Now().Add(e2etest.CommandTime),
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"fetch": fetch, "jobs": listJobs, "gone": gone, "replace": replace, "load": loadOn, "instances": instances, "uid": uid, "pages": pages,
				},
			})
		})
	}
}

// needed is the first line of a script.
var needed = regexp.MustCompile(`^# servers:((?: (?:s|xl|m|spare))*)\n`)

// soaks says that there is time for what `make test` has none for.
var soaks = os.Getenv("FNGEN_SOAK") != ""

// onlySoak leaves a test to `make soak`.
func onlySoak(t *testing.T) {
	t.Helper()
	if !soaks {
		t.Skip("part of make soak, which has the time")
	}
}

func setup(env *testscript.Env) error {
	for _, name := range passed {
		env.Setenv(name, os.Getenv(name))
	}
	env.Values["load"] = new(scriptLoad)
	name := e2etest.RandomName()
	env.Setenv("P", name)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("CI", "true")
	dev, err := filepath.Abs("../.dev")
	if err != nil {
		return err
	}
	env.Setenv("DEV", dev)
	env.Defer(func() {
		// A script that destroyed its project, or made none, leaves nothing to do.
		p := project{e2etest.Project{Name: name, Dir: env.WorkDir, Home: env.WorkDir}}
		_ = p.Command("destroy", name, "--yes").Run()
	})
	return nil
}

// project is one of the tests' own, and what the stories ask of it.
type project struct{ e2etest.Project }

func newProject(t *testing.T) project {
	t.Helper()
	return project{e2etest.New(t)}
}
