// Package e2e drives the real programs against the one-machine cluster: real
// Nomad, Consul, Vault, Traefik and Python, nothing stands for anything.
//
// Each script of testdata is one story a person would live. Its project's name
// is in $P and is destroyed at the end. Scripts run one after the other, since
// the cluster has few servers of each size.
package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// passed are the variables of .dev/env.sh that a script sees.
var passed = []string{
	"PATH", "FNGEN_API_URL", "FNGEN_API_KEY", "FNGEN_CA_CERT", "FNGEN_DOMAIN", "FNGEN_INGRESS",
	"NOMAD_ADDR", "NOMAD_TOKEN", "CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN",
}

func TestScripts(t *testing.T) {
	requireCluster(t)
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("find scripts: %v, %d of them", err, len(scripts))
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Files: []string{script},
				Setup: setup,
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"fetch": fetch, "jobs": listJobs, "gone": gone, "replace": replace, "load": loadOn, "instances": instances, "uid": uid, "pages": pages,
				},
			})
		})
	}
}

// requireCluster skips where no cluster was announced; `make test` announces one
// and so cannot skip.
func requireCluster(t *testing.T) {
	t.Helper()
	if os.Getenv("FNGEN_INGRESS") == "" || os.Getenv("FNGEN_API_KEY") == "" {
		if os.Getenv("FNGEN_E2E") == "required" {
			t.Fatal("FNGEN_E2E=required, but .dev/env.sh has not been read")
		}
		t.Skip("no cluster: run `make up`, then `. .dev/env.sh`")
	}
}

func setup(env *testscript.Env) error {
	for _, name := range passed {
		env.Setenv(name, os.Getenv(name))
	}
	project := randomName()
	env.Setenv("P", project)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("CI", "true")
	dev, err := filepath.Abs("../.dev")
	if err != nil {
		return err
	}
	env.Setenv("DEV", dev)
	env.Defer(func() {
		// A script that destroyed its project, or made none, leaves nothing to do.
		cmd := exec.Command("fngen", "destroy", project, "--yes")
		cmd.Env = append(os.Environ(), "HOME="+env.WorkDir)
		_ = cmd.Run()
	})
	return nil
}

func randomName() string {
	random := make([]byte, 3)
	_, _ = rand.Read(random)
	return "t-" + hex.EncodeToString(random)
}
