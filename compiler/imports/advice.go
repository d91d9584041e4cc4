package imports

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
)

// Advice says what to do about a module that was not found, by its dotted name, and
// what explains it. It reads no file of the input.
func Advice(module string, in Input) ([]diag.Note, string) { return advice(module, module, in) }

func advice(module, asked string, in Input) ([]diag.Note, string) {
	top, _, nested := strings.Cut(module, ".")
	now, l := minor(in.Python), layoutOf(in.Tree.Manifest)
	if from := since[top]; from > now {
		return nil, fmt.Sprintf("%q came with Python %s, and the project runs on %s: choose a newer one in fngen.yml, as in `python: \"%s\"`", top, pythonOf(from), in.Python, pythonOf(from))
	}
	if gone := until[top]; gone > 0 && now >= gone {
		return []diag.Note{{Message: fmt.Sprintf("%q is not in the standard library since Python %s, and the project runs on %s", top, pythonOf(gone), in.Python)}}, withoutStandard(top, gone, in)
	}
	for _, root := range []string{"", "src/"} {
		if kind, _ := l.at(root + top); nested && kind != nothing {
			return nil, absent(root, module, l)
		}
	}
	if file, dir := elsewhere(top, l); file != "" {
		return []diag.Note{{Message: "it is here, and imports start at the root of the tree", File: file}},
			"write `" + strings.ReplaceAll(dir, "/", ".") + "." + top + "`, or push the directory " + dir
	}
	how := HowToAdd(Distribution(asked), in.Requirements, in.Provided)
	if len(in.Tree.Files) == 1 {
		how += "; if it is a file beside this one, push the directory"
	}
	return nil, how
}

// withoutStandard is how to go on without a module that Python has no more.
func withoutStandard(name string, gone int, in Input) string {
	older := fmt.Sprintf("choose an older Python in fngen.yml, as in `python: \"%s\"`", pythonOf(gone-1))
	if package_ := instead[name]; package_ != "" {
		return HowToAdd(package_, in.Requirements, in.Provided) + ", or " + older
	}
	return older
}

// absent is about a module that a package of the tree does not have.
func absent(root, module string, l layout) string {
	file := root + strings.ReplaceAll(module, ".", "/")
	dir, name := path.Split(file)
	var beside []string
	for f := range l.files {
		if in, base := path.Split(f); in == dir && strings.HasSuffix(base, ".py") && base != "__init__.py" {
			beside = append(beside, strings.TrimSuffix(base, ".py"))
		}
	}
	slices.Sort(beside)
	if near := diag.Nearest(name, beside); near != "" {
		return "did you mean `" + strings.ReplaceAll(strings.TrimPrefix(dir, root), "/", ".") + near + "`?"
	}
	return fmt.Sprintf("there is no %s.py in what was pushed; `fngen files --why` shows what is left out, and by which rule", file)
}

// elsewhere is the one file of that name that lies deeper in the tree, and the
// directory from which it would be found.
func elsewhere(name string, l layout) (file, dir string) {
	for f := range l.files {
		in, base := path.Split(f)
		if base == "__init__.py" {
			in, base = path.Split(path.Clean(in))
			base += ".py"
		}
		if base != name+".py" || in == "" {
			continue
		}
		if file != "" {
			return "", ""
		}
		file, dir = f, path.Clean(in)
	}
	if strings.Contains(file, "tests/") || strings.Contains(file, "site-packages/") {
		return "", ""
	}
	return file, dir
}
