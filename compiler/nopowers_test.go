//go:build unix

package compiler_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/source"
)

// Trees with an app and no Power, by what is peculiar to them; the file that the
// help names comes first.
var unmarked = map[string][]string{
	"flask":            {"app.py", "from flask import Flask\n\napp = Flask(__name__)\n\nif __name__ == '__main__':\n    app.run()\n"},
	"annotated":        {"main.py", "import fastapi\n\nserver: fastapi.FastAPI = fastapi.FastAPI(title='x')\n"},
	"no line end":      {"main.py", "from fastapi import FastAPI\napp = FastAPI()"},
	"future":           {"main.py", "'''Doc.'''\nfrom __future__ import annotations\nfrom fastapi import FastAPI\napp = FastAPI()\n"},
	"imported":         {"main.py", "from fastapi import FastAPI\nfrom fngen.powers import webapp as web\napp = FastAPI()\n"},
	"module imported":  {"main.py", "from fastapi import FastAPI\nimport fngen.powers as p\napp = FastAPI()\n"},
	"package imported": {"main.py", "from fastapi import FastAPI\nimport fngen\napp = FastAPI()\n"},
	"webapp is taken":  {"main.py", "from flask import Flask\nwebapp = Flask(__name__)\n"},
	"live_app a name":  {"main.py", "from flask import Flask\nlive_app = Flask(__name__)\n"},
	"live_app a def":   {"main.py", "from flask import Flask\n\ndef live_app(): pass\nclass live_app_2: pass\n\napp = Flask(__name__)\n"},
	"factory":          {"app/__init__.py", "import flask\n\ndef create_app(config=None):\n    app = flask.Flask(__name__)\n    if config:\n        return None\n    return app\n"},
	"factory at once":  {"main.py", "from fastapi import FastAPI\n\ndef make() -> FastAPI:\n    'Make it.'\n    return FastAPI()\n"},
	"factory used":     {"main.py", "from flask import Flask\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n\nserver = create_app()\n"},
	"asgi": {"mysite/asgi.py", "import os\nfrom django.core.asgi import get_asgi_application\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\napplication = get_asgi_application()\n",
		"mysite/wsgi.py", "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n", "mysite/settings.py", "ALLOWED_HOSTS = ['*']\n"},
	"not the tests'": {"web/main.py", "from flask import Flask\napp = Flask(__name__)\n", "tests/conftest.py", "from flask import Flask\n\ndef app():\n    return Flask(__name__)\n",
		"examples/e.py", "from flask import Flask\napp = Flask(__name__)\n"},
	"starlette":           {"main.py", "from starlette.applications import Starlette\n\napp = Starlette(debug=True, routes=[])\n"},
	"litestar":            {"main.py", "from litestar import Litestar, get\n\napp = Litestar([])\n"},
	"fasthtml":            {"main.py", "from fasthtml.common import *\n\napp, rt = fast_app()\n\n@rt('/')\ndef get(): pass\n"},
	"fasthtml of a class": {"main.py", "from fasthtml.common import FastHTML, serve\n\napp = FastHTML()\n"},
	"quart":               {"main.py", "from quart import Quart\n\napp = Quart(__name__)\n"},
	"falcon":              {"main.py", "import falcon\n\napplication = falcon.App()\n"},
	"falcon async":        {"main.py", "import falcon.asgi\n\napp = falcon.asgi.App()\n"},
	"falcon by name":      {"main.py", "from falcon.asgi import App as Falcon\n\ndef create_app():\n    app = Falcon()\n    return app\n"},
	"bottle":              {"main.py", "from bottle import Bottle\n\napp = Bottle()\n"},
	"bottle's default":    {"main.py", "import bottle\n\napp = bottle.default_app()\n"},
	"bare WSGI":           {"main.py", "def application(environ, start_response):\n    start_response('200 OK', [])\n    return []\n"},
	"bare ASGI":           {"main.py", "async def app(scope, receive, send, more=None):\n    pass\n"},
	"a framework first":   {"z.py", "from bottle import Bottle\nsite = Bottle()\n", "a.py", "def hook(environ, start_response):\n    pass\n"},
	"not another's App":   {"z.py", "from falcon import App\nsite = App()\n", "a.py", "import flask\nfrom textual.app import App\nsite = App()\nfirst, second = flask.Flask(__name__), 2\n"},
	"needs arguments":     {"web/late.py", "from flask import Flask\napp = Flask(__name__)\n", "a.py", "from flask import Flask\ndef create_app(config):\n    return Flask(__name__)\nasync def other():\n    return Flask(__name__)\n"},
}

