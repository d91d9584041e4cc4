package dependencies

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// maxRequirements is far beyond any real file.
const maxRequirements = 1 << 20

// Requirements are what a tree says is to be installed.
type Requirements struct {
	// Files say it: the entry point first, one of Order, then every file that is
	// read with it, in the order met.
	Files []string
	// Unread are other files of Order that are there.
	Unread []string
	// Wanted are the packages of a file that the installer does not read itself,
	// sorted, and Indexes what they come from besides the platform's. Digest
	// identifies both.
	Wanted  []Wanted
	Indexes []string
	Digest  string
	// Git are the requirements that are taken from repositories.
	Git []Git
	// Local are files of the tree that are installed themselves, or that packages
	// are built from; sorted. LocalDigest identifies them with their contents, as far
	// as the manifest has digests; it is empty for none.
	Local       []string
	LocalDigest string
	// Packages are those that are named, in the order met.
	Packages []Package
	// Hashed says that every package has a hash, which the installer then demands.
	Hashed bool
	// Closed says that nothing is installed but Packages.
	Closed bool
	// Partial says that there is more than Packages, which cannot be read here.
	Partial bool
}

// Package is something to install, by its normalised name.
type Package struct {
	Name  string
	Place literal.Place
}

// Locked reports whether a lock file says what to install.
func (r *Requirements) Locked() bool {
	return len(r.Files) > 0 && relock[r.Files[0]] != ""
}

// ReadRequirements reads what is to be installed on CPython of the minor version:
// from the first file of Order that is there, and all that it reads, or nothing.
// Each line is checked as far as safety and a likely slip of the pen go; whether
// the versions exist and fit together is judged by the installer.
func ReadRequirements(tree source.Tree, project *Pyproject, python string) (*Requirements, diag.List) {
	r := &requirements{
		tree: tree, project: project, env: pep.Environment{Minor: python}, out: &Requirements{},
		on: map[string]bool{}, done: map[string]bool{}, local: map[string]bool{}, installed: map[string]bool{}, taken: map[string]int{},
	}
	r.read()
	if len(r.out.Files) == 0 {
		r.unread()
	}
	if len(r.out.Files) > 0 {
		r.out.Unread = project.unreadBeside(tree)
	}
	for path := range r.local {
		r.out.Local = append(r.out.Local, path)
	}
	slices.Sort(r.out.Local)
	r.out.LocalDigest = digestOf(tree, r.local)
	r.out.Partial = r.out.Partial || r.diags.HasErrors()
	return r.out, r.diags
}

// read reads the file that was chosen. A lock that is broken was reported.
func (r *requirements) read() {
	locks := map[string]func(){
		"uv.lock": r.locked, "poetry.lock": r.poetryLock, "pdm.lock": r.pdmLock, "Pipfile.lock": r.pipfileLock, "pylock.toml": r.pylock,
	}
	switch from := r.project.from; {
	case from == "requirements.txt":
		r.file("requirements.txt", false)
		r.hashes()
	case locks[from] != nil:
		if r.project.lock != nil {
			locks[from]()
		}
	case from == "pyproject.toml":
		r.pyproject()
	case from == "Pipfile" && r.project.pipfile != nil:
		r.pipfile()
	case from == "setup.cfg" || from == "setup.py":
		r.setup(from)
	}
}

type requirements struct {
	tree    source.Tree
	project *Pyproject
	out     *Requirements
	// on are the files being read, to see a circle; done were met before. A file
	// of constraints counts as another than the same one of requirements.
	on, done map[string]bool
	// local are the files that are installed; installed are the paths that were
	// named for it.
	local, installed map[string]bool
	// env is where the packages will run, taken the places of what is wanted by name.
	env   pep.Environment
	taken map[string]int
	// members are the directories of a workspace by their package's name.
	members map[string]string
	pins    []hashPin
	diags   diag.List
}

// reqLine is one logical line of a requirement file.
type reqLine struct {
	file string
	line int
	text string
}

func (l reqLine) place() literal.Place {
	return literal.Place{File: l.file, Line: l.line, Column: 1, Width: len(l.text)}
}

func (r *requirements) fault(code string, at literal.Place, msg, help string, notes ...diag.Note) {
	r.diags.Add(diag.Diagnostic{Code: code, File: at.File, Line: at.Line, Column: at.Column, Width: at.Width, Message: msg, Help: help, Notes: notes})
}

func (r *requirements) warn(code string, at literal.Place, msg, help string) {
	r.diags.Add(diag.Diagnostic{Code: code, Severity: diag.Warning, File: at.File, Line: at.Line, Column: at.Column, Width: at.Width, Message: msg, Help: help})
}

// file reads one file; constraint says that its lines bind versions and install
// nothing.
func (r *requirements) file(name string, constraint bool) {
	key := name + map[bool]string{true: " -c"}[constraint]
	if r.done[key] {
		return
	}
	r.done[key], r.on[name] = true, true
	defer delete(r.on, name)
	if !slices.Contains(r.out.Files, name) {
		r.out.Files = append(r.out.Files, name)
	}
	data, ok := document.Read(r.tree, name, &r.diags)
	if !ok {
		return
	}
	if len(data) > maxRequirements {
		r.fault("FN1115", literal.Place{File: name}, fmt.Sprintf("the file is larger than %d KiB", maxRequirements>>10), "keep to what the code needs")
		return
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) || !utf8.Valid(data) {
		r.fault("FN1115", literal.Place{File: name}, "the file is not UTF-8 text",
			"save it as UTF-8; PowerShell writes UTF-16 with `>`: use `pip freeze | Out-File -Encoding utf8 requirements.txt`")
		return
	}
	for _, l := range logicalLines(name, string(data)) {
		r.line(l, constraint)
	}
}

// logicalLines joins lines that end in a backslash and drops comments.
func logicalLines(name, data string) []reqLine {
	var out []reqLine
	var joined strings.Builder
	start := 0
	end := func() {
		if text := strings.TrimSpace(withoutComment(joined.String())); text != "" {
			out = append(out, reqLine{name, start, text})
		}
		joined.Reset()
	}
	for i, line := range strings.Split(data, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if joined.Len() == 0 {
			start = i + 1
		}
		if rest, more := strings.CutSuffix(line, `\`); more && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			joined.WriteString(rest + " ")
			continue
		}
		joined.WriteString(line)
		end()
	}
	end()
	return out
}

// withoutComment cuts at a # that begins the line or follows white space; within
// a URL it is a fragment.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t' || line[i-1] == '\f' || line[i-1] == '\v') {
			return line[:i]
		}
	}
	return line
}

// line judges one logical line.
func (r *requirements) line(l reqLine, constraint bool) {
	if v := envVariable.FindString(l.text); v != "" {
		r.fault("FN1118", l.place(), fmt.Sprintf("%s is not known where dependencies are built", v), "write the value out, without a secret in it")
		return
	}
	if l.text[0] != '-' {
		r.requirement(l, constraint)
		return
	}
	r.option(l, constraint)
}
