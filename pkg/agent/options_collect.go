package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/instance"
)

// collectOptions are the static files to collect by one module of settings.
type collectOptions struct {
	instance.Function
	key, settings string
	// workers are the functions, FILE:NAME, whose schemas are to be written, in place of
	// static files.
	workers []string
	// placeholders are variables that get a value for the occasion.
	placeholders []string
}

// fetchOptions are static files to bring to the node.
type fetchOptions struct {
	cache.Target
	keys []string
}

func parseCollect(args []string, usage io.Writer) (*collectOptions, error) {
	o := &collectOptions{}
	f := console.NewFlags("collect", usage)
	o.Flags(f)
	f.StringVar(&o.key, "static", "", "the `key` to store them under")
	f.StringVar(&o.settings, "settings", "", "the `module` of Django's settings")
	f.Func("worker", "a `function`, FILE:NAME, whose schema is to be written in place of static files; may be given again", func(s string) error {
		file, name, _ := strings.Cut(s, ":")
		if !fs.ValidPath(file) || name == "" {
			return errors.New("not FILE:NAME")
		}
		o.workers = append(o.workers, s)
		return nil
	})
	f.Func("placeholder", "a `variable` that gets a random value when it has none; may be given again", func(s string) error {
		if s == "" || strings.ContainsAny(s, "=\x00") {
			return errors.New("not the name of a variable")
		}
		o.placeholders = append(o.placeholders, s)
		return nil
	})
	if err := console.Parse(f, args); err != nil {
		return nil, err
	}
	switch {
	case (o.settings == "") == (len(o.workers) == 0):
		return nil, errors.New("one of --settings and --worker is wanted")
	case !cache.LayerKey.MatchString(o.key):
		return nil, fmt.Errorf("--static %q is not a key of static files", o.key)
	}
	return o, o.Check()
}

func parseFetch(args []string, usage io.Writer) (*fetchOptions, error) {
	o := &fetchOptions{}
	f := console.NewFlags("fetch", usage)
	o.Flags(f)
	f.Func("static", "a `key` of static files; may be given again", func(s string) error {
		if !cache.LayerKey.MatchString(s) {
			return errors.New("not a key of static files")
		}
		o.keys = append(o.keys, s)
		return nil
	})
	if err := console.Parse(f, args); err != nil {
		return nil, err
	}
	if len(o.keys) == 0 {
		return nil, errors.New("--static is missing")
	}
	return o, o.Check()
}
