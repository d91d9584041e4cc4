package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"fngen.dev/fngen/pkg/agent/environ"
)

// variables reads the project's own variables, which Nomad has written for root
// alone. An agent that was told of some does not start anything without them. No
// error of it holds a part of the file.
func (fn *Function) variables() (environ.Vars, error) {
	if fn.env == "" {
		return nil, nil
	}
	data, err := os.ReadFile(fn.EnvFile)
	if err != nil {
		return nil, fmt.Errorf("read the project's variables: %w", err)
	}
	out, err := parseVariables(data)
	if err != nil {
		return nil, fmt.Errorf("read version %s of the project's variables: %w", fn.env, err)
	}
	return out, nil
}

// parseVariables reads an object of strings. Names that begin with a dot are the
// platform's own notes. What the platform writes is right; what somebody has
// written into Vault by hand may not be.
func parseVariables(data []byte) (environ.Vars, error) {
	var values map[string]any
	if json.Unmarshal(data, &values) != nil {
		return nil, errors.New("they are not an object of JSON")
	}
	var out environ.Vars
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if strings.HasPrefix(name, ".") {
			continue
		}
		value, text := values[name].(string)
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return nil, fmt.Errorf("%q cannot be the name of one", name)
		case !text:
			return nil, fmt.Errorf("%s is not a text", name)
		case strings.Contains(value, "\x00"):
			return nil, fmt.Errorf("%s holds a NUL", name)
		}
		out = append(out, name+"="+value)
	}
	return out, nil
}
