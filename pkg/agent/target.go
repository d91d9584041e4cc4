package agent

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strings"

	"fngen.dev/fngen/pkg/agent/nodefiles"
)

// minUID keeps a wrong --uid away from the users of the system.
const minUID = 1000

var (
	pythonVersion = regexp.MustCompile(`^3\.[0-9]{1,2}$`)
	treeDigest    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	layerKey      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

// target is what serve, run, collect and build have in common: whose code, which, and where
// things are.
type target struct {
	project, python, tree, layer, api string
	uid                               int
	identity, cache, node, home, app  string
	// copies: what runs gets a copy of the tree also where an overlay would do.
	copies bool
}

// treeHex is the digest without its algorithm, as in paths.
func (t *target) treeHex() string { return strings.TrimPrefix(t.tree, "sha256:") }

func (t *target) flags(fs *flag.FlagSet) {
	fs.StringVar(&t.project, "project", "", "the project's `name`")
	fs.IntVar(&t.uid, "uid", 0, "the project's user and group `id`")
	fs.StringVar(&t.python, "python", "", "the Python `version`, such as 3.11")
	fs.StringVar(&t.tree, "tree", "", "the `digest` of the code, sha256:<hex>")
	fs.StringVar(&t.layer, "layer", "", "the `key` of the dependency layer")
	fs.StringVar(&t.api, "api", "", "the `URL` of the control plane")
	fs.StringVar(&t.identity, "identity", "/secrets/nomad_fngen.jwt", "the `file` of the workload identity")
	fs.StringVar(&t.cache, "cache", "/var/cache/fngen", "the `directory` of trees and layers")
	fs.StringVar(&t.node, "node", nodefiles.Default, "the `directory` of the platform's files on this node")
	fs.StringVar(&t.app, "app", "/app", "the `directory` in which the code is run, which the agent makes")
	fs.BoolVar(&t.copies, "copy", false, "copy the code to where it is run, also where an overlay would do")
	fs.StringVar(&t.home, "home", "/local", "the home `directory` of what is run")
}

func (t *target) check() error {
	api, err := url.Parse(t.api)
	switch {
	case t.project == "":
		return errors.New("--project is missing")
	case checkUID(t.uid) != nil:
		return checkUID(t.uid)
	case !pythonVersion.MatchString(t.python):
		return fmt.Errorf("--python %q is not a version such as 3.11", t.python)
	case !treeDigest.MatchString(t.tree):
		return fmt.Errorf("--tree %q is not sha256: and 64 hex digits", t.tree)
	case t.layer != "" && !layerKey.MatchString(t.layer):
		return fmt.Errorf("--layer %q is not a layer key", t.layer)
	case err != nil || api.Host == "" || (api.Scheme != "https" && api.Scheme != "http"):
		return fmt.Errorf("--api %q is not an http or https URL", t.api)
	}
	t.api = strings.TrimSuffix(t.api, "/")
	return nil
}

// checkUID holds that an id is that of a project.
func checkUID(uid int) error {
	if uid < minUID || int64(uid) >= math.MaxUint32 {
		return fmt.Errorf("--uid %d is not the id of a project: it must be at least %d", uid, minUID)
	}
	return nil
}
