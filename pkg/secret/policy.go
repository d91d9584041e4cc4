package secret

import (
	"fmt"

	"fngen.dev/fngen/jobs"
)

// WriterPolicy is what the control plane may do: write variables, see their names and
// versions, destroy versions that nothing needs any more, and delete all of them; and write the logins of workers at the broker. It can read none, and can change nobody's rights.
func WriterPolicy() string {
	const rules = `path "%[1]s/data/+/env"     { capabilities = ["create", "update", "patch"] }
path "%[1]s/metadata/+/env" { capabilities = ["read", "delete"] }
path "%[1]s/subkeys/+/env"  { capabilities = ["read"] }
path "%[1]s/destroy/+/env"  { capabilities = ["update"] }
path "%[1]s/data/+/broker"     { capabilities = ["create", "update"] }
path "%[1]s/metadata/+/broker" { capabilities = ["read", "delete"] }
`
	return fmt.Sprintf(rules, jobs.SecretMount)
}

// ReaderPolicy lets a workload read the variables of the project whose namespace is in
// its identity, and how it reaches the broker. accessor is that of the mount at which workloads log in.
//
// There is one policy for all projects, so that nobody has to have the right to write
// policies, which is the right to everything.
func ReaderPolicy(accessor string) string {
	namespace := "{{identity.entity.aliases." + accessor + ".metadata.nomad_namespace}}"
	rules := ""
	for _, name := range []string{"env", "broker"} {
		rules += fmt.Sprintf("path %q { capabilities = [\"read\"] }\n", jobs.SecretMount+"/data/"+namespace+"/"+name)
	}
	return rules
}

// ReaderRole is the role jobs.SecretRole of that mount. What tells workloads apart is
// "sub", which Nomad makes of region, namespace, job, group and task: two projects
// never share an entity in Vault, whatever their jobs are called, so that none can
// change the namespace of another's. The stock role goes by the job alone.
func ReaderRole() map[string]any {
	return map[string]any{
		"role_type": "jwt", "bound_audiences": []string{"vault.io"}, "user_claim": "sub",
		"claim_mappings": map[string]string{"nomad_namespace": "nomad_namespace", "nomad_job_id": "nomad_job_id"},
		"token_type":     "service", "token_period": "30m", "token_policies": []string{jobs.SecretRole},
	}
}
