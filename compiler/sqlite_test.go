//go:build unix

package compiler_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// A SQLite file that lies in the tree is told of; one that lies elsewhere, is in
// memory, or of which reading cannot tell, is not.
func TestSQLite(t *testing.T) {
	const head = "import os, tempfile\nfrom pathlib import Path\nbasedir = os.path.abspath(os.path.dirname(__file__))\nDATA = '/data'\nDB = 'app.db'\n"
	for code, warns := range map[string]bool{
		"e = create_engine('sqlite:///app.db')\n":                                          true,
		"e = create_engine('sqlite:///./data/app.db')\n":                                   true,
		"e = create_async_engine(\"sqlite+aiosqlite:///app.db\")\n":                        true,
		"e = create_engine('sqlite:///file:app.db?uri=true')\n":                            true,
		"e = create_engine('sqlite:////data/app.db')\n":                                    false,
		"e = create_engine('sqlite:///')\n":                                                false,
		"e = create_engine('sqlite://')\n":                                                 false,
		"e = create_engine('sqlite:///:memory:')\n":                                        false,
		"e = create_engine('sqlite:///file::memory:?uri=true')\n":                          false,
		"e = create_engine('sqlite:///file:x?mode=memory&uri=true')\n":                     false,
		"e = create_engine('postgresql:///app')\n":                                         false,
		"URI = 'sqlite:///' + os.path.join(basedir, 'app.db')\n":                           true,
		"URI = 'sqlite:///' + DB\n":                                                        true,
		"URI = 'sqlite:///' + str(Path(__file__).parent / 'app.db')\n":                     true,
		"URI = 'sqlite:///' + os.path.join(DATA, 'app.db')\n":                              false,
		"URI = 'sqlite:///' + os.path.join('/var', 'app.db')\n":                            false,
		"URI = 'sqlite:///' + os.path.join(tempfile.gettempdir(), 'app.db')\n":             false,
		"URI = 'sqlite:///' + unknown\n":                                                   false,
		"URI = 'sqlite:///' + os.environ['FILE']\n":                                        false,
		"URI = f'sqlite:///{basedir}/app.db'\n":                                            true,
		"URI = f'sqlite:///{os.path.join(basedir, \"app.db\")}'\n":                         true,
		"URI = f'sqlite:///{DATA}/app.db'\n":                                               false,
		"URI = f'sqlite:///{unknown}'\n":                                                   false,
		"URI = f'sqlite:////{DATA}/app.db'\n":                                              false,
		"URI = os.environ.get('DATABASE_URL', 'sqlite:///app.db')\n":                       true,
		"class Config:\n    SQLALCHEMY_DATABASE_URI = 'sqlite:///app.db'\n":                true,
		"def engine(url='sqlite:///app.db'):\n    return create_engine(url)\n":             true,
		"if __name__ == '__main__':\n    e = create_engine('sqlite:///app.db')\n":          false,
		"'''sqlite:///app.db is the default'''\n":                                          false,
		"# create_engine('sqlite:///app.db')\n":                                            false,
		"print('usage: sqlite:///app.db')\n":                                               false,
		"DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x'}}\n": false, // no Django app
		"e = create_engine('sqlite:///" + strings.Repeat("x", 300) + "')\n":                true,
		"e = create_engine(f'sqlite:///{')\n":                                              false,
		"e = create_engine(f'sqlite:///{}')\n":                                             false,
		"e = ['sqlite:///' + ]\n":                                                          false,
		"e = 'sqlite:///' +\n":                                                             false,
	} {
		diags := djangoDiagnostics(fstest.MapFS{
			"app.py": {Data: []byte(head + code + "from fngen.powers import webapp\n@webapp('flask')\ndef f():\n    return app\n")},
		})
		if got := strings.Count(diags, "FN1331"); got != map[bool]int{true: 1}[warns] {
			t.Errorf("%d warnings, want %v\n%s%s", got, warns, code, diags)
		}
	}
}

// Of Django's settings those are judged that the function uses, however they are
// put together.
func TestSQLiteOfDjango(t *testing.T) {
	const base = "from pathlib import Path\nBASE_DIR = Path(__file__).parent.parent\n"
	lite := func(name string) string {
		return "DATABASES = {'default': {'NAME': " + name + ", 'ENGINE': 'django.db.backends.sqlite3', 'OPTIONS': {'timeout': 20}}}\n"
	}
	for settings, warns := range map[string]bool{
		base + lite("BASE_DIR / 'db.sqlite3'"):              true,
		base + lite("str(BASE_DIR / 'db.sqlite3')"):         true,
		base + lite("os.path.join(BASE_DIR, 'db.sqlite3')"): true,
		base + lite("BASE_DIR.joinpath('db.sqlite3')"):      true,
		lite("'db.sqlite3'"):                                true,
		lite("':memory:'"):                                  false,
		lite("'/data/db.sqlite3'"):                          false,
		lite("os.environ['DB_FILE']"):                       false,
		lite("os.environ.get('DB_FILE', 'db.sqlite3')"):     false,
		lite("tempfile.gettempdir() + '/db.sqlite3'"):       false,
		lite("''"):                      false,
		"from .base import *\n":         true,
		"from .base import DATABASES\n": true,
		"from .base import *\n" + lite("'/data/db.sqlite3'"):                                false,
		"from .other import *\n":                                                            false,
		"DATABASES = {'default': {'ENGINE': 'django.db.backends.dummy'}}":                   false,
		"DATABASES = {'default': dj_database_url.config(default='sqlite:///db.sqlite3')}\n": true,
		"DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n":               false,
		"DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', **MORE}}\n":       false,
		"LITE = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x'}\n":                    false,
	} {
		diags := djangoDiagnostics(fstest.MapFS{
			"mysite/settings.py": {Data: []byte("import os, tempfile\n" + djangoMiddleware + "ALLOWED_HOSTS = ['*']\n" + settings)},
			"mysite/base.py":     {Data: []byte(base + lite("BASE_DIR / 'db.sqlite3'"))},
			"mysite/other.py":    {Data: []byte("x = 1\n")},
			"mysite/dev.py":      {Data: []byte(lite("'dev.sqlite3'"))},
			"mysite/wsgi.py":     {Data: []byte("import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'\n")},
			"app.py":             {Data: []byte("from fngen.powers import webapp\n@webapp('django')\ndef f(): return app\n@webapp('django')\ndef g(): return app\n")},
		})
		if got := strings.Count(diags, "FN1331"); got != map[bool]int{true: 1}[warns] {
			t.Errorf("%d warnings, want %v\n%s%s", got, warns, settings, diags)
		}
	}
}
