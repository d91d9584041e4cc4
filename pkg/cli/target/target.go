// Package target is what a command is about: the tree at a path that a person wrote, the
// project that it belongs to, and the platform that it is compiled for.
package target

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/exit"
)

// Unnamed is what a tree is compiled as that has no name.
const Unnamed = "project"

const projectHelp = "a name is 1 to 40 of a-z, 0-9 and single hyphens, and starts with a letter; names of the platform's own (api, www, ...) are taken"

// SplitArgs reads [PROJECT] [PATH]: one argument that exists is the path, else
// it is the project.
func SplitArgs(args []string) (project, path string, err error) {
	switch len(args) {
	case 0:
		return "", ".", nil
	case 1:
		if Exists(args[0]) {
			return "", args[0], nil
		}
		if looksLikePath(args[0]) {
			return "", "", noSuchPath(args[0])
		}
		project, path = args[0], "."
	default:
		project, path = args[0], args[1]
		if !Exists(path) {
			return "", "", missingPath(project, path)
		}
	}
	return project, path, CheckProject(project)
}

// Exists reports whether there is anything at a path.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// looksLikePath reports whether s can only be meant as a path.
func looksLikePath(s string) bool {
	return strings.ContainsAny(s, `/\`) || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "~") || strings.HasSuffix(s, ".py")
}

func noSuchPath(path string) error {
	return &exit.Usage{Message: fmt.Sprintf("%q does not exist", path), Help: "PATH is a directory or one .py file"}
}

func missingPath(project, path string) error {
	if Exists(project) && ir.ValidProjectName(path) {
		return &exit.Usage{
			Message: fmt.Sprintf("%q does not exist", path),
			Help:    fmt.Sprintf("the project comes first: fngen push %s %s", path, project),
		}
	}
	return noSuchPath(path)
}

// CheckProject refuses what no project can be called.
func CheckProject(name string) error {
	if ir.ValidProjectName(name) {
		return nil
	}
	help := projectHelp
	if Exists(name + ".py") {
		help = "did you mean the file? fngen push " + name + ".py"
	}
	return &exit.Usage{Message: fmt.Sprintf("%q is not a project name", name), Help: help}
}

// IsMissing reports whether the platform says that the account has no such
// project. A 404 that does not name it is of something else in between.
func IsMissing(err error, project string) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Code == api.NotFound && p.Help == "" && strings.Contains(p.Detail, project)
}

// NoName refuses a tree that no project can be named after.
func NoName(path string) error {
	name := path
	if abs, err := filepath.Abs(path); err == nil {
		name = filepath.Base(abs)
	}
	return &exit.Usage{
		Message: fmt.Sprintf("no project can be named after %q", name),
		Help:    fmt.Sprintf("name it: fngen push PROJECT %s\n%s", path, projectHelp),
	}
}
