package discover

import (
	"path"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// Beyond is what of a file can be judged only with the others of its tree.
type Beyond struct {
	// Exports says that module-level names stand for something of fngen's, so
	// that other files may take a Power from here.
	Exports bool
	// Import is where fngen is first imported.
	Import literal.Place
	// Decorators and Constants are dotted paths of imported names, of those that
	// decorate something and of those that are arguments of Powers.
	Decorators, Constants []string
	// Env are the environment variables that the file uses by name.
	Env []EnvRead
	// Settings are the values that it gives DJANGO_SETTINGS_MODULE.
	Settings []DjangoSettings
	// SQLite are the SQLite files in the tree that it names.
	SQLite []SQLiteFile
}

// across is what the scanner keeps to follow names from file to file.
//
// In the first reading of a file only what fngen is imported as is known, and
// imports from elsewhere are kept aside. Where one of them decorates a function
// or is an argument of a Power, package compiler has the file read a second
// time, with modules to ask.
type across struct {
	// marked says that the file has decorators at all, ours that a name of
	// fngen's is bound in it.
	marked, ours bool
	foreign      []foreign
	modules      *Modules
	// all has every module-level name kept, for other files to ask. shallow
	// leaves out what is only for the file itself.
	all, shallow bool
	exportNames  []string
	exportsKnown bool
	// incomplete says that names come from a module that is not in the tree.
	incomplete bool
	// apps says that the file may make an application, origins are the paths of what
	// it imports from frameworks, factory is the function that may be making it.
	apps    bool
	origins map[string]string
	factory *factory
	// asked counts constants that lead to others, reread the bytes of all that
	// were asked for.
	asked, reread int
	// reads says that the file may read environment variables, readsNot that it
	// imports os for other things; prefixed says that the names of some are not
	// all that is written, schemed have a default.
	reads, readsNot, prefixed bool
	schemed                   []string
	// lite says that the file speaks of SQLite.
	lite bool
}

// foreign is one module-level import from elsewhere than fngen; bound is "*" for
// a star.
type foreign struct {
	bound, module, name string
	at                  python.Token
}

// maxReferences of a file are followed.
const maxReferences = 1000

// aside keeps an import from elsewhere for refer.
func (s *scanner) aside(bound, module, name string, at python.Token) {
	if s.marked && s.atModuleLevel() {
		s.foreign = append(s.foreign, foreign{bound, module, name, at})
	}
}

// ModuleNames are the names that a file has bound at its end, with what they are
// imported as; it is empty for what is made there.
func ModuleNames(file string, src []byte) map[string]string {
	return NewModules(nil, nil).of(file, src).names
}

// alias keeps another name for an import from elsewhere, as aside does.
func (s *scanner) alias(bound python.Token, dotted string) {
	if len(s.foreign) == 0 || s.modules != nil {
		return
	}
	if path := s.refer(dotted); path != "" {
		s.aside(s.name(bound), path, "", bound)
	}
}

// importOf finds the import from elsewhere that last bound a name, or is -1.
func (s *scanner) importOf(name string) int {
	for i := len(s.foreign) - 1; i >= 0; i-- {
		if s.foreign[i].bound == name {
			return i
		}
	}
	return -1
}

// refer is the path of an expression that begins with an imported name, or
// empty. A name that nothing binds may come from a star.
func (s *scanner) refer(dotted string) string {
	if len(s.foreign) == 0 {
		return ""
	}
	first, rest, _ := strings.Cut(dotted, ".")
	i := s.importOf(first)
	if i < 0 {
		if i = s.importOf("*"); i < 0 {
			return ""
		}
		rest = dotted
	}
	f := s.foreign[i]
	out := s.absolute(f.module)
	for _, part := range []string{f.name, rest} {
		if out != "" && part != "" {
			out += "." + part
		}
	}
	return out
}

func appendNew(list []string, text string) []string {
	if slices.Contains(list, text) || len(list) >= maxReferences {
		return list
	}
	return append(list, text)
}

// absolute is the dotted path of a module as an import of this file names it.
// What is relative is taken from the root of the tree. It is empty when there is
// no such path.
func (s *scanner) absolute(module string) string {
	name := strings.TrimLeft(module, ".")
	dots := len(module) - len(name)
	if dots == 0 {
		return name
	}
	dir := path.Dir(s.out.File)
	for ; dots > 1 && dir != "."; dots-- {
		dir = path.Dir(dir)
	}
	if dots > 1 || strings.Contains(dir, ".") && dir != "." {
		return "" // above the root, or below a directory that no import can name
	}
	if dir == "." {
		return name
	}
	return strings.Trim(strings.ReplaceAll(dir, "/", ".")+"."+name, ".")
}

// exports notes at the end of the file what others can import from it.
func (s *scanner) exports() {
	for _, target := range s.blocks[0].names {
		s.out.Exports = s.out.Exports || isFngen(target)
	}
}

func (s *scanner) reportWith(code string, at literal.Place, msg, help string, notes []diag.Note) {
	s.out.Diagnostics.Add(diag.Diagnostic{Code: code, Message: msg, Help: help, Notes: notes,
		File: at.File, Line: at.Line, Column: at.Column, Width: at.Width})
}
