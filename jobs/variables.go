package jobs

import (
	"fmt"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// Vault's side of variables, which the cluster's bootstrap makes.
const (
	// SecretMount is the mount of Vault that holds the variables of projects, in
	// versions.
	SecretMount = "fngen"
	// SecretRole lets a workload read those of the project whose namespace Nomad has
	// signed into its identity, and no others.
	SecretRole = "fngen-project"
)

// SecretPath is where the variables of a project are in SecretMount.
func SecretPath(project string) string { return project + "/env" }

// withVariables gives a task the variables of its project: every task that runs the
// person's code has them, and no other. Nomad writes them, as JSON, into a file that
// only root can read, before the agent starts; so they are in no environment that
// Nomad keeps. The version is a part of the job: another one is rolled out like
// other code, and an older release has its own again.
//
// The file is written once: a task that runs has nothing to do with Vault any more.
// A version that was destroyed would be an empty one, and is refused instead.
func withVariables(task *nomad.Task, p *ir.Project, r Release) *nomad.Task {
	if r.Env == 0 {
		return task
	}
	const text = `{{ with secret "%s/data/%s?version=%d" }}` +
		`{{ if .Data.metadata.destroyed }}{{ sprig_fail "fngen: version %[3]d of the variables was destroyed" }}{{ end }}` +
		`{{ .Data.data | toJSON }}{{ end }}`
	task.Vault = readsSecrets()
	task.Templates = []*nomad.Template{{
		DestPath: new("secrets/variables.json"), EmbeddedTmpl: new(fmt.Sprintf(text, SecretMount, SecretPath(p.Name), r.Env)),
		Perms: new("0600"), Once: new(true), ChangeMode: new("noop"),
	}}
	return task
}