// run calls the marked function with stand-ins for the frameworks.
const run = `
import sys, types
class Framework:
    def __init__(self, *a, **k): pass
    def run(self): pass
def module(name, **names):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(names)
module("flask", Flask=Framework)
module("starlette"); module("starlette.applications", Starlette=Framework)
module("litestar", Litestar=Framework, get=Framework)
module("fasthtml")
module("fasthtml.common", FastHTML=Framework, serve=Framework, fast_app=lambda: (Framework(), lambda path: lambda f: f))
module("quart", Quart=Framework)
module("falcon", App=Framework)
module("falcon.asgi", App=Framework); sys.modules["falcon"].asgi = sys.modules["falcon.asgi"]
module("bottle", Bottle=Framework, default_app=Framework)
module("fastapi", FastAPI=Framework)
module("django"); module("django.core")
module("django.core.asgi", get_asgi_application=Framework)
module("django.core.wsgi", get_wsgi_application=Framework)
names = {"__name__": "app"}
with open(sys.argv[1]) as f:
    exec(compile(f.read(), sys.argv[1], "exec"), names)
function = names[sys.argv[2]]
assert function.__fngen__.power == "webapp"
app = function()
assert type(app) is Framework or app in (names.get("application"), names.get("app")), app
`

// TestNoPowersHelp does what the help says, to the letter, and compiles again.
func TestNoPowersHelp(t *testing.T) {
	for name, files := range unmarked {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for i := 0; i < len(files); i += 2 {
				tree[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
			}
			file, lines := helpOf(t, tree)
			if file != files[0] {
				t.Fatalf("the help names %s, not %s", file, files[0])
			}
			data := tree[file].Data
			if !bytes.HasSuffix(data, []byte("\n")) {
				data = append(data, '\n')
			}
			tree[file].Data = append(data, "\n"+lines+"\n"...)
			project, diags := compiler.Compile(context.Background(), compiler.Input{Tree: treeOf(tree)})
			if len(diags) > 0 || len(project.Functions) != 1 || project.Functions[0].File != file {
				t.Fatalf("%v\n%s", diags, tree[file].Data)
			}
			runMarked(t, tree[file].Data, project.Functions[0].Name)
		})
	}
}

func treeOf(files fstest.MapFS) source.Tree {
	tree := source.Tree{FS: files}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		tree.Files = append(tree.Files, source.File{Path: name})
	}
	return tree
}

// helpOf is the file that the help of FN1319 names and the lines to add to it.
func helpOf(t *testing.T, tree fstest.MapFS) (string, string) {
	t.Helper()
	_, diags := compiler.Compile(context.Background(), compiler.Input{Tree: treeOf(tree)})
	if len(diags) != 1 || diags[0].Code != "FN1319" {
		t.Fatalf("got %v", diags)
	}
	rest, ok := strings.CutPrefix(diags[0].Help, "add at the end of ")
	file, lines, found := strings.Cut(rest, ":\n\n")
	if !ok || !found {
		t.Fatalf("no lines to add: %s", diags[0].Help)
	}
	return file, lines
}

func runMarked(t *testing.T, src []byte, function string) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Log("no python3 on this machine: the lines are compiled and not run")
		return
	}
	file := filepath.Join(t.TempDir(), "app.py")
	if err := os.WriteFile(file, src, 0o644); err != nil {
		t.Fatal(err)
	}
	sdk, err := filepath.Abs("../sdk/python/src")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", run, file, function)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+sdk)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, src)
	}
}
