package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// searchPath is where programs of the node are.
const searchPath = "/usr/local/bin:/usr/bin:/bin"

// fetch brings everything that a function needs into place, as root. The locks
// keep it there until they are closed, also when there is an error.
func (fn *function) fetch(ctx context.Context, log logger) (tree, layer string, locks []*os.File, err error) {
	cache, client, err := prepare(&fn.target, log)
	if err != nil {
		return "", "", nil, err
	}
	defer client.http.CloseIdleConnections()
	f := &fetcher{cache, client, log}
	tree, lock, err := f.tree(ctx, &fn.target)
	if err != nil {
		return "", "", nil, err
	}
	locks = append(locks, lock)
	if fn.layer != "" {
		if layer, lock, err = f.layer(ctx, &fn.target); err != nil {
			return "", "", locks, err
		}
		locks = append(locks, lock)
	}
	if err := cache.own(fn.home, fn.uid, cache.gid, 0o750); err != nil {
		return "", "", locks, fmt.Errorf("make home: %w", err)
	}
	return tree, layer, locks, nil
}

// environment is what a person's code sees, in whatever way it is run.
func (fn *function) environment(layer string, env environ) environ {
	e, search := env.withoutCredentials(), searchPath
	if layer != "" {
		search = filepath.Join(layer, "bin") + ":" + searchPath
		e = e.with("VIRTUAL_ENV", layer)
	}
	for _, v := range [][2]string{
		{"FNGEN_PROJECT", fn.project},
		{"FNGEN_FUNCTION", fn.name},
		{"FNGEN_POWER", fn.power},
		{"FNGEN_RELEASE", fn.release},
		{"FNGEN_SERVER", fn.server},
		{"FNGEN_FILE", fn.file},
		{"HOME", fn.home},
		{"TMPDIR", "/tmp"},
		{"PATH", search},
		{"PYTHONUNBUFFERED", "1"},
		// The user has no entry in the node's passwd, where getpass looks else.
		{"USER", fn.project},
		{"LOGNAME", fn.project},
	} {
		e = e.with(v[0], v[1])
	}
	return e.withDefault("LANG", "C.UTF-8")
}
