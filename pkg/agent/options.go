package agent

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/agent/nodefiles"
)

// minUID keeps a wrong --uid away from the users of the system.
const minUID = 1000

// maxDisk is the largest disk, in GB.
const maxDisk = 1_000_000

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

// function is one function of a release, on one server.
type function struct {
	target
	name, power, file, release, server string
	// static is the key of the static files that it serves, or empty.
	static string
	// env is the version of the project's variables, empty for none, and envFile where
	// they are.
	env, envFile string
	// disk is the size of its server's disk, in GB of 10^9 bytes, or 0.
	disk int64
}

// serveOptions is one function to run.
type serveOptions struct {
	function
	host, port, health string
	// framework is what the decorator names, or empty.
	framework string
	// processes and threads are how many of them serve, or 0.
	processes, threads int
	// maxBodyMB, maxHeaderKB and keepAlive bound what it takes, or are 0.
	maxBodyMB, maxHeaderKB, keepAlive int
	drain                             time.Duration
}

// runOptions is one command to run in the code of a function.
type runOptions struct {
	function
	command string
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

func (fn *function) flags(f *flag.FlagSet) {
	fn.target.flags(f)
	f.StringVar(&fn.name, "function", "", "the `name` of the function")
	f.StringVar(&fn.power, "power", "", "the `kind` of the function")
	f.StringVar(&fn.file, "file", "", "the `path` in the tree of the function's file")
	f.StringVar(&fn.release, "release", "", "the release's `number`")
	f.StringVar(&fn.server, "server", "", "the `name` of the server definition")
	f.StringVar(&fn.env, "env", "", "the `version` of the project's variables")
	f.StringVar(&fn.envFile, "env-file", "/secrets/variables.json", "the `file` of the project's variables")
	f.Int64Var(&fn.disk, "disk", 0, "the `GB` that the function may have on the disk of its server")
}

func (fn *function) check() error {
	if err := fn.target.check(); err != nil {
		return err
	}
	switch {
	case fn.name == "":
		return errors.New("--function is missing")
	case fn.disk < 0 || fn.disk > maxDisk:
		return fmt.Errorf("--disk %d is not between 0 and %d", fn.disk, maxDisk)
	case !fs.ValidPath(fn.file) || fn.file == ".":
		return fmt.Errorf("--file %q is not a path in the tree", fn.file)
	}
	return nil
}

func checkUID(uid int) error {
	if uid < minUID || int64(uid) >= math.MaxUint32 {
		return fmt.Errorf("--uid %d is not the id of a project: it must be at least %d", uid, minUID)
	}
	return nil
}

func parseServe(args []string, env environ, usage io.Writer) (*serveOptions, error) {
	o := &serveOptions{}
	f := newFlags("serve", usage)
	o.flags(f)
	// In a network of its own an allocation has another address than the one at which
	// the router finds it, and a port of its own there.
	f.StringVar(&o.host, "host", cmp.Or(env.get("NOMAD_ALLOC_IP_http"), env.get("NOMAD_IP_http")), "the `address` to listen on")
	f.StringVar(&o.port, "port", env.get("NOMAD_PORT_http"), "the `port` to listen on")
	f.StringVar(&o.static, "static", "", "the `key` of the static files to serve")
	f.StringVar(&o.framework, "framework", "", "the `name` of the framework that the function's app is to be of")
	f.StringVar(&o.health, "health", "", "the `path` that answers 2xx or 3xx when the function is well; without it, / below 500")
	f.IntVar(&o.processes, "processes", 0, "the `number` of processes that serve")
	f.IntVar(&o.threads, "threads", 0, "the `number` of requests of WSGI that each serves at a time; without it, 16")
	f.IntVar(&o.maxBodyMB, "max-body-mb", 0, "the `size` of the largest body of a request; without it, any")
	f.IntVar(&o.maxHeaderKB, "max-header-kb", 0, "the `size` of the largest head of a request; without it, 64")
	f.IntVar(&o.keepAlive, "keep-alive", 0, "the `seconds` for which a connection may be idle; without it, 120")
	f.DurationVar(&o.drain, "drain", 25*time.Second, "the `time` to finish requests after a stop signal")
	if err := parse(f, args); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	switch {
	case o.static != "" && !layerKey.MatchString(o.static):
		return nil, fmt.Errorf("--static %q is not a key of static files", o.static)
	case o.health != "" && !strings.HasPrefix(o.health, "/"):
		return nil, fmt.Errorf("--health %q does not begin with /", o.health)
	case o.processes < 0 || o.threads < 0:
		return nil, fmt.Errorf("--processes %d and --threads %d are not both numbers of something", o.processes, o.threads)
	case o.maxBodyMB < 0 || o.maxHeaderKB < 0 || o.keepAlive < 0:
		return nil, fmt.Errorf("--max-body-mb %d, --max-header-kb %d and --keep-alive %d are not all limits", o.maxBodyMB, o.maxHeaderKB, o.keepAlive)
	case o.drain < 0:
		return nil, fmt.Errorf("--drain %s is below zero", o.drain)
	case o.host != "" && net.ParseIP(o.host) == nil:
		return nil, fmt.Errorf("--host %q is not an IP address", o.host)
	}
	return o, nil
}

func parseRun(args []string, usage io.Writer) (*runOptions, error) {
	o := &runOptions{}
	f := newFlags("run", usage)
	o.flags(f)
	f.StringVar(&o.command, "command", "", "the line of `shell` to run")
	if err := parse(f, args); err != nil {
		return nil, err
	}
	if o.command == "" {
		return nil, errors.New("--command is missing")
	}
	return o, o.check()
}

func newFlags(name string, usage io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("fngen-agent "+name, flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() {
		fmt.Fprintf(usage, "usage of %s:\n", f.Name())
		f.PrintDefaults()
	}
	return f
}

// parse reads the flags. The set prints nothing but the help: faults are said
// once, by Run.
func parse(f *flag.FlagSet, args []string) error {
	usage, out := f.Usage, f.Output()
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	err := f.Parse(args)
	f.SetOutput(out)
	if errors.Is(err, flag.ErrHelp) {
		usage()
	}
	if err == nil && f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return err
}
