package agent

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/instance"
)

// serveOptions is one function to run.
type serveOptions struct {
	instance.Function
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
	instance.Function
	command string
}

func parseServe(args []string, env environ.Vars, usage io.Writer) (*serveOptions, error) {
	o := &serveOptions{}
	f := console.NewFlags("serve", usage)
	o.Flags(f)
	// In a network of its own an allocation has another address than the one at which
	// the router finds it, and a port of its own there.
	f.StringVar(&o.host, "host", cmp.Or(env.Get("NOMAD_ALLOC_IP_http"), env.Get("NOMAD_IP_http")), "the `address` to listen on")
	f.StringVar(&o.port, "port", env.Get("NOMAD_PORT_http"), "the `port` to listen on")
	f.StringVar(&o.Static, "static", "", "the `key` of the static files to serve")
	f.StringVar(&o.framework, "framework", "", "the `name` of the framework that the function's app is to be of")
	f.StringVar(&o.health, "health", "", "the `path` that answers 2xx or 3xx when the function is well; without it, / below 500")
	f.IntVar(&o.processes, "processes", 0, "the `number` of processes that serve")
	f.IntVar(&o.threads, "threads", 0, "the `number` of requests of WSGI that each serves at a time; without it, 16")
	f.IntVar(&o.maxBodyMB, "max-body-mb", 0, "the `size` of the largest body of a request; without it, any")
	f.IntVar(&o.maxHeaderKB, "max-header-kb", 0, "the `size` of the largest head of a request; without it, 64")
	f.IntVar(&o.keepAlive, "keep-alive", 0, "the `seconds` for which a connection may be idle; without it, 120")
	f.DurationVar(&o.drain, "drain", 25*time.Second, "the `time` to finish requests after a stop signal")
	if err := console.Parse(f, args); err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	switch {
	case o.Static != "" && !cache.LayerKey.MatchString(o.Static):
		return nil, fmt.Errorf("--static %q is not a key of static files", o.Static)
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
	f := console.NewFlags("run", usage)
	o.Flags(f)
	f.StringVar(&o.command, "command", "", "the line of `shell` to run")
	if err := console.Parse(f, args); err != nil {
		return nil, err
	}
	if o.command == "" {
		return nil, errors.New("--command is missing")
	}
	return o, o.Check()
}
