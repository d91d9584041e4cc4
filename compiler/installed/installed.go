// Package installed lists the modules that a virtual environment has to import.
//
// The job that builds a layer writes the list into it, as its first file, and the
// control plane reads it from there: so the imports of a tree can be held against a
// layer that was built long ago, without fetching it. Where the list may be
// incomplete it says so, and then nothing is concluded from it.
package installed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
)

// File is the name of the list in the root of a layer. It sorts before all that an
// installer puts there.
const File = ".fngen-modules"

// MaxBytes is the largest list that is read.
const MaxBytes = 4 << 20

const (
	header   = "fngen modules 1"
	openLine = "*"
	maxNames = 100_000
	// maxDepth of namespace packages is followed.
	maxDepth = 5
)

// Modules are what can be imported.
type Modules struct {
	// Names are the modules and packages at the top and, of a namespace package, which
	// has no code, those inside. Sorted.
	Names []string
	// Open says that there may be more: a .pth file runs code, or leads elsewhere.
	Open bool
}

// Of lists what is in directories that are on sys.path.
func Of(dirs ...fs.FS) (Modules, error) {
	w := walker{names: map[string]bool{}}
	for _, dir := range dirs {
		if err := w.site(dir, "."); err != nil {
			return Modules{}, fmt.Errorf("list modules: %w", err)
		}
	}
	out := Modules{Open: w.open || len(w.names) > maxNames}
	if out.Open {
		return out, nil // nobody asks for the names
	}
	for name := range w.names {
		out.Names = append(out.Names, name)
	}
	slices.Sort(out.Names)
	return out, nil
}

// Bytes are the list as a file.
func (m Modules) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, header)
	if m.Open {
		fmt.Fprintln(&b, openLine)
	}
	for _, name := range m.Names {
		fmt.Fprintln(&b, name)
	}
	return b.Bytes()
}

// Parse reads such a file.
func Parse(data []byte) (Modules, error) {
	if len(data) > MaxBytes {
		return Modules{}, errors.New("read modules: the list is too large")
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	if !lines.Scan() || lines.Text() != header {
		return Modules{}, errors.New("read modules: not a list of this version")
	}
	var m Modules
	for lines.Scan() {
		switch name := lines.Text(); {
		case name == openLine:
			m.Open = true
		case !isDotted(name):
			return Modules{}, fmt.Errorf("read modules: %.100q is not the name of a module", name)
		default:
			m.Names = append(m.Names, name)
		}
	}
	if err := lines.Err(); err != nil {
		return Modules{}, fmt.Errorf("read modules: %w", err)
	}
	slices.Sort(m.Names)
	return m, nil
}

// Lacks is the first part of a dotted path that no directory has, or empty. What
// is inside of a package is not judged: its code may make it.
func (m Modules) Lacks(dotted string) string {
	parts := strings.Split(dotted, ".")
	for i := range parts {
		name := strings.Join(parts[:i+1], ".")
		if _, found := slices.BinarySearch(m.Names, name); found {
			return ""
		}
		at, _ := slices.BinarySearch(m.Names, name+".")
		if at == len(m.Names) || !strings.HasPrefix(m.Names[at], name+".") {
			return name
		}
	}
	return ""
}

type walker struct {
	names map[string]bool
	open  bool
}

// site lists a directory that is on sys.path itself.
func (w *walker) site(dir fs.FS, name string) error {
	entries, err := fs.ReadDir(dir, name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if path.Ext(e.Name()) == ".pth" {
			if err := w.pth(dir, name, e.Name()); err != nil {
				return err
			}
		}
	}
	_, err = w.list(dir, name, "", 0)
	return err
}

// harmless are .pth files whose code adds nothing that can be imported. What
// setuptools adds is known where imports are judged.
func harmless(name string) bool {
	return name == "distutils-precedence.pth" || name == "_virtualenv.pth" || strings.HasSuffix(name, "-nspkg.pth") ||
		strings.Contains(name, "coverage") || strings.Contains(name, "pytest-cov") || strings.Contains(name, "init_cov")
}

// pth takes the lines of a .pth file: paths, and code.
func (w *walker) pth(dir fs.FS, in, name string) error {
	data, err := fs.ReadFile(dir, path.Join(in, name))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t"):
			w.open = w.open || !harmless(name)
		default:
			at := path.Join(in, line)
			info, err := fs.Stat(dir, at)
			if path.IsAbs(line) || err != nil || !info.IsDir() || at == in {
				w.open = true
				continue
			}
			if _, err := w.list(dir, at, "", 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// list notes what a directory has, below a namespace package or at the top, and
// reports whether that is anything.
func (w *walker) list(dir fs.FS, at, below string, depth int) (bool, error) {
	entries, err := fs.ReadDir(dir, at)
	if err != nil {
		return false, err
	}
	any := false
	for _, e := range entries {
		name, rest, dots := strings.Cut(e.Name(), ".")
		if !isIdentifier(name) || name == "__pycache__" || len(w.names) > maxNames {
			continue
		}
		if below != "" {
			name = below + "." + name
		}
		info, err := fs.Stat(dir, path.Join(at, e.Name())) // through links
		switch {
		case err != nil:
			continue
		case !info.IsDir():
			if isModule(rest) {
				any, w.names[name] = true, true
			}
			continue
		case dots:
			continue // metadata
		}
		if err := w.directory(dir, path.Join(at, e.Name()), name, depth); err != nil {
			return false, err
		}
		any = true
	}
	return any, nil
}

// directory notes a package, or what is in one without code.
func (w *walker) directory(dir fs.FS, at, name string, depth int) error {
	if depth+1 >= maxDepth || hasInit(dir, at) {
		w.names[name] = true
		return nil
	}
	any, err := w.list(dir, at, name, depth+1)
	if err == nil && !any {
		w.names[name] = true
	}
	return err
}

func hasInit(dir fs.FS, at string) bool {
	entries, err := fs.ReadDir(dir, at)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		name, rest, _ := strings.Cut(e.Name(), ".")
		return name == "__init__" && isModule(rest)
	})
}

// isModule reports whether a file with these extensions can be imported.
func isModule(extensions string) bool {
	return extensions == "py" || extensions == "pyc" || extensions == "so" || strings.HasSuffix(extensions, ".so")
}

func isDotted(name string) bool {
	if len(name) > 1000 {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if !isIdentifier(part) {
			return false
		}
	}
	return true
}

func isIdentifier(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)) {
			return false
		}
	}
	return name != ""
}
