package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

// mark is found in a job again, whatever stands around it.
const mark = "zq7"

// hostile are strings with a meaning in some language below, or that such a
// language changes.
var hostile = []string{
	mark + "${env.NOMAD_TOKEN}", mark + "$${x}", "%{if true}" + mark, mark + "%%{x}", "{{ key `" + mark + "` }}", mark + "{{x}}",
	mark + "`) || Host(`b", mark + "\") || Host(\"b", mark + "'b", mark + "\\", mark + "\nb", mark + "\rb", mark + "\tb", mark + "\x00", mark + "\x1b[2J", mark + "\x7f", mark + "\u0085",
	mark + "\u2028", mark + "\u202eb", mark + "\ufeff", mark + "e\u0301", mark + "\xff", mark + "\xed\xa0\x80", mark + "\U0001f642", mark + "é", "<script>" + mark, "**" + mark + "**", "[" + mark + "](http://x)",
	mark + "$", mark + "%", mark + "{", mark + "$(id)", mark + ";id", mark + "=b", mark + ".b", mark + ",b", mark + " b", mark + "#b", mark + "/*", mark + "*", mark + "|b", mark + "&b", mark + ":b", mark + "@b",
	"-" + mark, "--" + mark, "../" + mark, "/" + mark, "<<EOT\n" + mark + "\nEOT", strings.Repeat(mark, 100), strings.Repeat(mark, 100_000),
}

// allowed are the places of a job where a string that a person chose may stand
// when it is not one of ir's names, each with the reason that it is only text
// there. Nothing that ir.Hazard knows gets as far.
var allowed = map[string]string{
	".TaskGroups[].Services[].Checks[].Path": "the path of a request; letters that need no escape anywhere",
	".Datacenters[]":                         "a region that the platform has, so an operator's name; no letter of a pattern",
	".TaskGroups[].Constraints[].RTarget":    "the same region, compared as it stands",
	".UI.Description":                        "a path in Markdown code; only a backtick ends it, and the Nomad UI takes HTML out",
	".TaskGroups[].Tasks[].Config[args][]":   "one argument of an exec, with no shell; Nomad interpolates only ${. A release command meets a shell, as its own person",
}

// meant are the openings that Nomad, consul-template, Traefik and Markdown act on,
// control characters, and accents that HCL would compose with their letters.
var meant = regexp.MustCompile("\\$\\{|%\\{|\\{\\{|`|[\\x00-\\x1f\\x7f-\\x{9f}]|\\x{301}")

// TestHostileStrings puts hostile text into each string of the resolved project,
// those of fields that are added later too. Either it is refused, or it stands in
// a job only where it is text.
func TestHostileStrings(t *testing.T) {
	var fields []string
	walk(reflect.ValueOf(filled()), "", func(path string, v reflect.Value) {
		if v.Kind() == reflect.String {
			fields = append(fields, path)
		}
	})
	if len(fields) < 25 {
		t.Fatalf("found only the fields %q", fields)
	}
	reached := map[string]bool{}
	for _, field := range fields {
		for _, s := range hostile {
			p := filled()
			walk(reflect.ValueOf(p), "", func(path string, v reflect.Value) {
				if path == field {
					v.SetString(s)
				}
			})
			lowered, _ := Lower(p, release, DefaultCluster())
			if build, err := Build(p, release, DefaultCluster()); err == nil {
				lowered = append(lowered, build)
			}
			if commands, err := Commands(p, release, DefaultCluster()); err == nil {
				lowered = append(lowered, jobsOf(commands)...)
			}
			if statics, err := Statics(p, release, DefaultCluster()); err == nil {
				lowered = append(lowered, staticJobs(statics)...)
			}
			checkLowered(t, field, s, lowered, reached)
		}
	}
	for path := range allowed {
		if !reached[path] {
			t.Errorf("%s is allowed, and nothing gets there", path)
		}
	}
}

