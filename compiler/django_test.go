//go:build unix

package compiler_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler"
)

const djangoMiddleware = "MIDDLEWARE = ['django.middleware.common.CommonMiddleware']\n"

// What reading cannot settle, or settles well, is passed over in silence; each
// pair is one word away from the other.
func TestDjangoHosts(t *testing.T) {
	for _, c := range []struct {
		settings string
		warns    bool
	}{
		{"ALLOWED_HOSTS = ['shop.test']\n", true},
		{"ALLOWED_HOSTS = ['shop.fngen.example']\n", false},
		{"ALLOWED_HOSTS = ['SHOP.fngen.EXAMPLE']\n", false},
		{"ALLOWED_HOSTS = ['other.fngen.example']\n", true},
		{"ALLOWED_HOSTS = ['.fngen.example']\n", false},
		{"ALLOWED_HOSTS = ['fngen.example']\n", true},
		{"ALLOWED_HOSTS = ['.shop.fngen.example']\n", false},
		{"ALLOWED_HOSTS = ['.example.com', '*']\n", false},
		{"ALLOWED_HOSTS = ['*.fngen.example']\n", true}, // Django knows no such pattern
		{"ALLOWED_HOSTS = ['']\n", true},
		{"ALLOWED_HOSTS = []\nDEBUG = True\n", true},
		{"DEBUG = True\n", true},
		{"import os\nALLOWED_HOSTS = os.environ['HOSTS'].split(',')\n", false},
		{"import os\nALLOWED_HOSTS = ['shop.test', os.environ['HOST']]\n", false},
		{"ALLOWED_HOSTS = ['shop.test']\nALLOWED_HOSTS += ['x']\n", false},
		{"ALLOWED_HOSTS = ['shop.test']\nALLOWED_HOSTS.append('x')\n", false},
		{"ALLOWED_HOSTS = ['shop.test'] + EXTRA\n", false},
		{"ALLOWED_HOSTS = [*EXTRA]\n", false},
		{"if DEBUG:\n    ALLOWED_HOSTS = ['shop.test']\n", false},
		{"if DEBUG: ALLOWED_HOSTS = ['shop.test']\n", false},
		{"HOSTS = ['shop.test']\nALLOWED_HOSTS = HOSTS\n", true},
		{"ALLOWED_HOSTS = ['shop.test']\nfrom elsewhere import *\n", false},
		{"ALLOWED_HOSTS = ['shop.test']\nfrom mysite.local import *\n", true}, // it is not in the tree
		{"ALLOWED_HOSTS = ['shop.test']\nload(globals())\n", false},
		{"class Production:\n    ALLOWED_HOSTS = ['shop.test']\n", false},
		{"from .hosts import ALLOWED_HOSTS\n", true},
		{"from elsewhere import ALLOWED_HOSTS\n", false},
		{"ALLOWED_HOSTS = 'shop.test'\n", false}, // Django says itself what is wrong
		{"ALLOWED_HOSTS = ['shop.test']\nMIDDLEWARE = []\n", false},
		{"ALLOWED_HOSTS = ['shop.test']\nMIDDLEWARE = make()\n", true},
		{"ALLOWED_HOSTS = [\n", false}, // another fault
	} {
		settings := c.settings
		if !strings.Contains(settings, "MIDDLEWARE") {
			settings = djangoMiddleware + settings
		}
		diags := djangoDiagnostics(fstest.MapFS{
			"mysite/settings.py": {Data: []byte(settings)},
			"mysite/hosts.py":    {Data: []byte("ALLOWED_HOSTS = ('shop.test',)\n")},
			"mysite/wsgi.py":     {Data: []byte("import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'\n")},
			"app.py":             {Data: []byte("from fngen.powers import webapp\n@webapp('django')\ndef f(): return 1\n")},
		})
		if warns := strings.Contains(diags, "FN1330"); warns != c.warns {
			t.Errorf("warns: %v, not %v\n%s%s", warns, c.warns, settings, diags)
		}
	}
}

