package jobs

import (
	"fmt"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// BrokerPath is where the login of a project's workers at the broker is in SecretMount.
func BrokerPath(project string) string { return project + "/broker" }

// withBroker gives a worker the address of the broker and the project's login there, in a
// file that only root can read, written before the agent starts. It is read once: a
// worker that runs has nothing to do with Vault any more.
func withBroker(task *nomad.Task, p *ir.Project) *nomad.Task {
	const text = `{{ with secret "%s/data/%s" }}{{ .Data.data | toJSON }}{{ end }}`
	task.Vault = readsSecrets()
	task.Templates = append(task.Templates, &nomad.Template{
		DestPath: new("secrets/broker.json"), EmbeddedTmpl: new(fmt.Sprintf(text, SecretMount, BrokerPath(p.Name))),
		Perms: new("0600"), Once: new(true), ChangeMode: new("noop"),
	})
	return task
}

// readsSecrets lets Nomad read what the project has in Vault for a task, which sees no
// token of it.
func readsSecrets() *nomad.Vault {
	return &nomad.Vault{Role: SecretRole, Env: new(false), DisableFile: new(true), ChangeMode: new("noop")}
}
