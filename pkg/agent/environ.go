package agent

import (
	"slices"
	"strings"
)

// environ is an environment as the system has it: NAME=value.
type environ []string

// get returns the value of a name, or nothing.
func (e environ) get(name string) string {
	for _, v := range slices.Backward(e) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// with returns e with name set, in place of what it was.
func (e environ) with(name, value string) environ {
	out := slices.DeleteFunc(slices.Clone(e), func(v string) bool { return strings.HasPrefix(v, name+"=") })
	return append(out, name+"="+value)
}

// withDefault returns e with name set unless it is set already.
func (e environ) withDefault(name, value string) environ {
	if e.get(name) != "" {
		return e
	}
	return e.with(name, value)
}

// withoutCredentials returns e without what Nomad gives a task to speak to the
// platform. Facts such as NOMAD_ALLOC_ID stay. Only the prefixes are Nomad's: a
// name such as AZURE_KEYVAULT_URL is the person's own.
func (e environ) withoutCredentials() environ {
	return slices.DeleteFunc(slices.Clone(e), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		for _, prefix := range []string{"NOMAD_TOKEN", "NOMAD_SECRETS_DIR", "VAULT_", "CONSUL_"} {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	})
}
