// Package docs holds the documentation of the repository, and the tests that
// keep it true.
package docs

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "fngen.dev/fngen/"

// forbidden are imports that would turn an arrow of docs/architecture.md round.
// A package is named by its path below the module and stands for all below it.
var forbidden = []struct{ from, to, why string }{
	{"compiler", "jobs", "the compiler does not know where its result runs"},
	{"compiler", "nomad", "the compiler is pure"},
	{"compiler", "pkg", "the compiler is a library of the programs"},
	{"compiler/config/pep", "compiler", "the standards of Python know no files of a tree"},
	{"compiler/config/document", "compiler/config/dependencies", "a document is what its file says, whatever it is about"},
	{"compiler/python", "compiler/diag", "the lexer tells where a fault is; who reads the file reports it"},
	{"compiler/python", "compiler/discover", "the lexer of Python knows no Powers"},
	{"compiler/ir", "compiler/diag", "the resolved project is plain data"},
	{"jobs", "nomad", "lowering is pure: it makes jobs and submits none"},
	{"jobs", "pkg", "lowering is pure"},
	{"nomad", "compiler", "the Nomad adapter knows jobs, not projects"},
	{"nomad", "jobs", "the Nomad adapter knows jobs, not projects"},
	{"nomad", "pkg", "adapters do not know what uses them"},
	{"pkg/store", "nomad", "adapters never import each other"},
	{"pkg/store", "pkg/blob", "adapters never import each other"},
	{"pkg/blob", "pkg/store", "adapters never import each other"},
	{"pkg/lock", "pkg/store", "adapters never import each other"},
	{"pkg/lock", "nomad", "adapters never import each other"},
	{"pkg/agent", "compiler/discover", "an agent runs what was compiled"},
	{"pkg/logs", "pkg/store", "adapters never import each other"},
	{"pkg/logs", "pkg/blob", "adapters never import each other"},
	{"pkg/agent", "pkg/logs", "an agent reaches the control plane over HTTP"},
	{"pkg/cli", "pkg/logs", "a person's machine reaches the control plane over HTTP"},
	{"pkg/agent", "pkg/store", "an agent reaches the control plane over HTTP"},
	{"pkg/agent", "pkg/deploy", "an agent reaches the control plane over HTTP"},
	{"pkg/agent/archive", "pkg/api", "an archive is a stream of bytes, wherever it comes from"},
	{"pkg/agent", "nomad", "an agent runs in Nomad and does not talk to it"},
	{"pkg/cli", "pkg/store", "a person's machine reaches the control plane over HTTP"},
	{"pkg/dev", "pkg/store/postgres", "fngen dev keeps its tasks in a file"},
	{"pkg/cli", "pkg/deploy", "a person's machine reaches the control plane over HTTP"},
	{"pkg/cli", "pkg/server", "a person's machine reaches the control plane over HTTP"},
	{"pkg/cli", "nomad", "a person's machine never talks to Nomad"},
	{"pkg/cli/exit", "pkg/cli", "how a command ends does not depend on which it is"},
	{"pkg/cli/credentials", "pkg/cli/command", "what commands share is made of credentials"},
	{"pkg/cli/target", "pkg/cli/command", "what commands share is made of targets"},
	{"pkg/cli/push", "pkg/cli/projects", "commands know what they share, not each other"},
	{"pkg/cli/projects", "pkg/cli/push", "commands know what they share, not each other"},
	{"pkg/deploy", "pkg/server", "HTTP is at the edge"},
	{"pkg/server/treeroutes", "pkg/api/upload", "whoever takes an upload in believes nothing of the other side"},
	{"pkg/api/frames", "pkg/store", "a frame holds any bytes"},
	{"pkg/api/upload", "pkg/store", "a person's machine reaches the control plane over HTTP"},
	{"pkg/server/peer", "pkg/store", "a connection knows no projects"},
	{"pkg/server/limit", "pkg/store", "a limit counts callers, whoever they are"},
	{"pkg/server/limit", "pkg/server/respond", "a limit refuses, and does not answer"},
	{"pkg/server/quota", "pkg/blob", "what is taken of the disk is told by whoever has it"},
	{"pkg/server/quota", "pkg/server/respond", "a quota refuses, and does not answer"},
	{"pkg/server/retention", "pkg/server/respond", "a sweep answers nobody"},
	{"pkg/server/retention", "pkg/server/treeroutes", "a sweep knows uploads by what they hold"},
	{"pkg/server/manifest", "pkg/store", "whether files can be laid out is a function of their list"},
	{"pkg/server/respond", "pkg/server/access", "an answer does not ask who may have it"},
	{"pkg/server/respond", "pkg/server/workload", "an answer does not ask who may have it"},
	{"pkg/server/access", "pkg/server/workload", "people and agents come by different doors"},
	{"pkg/server/workload", "pkg/server/access", "people and agents come by different doors"},
	{"pkg/server/treeroutes", "pkg/deploy", "rooms of the server know no rollout"},
	{"pkg/server/layerroutes", "pkg/deploy", "rooms of the server know no rollout"},
	{"pkg/server/taskroutes", "pkg/deploy", "rooms of the server know no rollout"},
	{"pkg/server/logroutes", "pkg/deploy", "rooms of the server know no rollout"},
	{"pkg/deploy/power", "pkg", "the table of Powers is a function of the resolved project"},
	{"pkg/deploy/compare", "pkg/store", "a comparison is a function of two resolved projects"},
	{"pkg/deploy/rollout", "pkg/store", "a rollout is told what is live and what is to be"},
	{"pkg/deploy/rollout", "pkg/deploy/prepare", "what comes before a rollout knows it, not the other way round"},
	{"pkg/deploy/prepare", "pkg/store", "what is there already is asked by a function"},
	{"pkg/deploy/compiled", "pkg/store", "what a tree compiles to is handed in"},
	{"pkg/deploy/variables", "nomad", "variables are in Vault and in the store"},
	{"pkg/deploy/variables", "pkg/deploy/rollout", "variables are decided before anything is rolled out"},
	{"pkg/deploy/history", "nomad", "events are kept, whatever happened"},
	{"pkg/deploy/history", "pkg/deploy/rollout", "who brings a release up tells of it"},
	{"pkg/deploy/waves", "pkg/store", "waves are forecast from what is handed in"},
	{"pkg/deploy/turns", "nomad", "turns are taken, whatever it is that needs the room"},
	{"pkg/deploy/postmortem", "pkg/store", "what a failed program left is handed in"},
}

