package cache

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
	LayerKey      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

// Target is what serve, run, collect and build have in common: whose code, which, and where
// things are.
type Target struct {
	Project, Python, Tree, Layer, API string
	UID                               int
	Identity, Cache, Node, Home, App  string
	// copies: what runs gets a copy of the tree also where an overlay would do.
	copies bool
}

// treeHex is the digest without its algorithm, as in paths.
func (t *Target) treeHex() string { return strings.TrimPrefix(t.Tree, "sha256:") }

func (t *Target) Flags(fs *flag.FlagSet) {
	fs.StringVar(&t.Project, "project", "", "the project's `name`")
	fs.IntVar(&t.UID, "uid", 0, "the project's user and group `id`")
	fs.StringVar(&t.Python, "python", "", "the Python `version`, such as 3.11")
	fs.StringVar(&t.Tree, "tree", "", "the `digest` of the code, sha256:<hex>")
	fs.StringVar(&t.Layer, "layer", "", "the `key` of the dependency layer")
	fs.StringVar(&t.API, "api", "", "the `URL` of the control plane")
	fs.StringVar(&t.Identity, "identity", "/secrets/nomad_fngen.jwt", "the `file` of the workload identity")
	fs.StringVar(&t.Cache, "cache", "/var/cache/fngen", "the `directory` of trees and layers")
	fs.StringVar(&t.Node, "node", nodefiles.Default, "the `directory` of the platform's files on this node")
	fs.StringVar(&t.App, "app", "/app", "the `directory` in which the code is run, which the agent makes")
	fs.BoolVar(&t.copies, "copy", false, "copy the code to where it is run, also where an overlay would do")
	fs.StringVar(&t.Home, "home", "/local", "the home `directory` of what is run")
}

func (t *Target) Check() error {
	api, err := url.Parse(t.API)
	switch {
	case t.Project == "":
		return errors.New("--project is missing")
	case CheckUID(t.UID) != nil:
		return CheckUID(t.UID)
	case !pythonVersion.MatchString(t.Python):
		return fmt.Errorf("--python %q is not a version such as 3.11", t.Python)
	case !treeDigest.MatchString(t.Tree):
		return fmt.Errorf("--tree %q is not sha256: and 64 hex digits", t.Tree)
	case t.Layer != "" && !LayerKey.MatchString(t.Layer):
		return fmt.Errorf("--layer %q is not a layer key", t.Layer)
	case err != nil || api.Host == "" || (api.Scheme != "https" && api.Scheme != "http"):
		return fmt.Errorf("--api %q is not an http or https URL", t.API)
	}
	t.API = strings.TrimSuffix(t.API, "/")
	return nil
}

// CheckUID holds that an id is that of a project.
func CheckUID(uid int) error {
	if uid < minUID || int64(uid) >= math.MaxUint32 {
		return fmt.Errorf("--uid %d is not the id of a project: it must be at least %d", uid, minUID)
	}
	return nil
}
