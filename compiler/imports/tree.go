package imports

import (
	"path"
	"strings"

	"fngen.dev/fngen/compiler/source"
)

// layout is what of a tree can be imported.
type layout struct {
	// files are all paths, dirs those that hold any, stems paths up to the first dot of
	// the name, of files that can be imported or may be made into such.
	files, dirs, stems map[string]bool
	// names are the last parts of both.
	names map[string]bool
	// archives says that there are files which hold others.
	archives bool
}

func layoutOf(m source.Manifest) layout {
	l := layout{files: map[string]bool{}, dirs: map[string]bool{}, stems: map[string]bool{}, names: map[string]bool{}}
	for _, f := range m.Files {
		l.files[f.Path] = true
		for dir := path.Dir(f.Path); dir != "." && !l.dirs[dir]; dir = path.Dir(dir) {
			l.dirs[dir], l.names[path.Base(dir)] = true, true
		}
		name, extensions, _ := strings.Cut(path.Base(f.Path), ".")
		switch extensions[strings.LastIndexByte(extensions, '.')+1:] {
		case "py", "pyc", "so", "pyd", "pyx", "c", "cpp", "rs":
			l.stems[path.Join(path.Dir(f.Path), name)], l.names[name] = true, true
		case "zip", "egg", "whl", "pth":
			l.archives = true
		}
	}
	return l
}

// roots are the directories of the tree from which the imports of a function's file
// start, as the runtime has them on sys.path.
func (l layout) roots(file string) []string {
	if strings.HasPrefix(file, "src/") && !l.files["src/__init__.py"] {
		return []string{"src", ""}
	}
	return []string{""}
}

// at is what a path stands for as a module.
type at int

const (
	nothing   at = iota
	module       // a file of Python
	pack         // a package with code
	directory    // a package without
	opaque       // a module that is not Python source
)

func (l layout) at(dir string) (at, string) {
	switch {
	case l.files[dir+"/__init__.py"]:
		return pack, dir + "/__init__.py"
	case l.stems[dir+"/__init__"]:
		return opaque, ""
	case l.files[dir+".py"]:
		return module, dir + ".py"
	case l.stems[dir]:
		return opaque, ""
	case l.dirs[dir]:
		return directory, ""
	}
	return nothing, ""
}