// exceptions are programs that live below a package they are no part of.
var exceptions = map[string]string{
	"nomad/dev":    "the one-machine cluster is a program of its own",
	"nomad/agents": "configuration of the servers, read by the one-machine cluster",
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		if excepted(from) {
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			for _, rule := range forbidden {
				if below(from, rule.from) && below(to, rule.to) {
					t.Errorf("%s imports %s: %s", from, to, rule.why)
				}
			}
		}
	}
}

// TestNoServerCores holds that only the API packages of servers under the
// Business Source License are linked.
func TestNoServerCores(t *testing.T) {
	allowed := map[string]bool{
		"github.com/hashicorp/nomad/api": true, "github.com/hashicorp/consul/api": true, "github.com/hashicorp/vault/api": true,
	}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for _, server := range []string{"nomad", "consul", "vault"} {
				root := "github.com/hashicorp/" + server
				if below(imported, root) && !allowed[strings.Join(strings.SplitN(imported, "/", 5)[:4], "/")] {
					t.Errorf("%s imports %s: only %s/api may be used", p.ImportPath, imported, root)
				}
			}
		}
	}
}

// foreign are packages of others that a program does not link: who installs it pays for
// them in size, and in what may be wrong with them.
var foreign = []struct{ program, not, why string }{
	{"cmd/fngen", "github.com/jackc/pgx", "a person's machine keeps the tasks of fngen dev in a file"},
	{"cmd/fngen", "github.com/hashicorp/vault", "a person's machine reaches the control plane over HTTP"},
	{"cmd/fngen", "github.com/hashicorp/consul", "a person's machine reaches the control plane over HTTP"},
	{"cmd/fngen", "github.com/rabbitmq", "a person's machine reaches the control plane over HTTP"},
	{"cmd/fngen-agent", "github.com/jackc/pgx", "an agent reaches the control plane over HTTP"},
	{"cmd/fngen-agent", "modernc.org/sqlite", "an agent keeps nothing in a database"},
	{"cmd/fngen-agent", "github.com/spf13/cobra", "nobody types what an agent is told"},
}

// TestProgramsLinkWhatTheyNeed holds the dependencies of whole programs.
func TestProgramsLinkWhatTheyNeed(t *testing.T) {
	linked := map[string][]string{}
	for _, rule := range foreign {
		if linked[rule.program] == nil {
			out, err := exec.Command("go", "list", "-deps", module+rule.program).Output()
			if err != nil {
				t.Fatalf("go list: %v", err)
			}
			linked[rule.program] = strings.Fields(string(out))
		}
		for _, dependency := range linked[rule.program] {
			if below(dependency, rule.not) {
				t.Errorf("%s links %s: %s", rule.program, dependency, rule.why)
			}
		}
	}
}

func excepted(pkg string) bool {
	for root := range exceptions {
		if below(pkg, root) {
			return true
		}
	}
	return false
}

func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	cmd.Env = append(cmd.Environ(), "GOOS=linux")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 10 {
		t.Fatalf("go list found %d packages", len(list))
	}
	return list
}
