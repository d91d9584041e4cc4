package dependencies

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

// TestSDKVersion holds that the package has the version that it is said to have.
func TestSDKVersion(t *testing.T) {
	for file, form := range map[string]string{
		"pyproject.toml":        `(?m)^version = "(.*)"$`,
		"src/fngen/__init__.py": `(?m)^__version__ = "(.*)"$`,
		"uv.lock":               `(?m)^name = "fngen"\nversion = "(.*)"$`,
	} {
		text, err := os.ReadFile("../../../sdk/python/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(form).FindSubmatch(text); m == nil || string(m[1]) != ir.SDKVersion {
			t.Errorf("%s does not say %s", file, ir.SDKVersion)
		}
	}
}

func TestFits(t *testing.T) {
	for specifiers, want := range map[string]bool{
		"": true, "==1.0.0": true, "==1.0": true, "==1": true, "==1.*": true, "==1.0.*": true, "==01.0.0": true,
		"==0.9.20": false, "==1.0.1": false, "==1.1.*": false, "==1.0.0.0": true, "==1.0.0.1": false, "==1.0.0.*": true,
		">=0.9": true, ">=1.0.1": false, ">0.9,<1": false, ">0.9, < 2": true, "<1.0.0": false, "<=1.0.0": true, ">1.0.0": false, "!=1.0.0": false,
		"!=1.*": false, "!=0.9.20": true, "~=1.0": true, "~=0.9.20": false, "~=0.9": false, "~=1.0.1": false, "~=1.0.0": true,
		"===1.0.0": true, "===0.9.20": false, "==0.9.20rc1": false, ">=99999999999999999999": false, ">= 0.9": true,
	} {
		if got := fits("1.0.0", strings.FieldsFunc(specifiers, func(c rune) bool { return c == ',' })); got != want {
			t.Errorf("%q: %v", specifiers, got)
		}
	}
}

// TestSetupReads holds which changes of the code install the requirements of a
// setup.cfg or setup.py again: those that may change them.
func TestSetupReads(t *testing.T) {
	const plain = "[metadata]\nname = shop\n\n[options]\npackages = find:\ninstall_requires =\n    flask>=3\n\n    requests; python_version < '3.12'\n[options.extras_require]\nx = file: y.txt\n"
	digest := func(files map[string]string, code string) string {
		tree := source.Tree{FS: fstest.MapFS{"app.py": {Data: []byte(code)}}}
		tree.Files = []source.File{{Path: "app.py", SHA256: code}}
		for name, text := range files {
			tree.FS.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(text)}
			tree.Files = append(tree.Files, source.File{Path: name, SHA256: text})
		}
		tree.Sort()
		project, _ := LoadPyproject(tree)
		r, diags := ReadRequirements(tree, project, "3.11")
		if diags.HasErrors() || len(r.Files) != 1 || !r.Partial {
			t.Fatalf("%v %+v", diags, r)
		}
		return r.LocalDigest
	}
	for name, c := range map[string]struct {
		files map[string]string
		any   bool
	}{
		"a list":              {map[string]string{"setup.cfg": plain}, false},
		"with Windows' lines": {map[string]string{"setup.cfg": "[options]\r\ninstall_requires =\r\n  flask\r\n"}, false},
		"in one line":         {map[string]string{"setup.cfg": "[options]\ninstall_requires = flask\n"}, false},
		"beside a setup.py":   {map[string]string{"setup.cfg": plain, "setup.py": "from setuptools import setup\nsetup()\n"}, true},
		"from a file":         {map[string]string{"setup.cfg": "[options]\ninstall_requires = file: needs.in\n"}, true},
		"from a value":        {map[string]string{"setup.cfg": "[options]\ninstall_requires = %(all)s\n"}, true},
		"twice":               {map[string]string{"setup.cfg": "[options]\ninstall_requires = flask\n[x]\ninstall_requires = file: y\n"}, true},
		"setup.py":            {map[string]string{"setup.py": "from setuptools import setup\nsetup(install_requires=['flask'])\n"}, true},
	} {
		if again := digest(c.files, "one") != digest(c.files, "two"); again != c.any {
			t.Errorf("%s: installed again after a change of the code: %v", name, again)
		}
		before := digest(c.files, "one")
		for file := range c.files {
			c.files[file] += "\n# changed"
			break
		}
		if digest(c.files, "one") == before && len(c.files) == 1 {
			t.Errorf("%s: not installed again after a change of the file", name)
		}
	}
}
