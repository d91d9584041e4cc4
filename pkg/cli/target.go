package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

const projectHelp = "a name is 1 to 40 of a-z, 0-9 and single hyphens, and starts with a letter; names of the platform's own (api, www, ...) are taken"

// splitArgs reads [PROJECT] [PATH]: one argument that exists is the path, else
// it is the project.
func splitArgs(args []string) (project, path string, err error) {
	switch len(args) {
	case 0:
		return "", ".", nil
	case 1:
		if exists(args[0]) {
			return "", args[0], nil
		}
		if looksLikePath(args[0]) {
			return "", "", noSuchPath(args[0])
		}
		project, path = args[0], "."
	default:
		project, path = args[0], args[1]
		if !exists(path) {
			return "", "", missingPath(project, path)
		}
	}
	return project, path, checkProject(project)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// looksLikePath reports whether s can only be meant as a path.
func looksLikePath(s string) bool {
	return strings.ContainsAny(s, `/\`) || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "~") || strings.HasSuffix(s, ".py")
}

func noSuchPath(path string) error {
	return &usageError{message: fmt.Sprintf("%q does not exist", path), help: "PATH is a directory or one .py file"}
}

func missingPath(project, path string) error {
	if exists(project) && ir.ValidProjectName(path) {
		return &usageError{
			message: fmt.Sprintf("%q does not exist", path),
			help:    fmt.Sprintf("the project comes first: fngen push %s %s", path, project),
		}
	}
	return noSuchPath(path)
}

func checkProject(name string) error {
	if ir.ValidProjectName(name) {
		return nil
	}
	help := projectHelp
	if exists(name + ".py") {
		help = "did you mean the file? fngen push " + name + ".py"
	}
	return &usageError{message: fmt.Sprintf("%q is not a project name", name), help: help}
}

// projectOf says which project a tree belongs to: the one that the command line
// names, else fngen.yml, else what the first push wrote down, else one that is
// named after the file or directory. It is empty where no name can be made, and
// source says where it is from, unless the person or fngen.yml does.
func projectOf(given string, s *source.Scanned) (name, from string, err error) {
	if given != "" {
		return given, "", nil
	}
	if name := projectInConfig(s.Tree); name != "" {
		return name, "", nil
	}
	made := madeName(s)
	name, err = rememberedProject(s.Root)
	switch {
	case name == "" && made != "" && err == nil:
		return made, "named after " + cmp.Or(s.Entry, filepath.Base(s.Root)), nil
	case s.Entry != "" && name != made: // another file may have been pushed from here
		from = "as .fngen/project says; for another: fngen push PROJECT " + s.Entry
	}
	return name, from, err
}

// rememberedProject reads what the first push from a directory wrote down.
func rememberedProject(root string) (string, error) {
	path := filepath.Join(root, ".fngen", "project")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read project name: %w", err)
	}
	name := strings.TrimSpace(string(data))
	if !ir.ValidProjectName(name) {
		return "", &usageError{
			message: fmt.Sprintf("%s does not hold a project name: %q", path, name),
			help:    "delete the file, or push with the name: fngen push PROJECT PATH",
		}
	}
	return name, nil
}

// projectInConfig reads only `project:`. What is wrong with the file is the
// compiler's to say, with its place.
func projectInConfig(tree source.Tree) string {
	for _, name := range []string{"fngen.yml", "fngen.yaml"} {
		data, err := source.ReadText(tree.FS, name)
		if err != nil {
			continue
		}
		var file struct {
			Project string `yaml:"project"`
		}
		if yaml.Unmarshal(data, &file) == nil {
			return file.Project
		}
	}
	return ""
}

// rememberProject writes the project's name where the next push finds it, unless
// a name is there already, and keeps the directory out of git.
func rememberProject(root, name string) error {
	dir := filepath.Join(root, ".fngen")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("remember project: %w", err)
	}
	err := writeNew(filepath.Join(dir, ".gitignore"), "*\n")
	if err == nil {
		err = writeNew(filepath.Join(dir, "project"), name+"\n")
	}
	if err != nil {
		return fmt.Errorf("remember project: %w", err)
	}
	return nil
}

// writeNew writes a file that does not exist yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
