package local

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

// missingFiles are what a tree lacks, and a note on what cannot be made for it.
func missingFiles(s *source.Scanned, project string, o compiler.Outline) (files []newFile, note string) {
	function, framework := "", ""
	switch {
	case o.Powers > 0:
	case o.App != nil:
		file, ok := powerFile(s, *o.App)
		if !ok {
			note = fmt.Sprintf("%s:%d has a %s app, but that file cannot be imported: mark a function in it, as `fngen compile` shows", o.App.Place.File, o.App.Place.Line, o.App.Framework)
			break
		}
		files, function, framework = append(files, file), file.Path, o.App.Framework
	case o.Broken:
		note = "some files have faults, so that an app or a Power in them was not seen: fngen compile shows them"
	case !hasPython(s):
		files, function, framework = append(files, newFile{"app.py", firstApp}), "app.py", "fastapi"
	default:
		note = "no web app was found: mark a function with a Power, such as @task_worker() from fngen.powers"
	}
	if !met(s, "fngen.yml") && !met(s, "fngen.yaml") {
		files = append(files, newFile{"fngen.yml", configText(project, function, framework)})
	}
	if !met(s, ".fnignore") {
		files = append(files, newFile{".fnignore", ignoreText})
	}
	return files, note
}

// met reports whether a path is taken, by whatever it may be.
func met(s *source.Scanned, name string) bool {
	_, err := os.Lstat(filepath.Join(s.Root, filepath.FromSlash(name)))
	return err == nil
}

func hasPython(s *source.Scanned) bool {
	for _, f := range s.Files {
		if strings.HasSuffix(f.Path, ".py") {
			return true
		}
	}
	return false
}

// powerFile is a file that returns an app of another file. It lies where that file's
// module is imported from: the root, or src.
func powerFile(s *source.Scanned, app discover.App) (newFile, bool) {
	dir, below := "", app.Place.File
	if rest, ok := strings.CutPrefix(below, "src/"); ok && !met(s, "src/__init__.py") {
		dir, below = "src", rest
	}
	module := strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(below, ".py"), "/__init__"), "/", ".")
	if !ir.ValidModule(module) || module == "__init__" {
		return newFile{}, false
	}
	name := path.Join(dir, "fngen_app.py")
	for n := 2; met(s, name); n++ {
		name = path.Join(dir, fmt.Sprintf("fngen_app_%d.py", n))
	}
	bound, taken := app.Name, app.Name
	if app.Name == "webapp" || app.Name == "live_app" {
		bound, taken = app.Name+" as app", "app"
	}
	if app.Call {
		taken += "()"
	}
	return newFile{name, fmt.Sprintf(powerText, app.Place.File, module, bound, app.Framework, taken)}, true
}

const powerText = `"""What fngen puts online: the app of %s."""

from fngen.powers import webapp

from %s import %s


@webapp(framework="%s")
def live_app():
    return %s
`

const firstApp = `"""A first app. Try it: fngen dev"""

from fastapi import FastAPI
from fngen.powers import webapp

app = FastAPI()


@app.get("/")
def index():
    return {"hello": "world"}


@webapp(framework="fastapi")
def live_app():
    return app
`

// configText is fngen.yml. Only a platform knows its regions, so the servers are
// left to its default, and shown.
func configText(project, function, framework string) string {
	var b strings.Builder
	b.WriteString("# How fngen runs this project. What is not here has a default.\n")
	if framework != "" {
		fmt.Fprintf(&b, "# Its web app (%s) is the function with @webapp in %s.\n", framework, function)
	}
	if project == "" {
		b.WriteString("# project: my-website     # no name could be made of the directory's\n")
	} else {
		fmt.Fprintf(&b, "project: %s\n", yamlName(project))
	}
	b.WriteString("# python: \"3.12\"          # else .python-version, requires-python, the platform's\n")
	b.WriteString("# servers:                # else one of size s in the platform's first region\n")
	b.WriteString("#   - {name: web, size: s, region: us-west, count: 2}\n")
	return b.String()
}

// yamlName writes a project's name such that YAML reads it as text.
func yamlName(name string) string {
	switch name {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return `"` + name + `"`
	}
	return name
}

const ignoreText = `# What stays here, beside what git ignores. The rules are those of .gitignore;
# "fngen files --why" says what ships, and by which rule.
.env
.env.*
!.env.example
.venv/
venv/
node_modules/
.pytest_cache/
.mypy_cache/
.ruff_cache/
.coverage
htmlcov/
*.sqlite3
`