func jobsOf(commands []Command) []*nomad.Job {
	var out []*nomad.Job
	for _, c := range commands {
		out = append(out, c.Job)
	}
	return out
}

func staticJobs(statics []Static) []*nomad.Job {
	var out []*nomad.Job
	for _, s := range statics {
		out = append(out, s.Job)
	}
	return out
}

// filled is hello with something in every list and behind every pointer, so that
// a field that is added to ir is met without a change here.
func filled() *ir.Project {
	p := hello()
	fill(reflect.ValueOf(p).Elem())
	return p
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map, reflect.Interface:
		panic("ir has a " + v.Kind().String() + ", which is not plain data in an order")
	}
}

// checkLowered looks for s in jobs; reached gets the places where it is.
func checkLowered(t *testing.T, where, s string, lowered []*nomad.Job, reached map[string]bool) {
	t.Helper()
	for _, job := range lowered {
		text := false
		walk(reflect.ValueOf(job), "", func(path string, v reflect.Value) {
			if v.Kind() != reflect.String || !strings.Contains(v.String(), mark) {
				return
			}
			place := indices.ReplaceAllString(path, "[]")
			reached[place], text = true, true
			if allowed[place] == "" || meant.MatchString(s) || !utf8.ValidString(s) || !strings.Contains(v.String(), s) {
				t.Errorf("%s = %.60q reached %s of job %s as %.100q", where, s, path, *job.ID, v)
			}
		})
		if text {
			checkHCL(t, job)
		}
	}
}

var indices = regexp.MustCompile(`\[\d+\]`)

// walk visits every string and every length of time below v, by its path, such as
// ".Servers[0].Name".
func walk(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), path, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				walk(v.Field(i), path+"."+f.Name, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			walk(v.MapIndex(k), path+"["+k.String()+"]", visit)
		}
	case reflect.String:
		visit(path, v)
	case reflect.Int64:
		if v.Type() == reflect.TypeFor[time.Duration]() {
			visit(path, v)
		}
	}
}

// trees puts a hostile string into a tree, in each place where a person writes
// one.
var trees = map[string]func(s string) fstest.MapFS{
	"file":      func(s string) fstest.MapFS { return tree(s+".py", "live_app", "", "", "") },
	"directory": func(s string) fstest.MapFS { return tree(s+"/app.py", "live_app", "", "", "") },
	"function":  func(s string) fstest.MapFS { return tree("app.py", s, "", "", "") },
	"docstring": func(s string) fstest.MapFS { return tree("app.py", "live_app", "", quote(s), "") },
	"health":    func(s string) fstest.MapFS { return tree("app.py", "live_app", ", health="+quote(s), "", "") },
	"health below a slash": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", ", health="+quote("/"+s), "", "")
	},
	"domain": func(s string) fstest.MapFS { return tree("app.py", "live_app", ", domain="+quote(s), "", "") },
	"domain's label": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", ", domain="+quote(s+".example.com"), "", "")
	},
	"release": func(s string) fstest.MapFS { return tree("app.py", "live_app", ", release="+quote(s), "", "") },
	"release in fngen.yml": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", "", "", "functions: {live_app: {release: "+quote(s)+"}}")
	},
	"settings": func(s string) fstest.MapFS {
		return with(tree("app.py", "live_app", ", framework='django'", "", ""), "wsgi.py", "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = "+quote(s)+"\n")
	},
	"secret key": func(s string) fstest.MapFS {
		return with(with(tree("app.py", "live_app", ", framework='django'", "", ""), "wsgi.py", "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\n"),
			"conf.py", "import os\nSTATIC_ROOT = '/x'\nSECRET_KEY = os.environ["+quote(s+"SECRET_KEY")+"]\n")
	},
	"framework":  func(s string) fstest.MapFS { return tree("app.py", "live_app", ", framework="+quote(s), "", "") },
	"compute":    func(s string) fstest.MapFS { return tree("app.py", "live_app", ", compute="+quote(s), "", "") },
	"option":     func(s string) fstest.MapFS { return tree("app.py", "live_app", ", "+s+"=1", "", "") },
	"annotation": func(s string) fstest.MapFS { return tree("app.py", "live_app", "", "(lambda x="+quote(s)+": x)()", "") },
	"project":    func(s string) fstest.MapFS { return tree("app.py", "live_app", "", "", "project: "+quote(s)) },
	"python":     func(s string) fstest.MapFS { return tree("app.py", "live_app", "", "", "python: "+quote(s)) },
	"server": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", "", "", "servers: [{name: "+quote(s)+", size: s, region: us-west}]")
	},
	"size": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", "", "", "servers: [{name: web, size: "+quote(s)+", region: us-west}]")
	},
	"region": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", "", "", "servers: [{name: web, size: s, region: "+quote(s)+"}]")
	},
	"override": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", "", "", "functions: {live_app: {health: "+quote(s)+"}}")
	},
	"timeout": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", "", "", "functions: {work: {timeout: "+quote(s)+"}}")
	},
	"overridden name": func(s string) fstest.MapFS {
		return tree("app.py", "live_app", "", "", "functions: {"+quote(s)+": {health: /}}")
	},
	"requirement": func(s string) fstest.MapFS {
		return with(tree("app.py", "live_app", "", "", ""), "requirements.txt", "flask @ "+s)
	},
	"requirement file": func(s string) fstest.MapFS {
		return with(with(tree("app.py", "live_app", "", "", ""), "requirements.txt", "-r "+s), s, "flask")
	},
}

