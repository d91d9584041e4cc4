package environ

import (
	"slices"
	"strings"
)

// Vars is an environment as the system has it: NAME=value.
type Vars []string

// Get returns the value of a name, or nothing.
func (e Vars) Get(name string) string {
	for _, v := range slices.Backward(e) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// With returns e with name set, in place of what it was.
func (e Vars) With(name, value string) Vars {
	out := slices.DeleteFunc(slices.Clone(e), func(v string) bool { return strings.HasPrefix(v, name+"=") })
	return append(out, name+"="+value)
}

// WithDefault returns e with name set unless it is set already.
func (e Vars) WithDefault(name, value string) Vars {
	if e.Get(name) != "" {
		return e
	}
	return e.With(name, value)
}

// WithoutCredentials returns e without what Nomad gives a task to speak to the
// platform. Facts such as NOMAD_ALLOC_ID stay. Only the prefixes are Nomad's: a
// name such as AZURE_KEYVAULT_URL is the person's own.
func (e Vars) WithoutCredentials() Vars {
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