// Which module has the settings is taken from the function's own file, then from
// the files that Django makes, and nowhere when they disagree.
func TestDjangoSettingsModule(t *testing.T) {
	const good, bad = "ALLOWED_HOSTS = ['*']\n" + djangoMiddleware, "ALLOWED_HOSTS = ['shop.test']\n" + djangoMiddleware
	set := func(module string) string {
		return "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', '" + module + "')\n"
	}
	const power = "from fngen.powers import webapp\n@webapp('django')\ndef f(): return 1\n"
	for _, c := range []struct {
		app, wsgi, asgi, manage string
		warns                   bool
	}{
		{app: set("good"), wsgi: set("bad"), manage: set("bad")},
		{app: set("bad"), wsgi: set("good"), warns: true},
		{wsgi: set("bad"), asgi: set("bad"), manage: set("good"), warns: true},
		{wsgi: set("bad"), asgi: set("good"), manage: set("bad")},
		{manage: set("bad"), warns: true},
		{manage: set("missing")},
		{},
	} {
		tree := fstest.MapFS{}
		for name, text := range map[string]string{
			"good.py": good, "bad.py": bad, "app.py": c.app + power, "s/wsgi.py": c.wsgi, "s/asgi.py": c.asgi, "manage.py": c.manage,
		} {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if diags := djangoDiagnostics(tree); strings.Contains(diags, "FN1330") != c.warns {
			t.Errorf("%+v: %s", c, diags)
		}
	}
}

// Static files are collected where STATIC_ROOT is set or may be: only running the
// settings tells what they make themselves.
func TestDjangoStaticRoot(t *testing.T) {
	for settings, collected := range map[string]bool{
		"STATIC_ROOT = BASE_DIR / 'staticfiles'\n":                        true,
		"STATIC_ROOT = '/srv/static'\n":                                   true,
		"STATIC_ROOT = None\n":                                            false,
		"STATIC_ROOT = ''\n":                                              false,
		"STATIC_URL = 'static/'\n":                                        false,
		"":                                                                false,
		"from .base import *\n":                                           true,
		"from .base import *\nSTATIC_ROOT = None\n":                       false,
		"from .base import STATIC_URL\n":                                  false,
		"from elsewhere import *\n":                                       true,
		"if not DEBUG:\n    STATIC_ROOT = '/srv/static'\n":                true,
		"class Production:\n    STATIC_ROOT = '/srv/static'\n":            true,
		"import os\nSTATIC_ROOT = os.environ.get('STATIC_ROOT')\n":        true,
		"import os\nglobals().update(read('settings.json'))\n":            true,
		"STATIC_ROOT = None\nif LIVE:\n    STATIC_ROOT = '/srv/static'\n": true,
		"# STATIC_ROOT would be named here\nSTATIC_URL = 'static/'\n":     true,
	} {
		tree := fstest.MapFS{
			"mysite/settings.py": {Data: []byte(settings)},
			"mysite/base.py":     {Data: []byte("STATIC_URL = 'static/'\nSTATIC_ROOT = '/srv/static'\n")},
			"mysite/wsgi.py":     {Data: []byte("import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'\n")},
			"app.py":             {Data: []byte("from fngen.powers import webapp\n@webapp('django')\ndef f(): return 1\n@webapp('flask')\ndef g(): return 1\n")},
		}
		project, diags := compiler.Compile(t.Context(), compiler.Input{Tree: treeOf(tree), Project: "shop"})
		if project == nil {
			t.Fatal(diags)
		}
		want := map[bool]string{true: "mysite.settings"}[collected]
		if got := project.Functions[0].WebApp.Static; got != want {
			t.Errorf("static files by %q, want %q:\n%s", got, want, settings)
		}
		if got := project.Functions[1].WebApp.Static; got != "" {
			t.Errorf("a Flask app has the static files of %q", got)
		}
	}
}

func djangoDiagnostics(tree fstest.MapFS) string {
	var out strings.Builder
	_, diags := compiler.Compile(context.Background(), compiler.Input{
		Tree: treeOf(tree), Project: "shop", Target: compiler.Target{Domain: "fngen.example"},
	})
	for _, d := range diags {
		out.WriteString(d.Code + " " + d.Message + "\n")
	}
	return out.String()
}