func tree(file, function, options, body, config string) fstest.MapFS {
	out := with(fstest.MapFS{}, file, "from fngen.powers import webapp, task_worker\n\n"+
		"@webapp('flask'"+options+")\ndef "+function+"(x="+cmp.Or(body, "1")+"):\n    "+cmp.Or(body, "return 1")+"\n")
	out = with(out, "work.py", "from fngen.powers import task_worker\n\n@task_worker\ndef work(x): pass\n")
	if config != "" {
		out = with(out, "fngen.yml", config+"\n")
	}
	return out
}

func with(files fstest.MapFS, name, text string) fstest.MapFS {
	files[name] = &fstest.MapFile{Data: []byte(text)}
	return files
}

// quote writes text as both Python and YAML read it. To them "\xff" is a letter: a
// byte that is none is half a surrogate pair, as Python reads such file names.
func quote(s string) string { return noLetter.ReplaceAllString(strconv.QuoteToASCII(s), `\udc$1`) }

var noLetter = regexp.MustCompile(`\\x([89a-f][0-9a-f])`)

// TestHostileTrees goes the same way from where a person writes. What the
// compiler lets pass must lower: the place of a fault is known only to it.
func TestHostileTrees(t *testing.T) {
	passed := 0
	for where, make := range trees {
		for _, s := range hostile {
			project, list := compiler.Compile(t.Context(), compiler.Input{Tree: treeOf(make(s)), Project: "hello"})
			if project == nil {
				if !list.HasErrors() {
					t.Errorf("%s = %.60q is refused without a word", where, s)
				}
				continue
			}
			passed++
			lowered, err := Lower(project, release, DefaultCluster())
			build, buildErr := Build(project, release, DefaultCluster())
			commands, commandErr := Commands(project, release, DefaultCluster())
			statics, staticErr := Statics(project, release, DefaultCluster())
			if err := errors.Join(err, buildErr, commandErr, staticErr); err != nil {
				t.Errorf("%s = %.60q passes the compiler and does not lower: %v", where, s, err)
				continue
			}
			lowered = append(append(append(lowered, build), jobsOf(commands)...), staticJobs(statics)...)
			checkLowered(t, where, s, lowered, map[string]bool{})
		}
	}
	if passed == 0 {
		t.Error("no tree passed the compiler: the test proves nothing")
	}
}

func treeOf(files fstest.MapFS) source.Tree {
	out := source.Tree{FS: files}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out.Files = append(out.Files, source.File{Path: name})
	}
	return out
}
