package dependencies

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

// Order are the files that may say what is to be installed: the first that is there
// is read. What was written for an installer goes before what a tool keeps for
// itself, a lock before what it was made from, and a lock that says what it was made
// from before pylock.toml, which does not.
var Order = []string{"requirements.txt", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "pyproject.toml", "Pipfile", "setup.cfg", "setup.py"}

// relock is the command that writes each lock file anew.
var relock = map[string]string{
	"uv.lock": "uv lock", "poetry.lock": poetryRelock, "pdm.lock": pdmRelock, "Pipfile.lock": pipenvRelock, "pylock.toml": "uv export -o pylock.toml",
}

// HowToInstall is what a person runs to install as a build does from the file.
func HowToInstall(file string) string {
	switch file {
	case "uv.lock":
		return "uv sync --frozen --no-dev"
	case "poetry.lock":
		return "poetry sync --only main --no-root"
	case "pdm.lock":
		return "pdm sync --prod --no-self"
	case "Pipfile.lock":
		return "pipenv sync"
	case "pylock.toml":
		return "uv pip sync pylock.toml"
	case "Pipfile":
		return "pipenv install"
	}
	return strings.TrimSpace("uv pip install -r " + file)
}

// HowToAdd is the command that adds a package to the file, or empty where a person
// writes it.
func HowToAdd(file string) string {
	switch file {
	case "uv.lock":
		return "uv add"
	case "poetry.lock":
		return "poetry add"
	case "pdm.lock":
		return "pdm add"
	case "Pipfile.lock", "Pipfile":
		return "pipenv install"
	}
	return ""
}

// choose finds the file of Order that is read.
func (p *Pyproject) choose(tree source.Tree) string {
	for _, name := range Order {
		if document.In(tree, name) && p.says(tree, name) {
			return name
		}
	}
	return ""
}

// says reports whether the file, which is there, is one that says what to install.
func (p *Pyproject) says(tree source.Tree, name string) bool {
	switch name {
	case "uv.lock":
		// A lock that was left behind when a project went over to Poetry.
		return p.table.Get("project") != nil || p.poetryTable() == nil || !document.In(tree, "poetry.lock")
	case "pyproject.toml":
		tool, _ := p.foreign()
		return p.table == nil || p.table.Get("project", "dependencies") != nil || p.dynamic() || p.poetryTable() != nil || tool != ""
	case "setup.cfg", "setup.py":
		data, err := fs.ReadFile(tree.FS, name)
		return err == nil && bytes.Contains(data, []byte("install_requires"))
	}
	return true
}

// unreadBeside are the files that would have been read without the one that is.
// What a lock was made from goes with it, and packages have a setup.py for others.
func (p *Pyproject) unreadBeside(tree source.Tree) []string {
	i := slices.Index(Order, p.from)
	if i < 0 {
		return nil
	}
	var out []string
	for _, name := range Order[i+1:] {
		manifest := name == "pyproject.toml" && slices.Contains([]string{"uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"}, p.from) || name == "Pipfile" && p.from == "Pipfile.lock"
		if !manifest && !strings.HasPrefix(name, "setup.") && document.In(tree, name) && p.says(tree, name) {
			out = append(out, name)
		}
	}
	return out
}

// loadLock reads the lock file that is to be read, and holds that what it belongs
// to is there.
func (p *Pyproject) loadLock(tree source.Tree, diags *diag.List) {
	if !strings.Contains(p.from, "lock") {
		return
	}
	load := loadTOML
	if p.from == "Pipfile.lock" {
		load = loadJSON
	}
	lock := load(tree, p.from, maxLock, diags)
	orphan := p.from == "uv.lock" || p.from == "poetry.lock" || p.from == "pdm.lock"
	switch {
	case lock == nil:
	case orphan && !document.In(tree, "pyproject.toml"):
		diags.Add(diag.Diagnostic{Code: "FN1125", File: p.from, Message: p.from + " ships without the pyproject.toml that it belongs to",
			Help: "put pyproject.toml beside it; `fngen files --explain pyproject.toml` says why one does not ship"})
	case orphan && p.table != nil && p.table.Get("project") == nil && (p.from != "poetry.lock" || p.table.Get("tool", "poetry") == nil):
		diags.Add(diag.Diagnostic{Code: "FN1125", File: "pyproject.toml", Message: "pyproject.toml has no [project], so " + p.from + " says nothing about this code",
			Help: "push the directory of one member of the workspace, or list what the code needs in a requirements.txt"})
	default:
		p.lock = lock
	}
}

func loadJSON(tree source.Tree, name string, limit int, diags *diag.List) *document.Value {
	data, ok := document.Read(tree, name, diags)
	if !ok {
		return nil
	}
	if len(data) > limit {
		diags.Add(diag.Diagnostic{Code: "FN1120", File: name, Message: fmt.Sprintf("the file is larger than %d KiB", limit>>10), Help: "keep data in a file of its own"})
		return nil
	}
	root, err := document.JSON(name, data)
	if err == nil {
		return root
	}
	diags.Add(diag.Diagnostic{Code: "FN1120", File: name, Line: err.Place.Line, Column: err.Place.Column, Width: err.Place.Width,
		Message: "the file is not JSON: " + err.Msg, Help: "run `" + relock[name] + "` to write it anew"})
	return nil
}
