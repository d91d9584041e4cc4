package config

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

// Requirements lists the files that say what to install: requirements.txt and
// all that it reads, or else a pyproject.toml with dependencies, or nothing. Each
// line is checked as far as safety and a likely slip of the pen go; the rest is
// judged by the installer.
func Requirements(tree source.Tree) ([]string, diag.List) {
	r := &requirements{tree: tree, on: map[string]bool{}, done: map[string]bool{}}
	if has(tree, "requirements.txt") {
		r.file("requirements.txt")
		return r.files, r.diags
	}
	if !has(tree, "pyproject.toml") {
		return nil, nil
	}
	data, ok := read(tree, "pyproject.toml", &r.diags)
	if !ok || !tomlHas(string(data), "project", "dependencies") && !tomlHas(string(data), "project", "dynamic") {
		return nil, r.diags
	}
	return []string{"pyproject.toml"}, r.diags
}

type requirements struct {
	tree  source.Tree
	files []string
	// on are the files being read, to see a circle; done were met before.
	on, done map[string]bool
	diags    diag.List
}

// place of a line of a requirement file.
type reqLine struct {
	file string
	line int
	text string
}

func (r *requirements) fault(code string, l reqLine, msg, help string) {
	r.diags.Add(diag.Diagnostic{Code: code, File: l.file, Line: l.line, Column: 1, Width: len(l.text), Message: msg, Help: help})
}

func (r *requirements) file(name string) {
	if r.done[name] {
		return
	}
	r.done[name], r.on[name] = true, true
	defer delete(r.on, name)
	r.files = append(r.files, name)
	data, ok := read(r.tree, name, &r.diags)
	if !ok {
		return
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) || !utf8.Valid(data) {
		r.diags.Add(diag.Diagnostic{Code: "FN1115", File: name, Message: "the file is not UTF-8 text",
			Help: "save it as UTF-8; PowerShell writes UTF-16 with `>`: use `pip freeze | Out-File -Encoding utf8 requirements.txt`"})
		return
	}
	for _, l := range logicalLines(name, string(data)) {
		r.line(l)
	}
}

var comment = regexp.MustCompile(`(^|\s)#.*$`)

// logicalLines joins lines that end in a backslash and drops comments.
func logicalLines(name, data string) []reqLine {
	var out []reqLine
	joined, start := "", 0
	for i, line := range strings.Split(data, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if joined == "" {
			start = i + 1
		}
		if rest, more := strings.CutSuffix(line, `\`); more && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			joined += rest + " "
			continue
		}
		text := strings.TrimSpace(comment.ReplaceAllString(joined+line, ""))
		joined = ""
		if text != "" {
			out = append(out, reqLine{name, start, text})
		}
	}
	if text := strings.TrimSpace(comment.ReplaceAllString(joined, "")); text != "" {
		out = append(out, reqLine{name, start, text})
	}
	return out
}

var envVariable = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)

func (r *requirements) line(l reqLine) {
	if v := envVariable.FindString(l.text); v != "" {
		r.fault("FN1118", l, fmt.Sprintf("%s is not known where dependencies are built", v), "write the value out, without a secret in it")
		return
	}
	if l.text[0] != '-' {
		r.requirement(l)
		return
	}
	option, value := splitOption(l.text)
	switch option {
	case "-r", "--requirement", "-c", "--constraint":
		r.include(l, value)
	case "-e", "--editable":
		r.local(l, value)
	case "-f", "--find-links":
		if !strings.Contains(value, "://") || strings.HasPrefix(value, "file:") {
			r.local(l, value)
		}
	case "--trusted-host":
		r.fault("FN1118", l, "--trusted-host would install over a connection that nobody vouches for", "remove the line; use an index with HTTPS")
	case "-i", "--index-url", "--extra-index-url", "--no-index", "--pre", "--prefer-binary", "--require-hashes",
		"--no-binary", "--only-binary", "--use-feature":
	default:
		r.fault("FN1118", l, fmt.Sprintf("%q is not an option of requirement files", option), "remove the line")
	}
}

// splitOption separates "-rbase.txt", "-r base.txt" and "--requirement=base.txt".
func splitOption(text string) (option, value string) {
	if !strings.HasPrefix(text, "--") && len(text) > 2 {
		return text[:2], strings.TrimSpace(strings.TrimPrefix(text[2:], "="))
	}
	if i := strings.IndexAny(text, " \t="); i >= 0 {
		return text[:i], strings.TrimSpace(text[i+1:])
	}
	return text, ""
}

func (r *requirements) include(l reqLine, value string) {
	if strings.Contains(value, "://") {
		r.fault("FN1116", l, fmt.Sprintf("%q is read from the network, so a push could not be repeated", mask(value)), "copy the file into the tree")
		return
	}
	target, ok := r.inside(l, value)
	switch {
	case !ok:
	case !has(r.tree, target):
		r.fault("FN1116", l, fmt.Sprintf("%q does not ship with the tree", target), "correct the path; `fngen files` shows what ships")
	case r.on[target]:
		r.fault("FN1117", l, fmt.Sprintf("%q reads itself in a circle", target), "remove one of the -r or -c lines")
	default:
		r.file(target)
	}
}

// inside turns a path of a line into one of the tree.
func (r *requirements) inside(l reqLine, value string) (string, bool) {
	value = strings.Trim(value, `"'`)
	target := path.Join(path.Dir(l.file), filepath.ToSlash(value))
	if value == "" || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "~") || strings.Contains(value, `\`) || !filepath.IsLocal(target) {
		r.fault("FN1116", l, fmt.Sprintf("the path %q leads out of the tree", value), "use a path inside the tree, relative to this file, with slashes")
		return "", false
	}
	return target, true
}

// local checks a requirement that is a directory or file.
func (r *requirements) local(l reqLine, value string) {
	if isURL(value) {
		return
	}
	value, _, _ = strings.Cut(value, ";")
	value, _, _ = strings.Cut(strings.TrimSpace(value), "[")
	if _, file, ok := strings.Cut(value, "file:"); ok {
		value = strings.TrimPrefix(file, "//")
	}
	r.inside(l, value)
}

var userinfo = regexp.MustCompile(`://[^/@\s]+@`)

// mask hides a password in a URL.
func mask(text string) string { return userinfo.ReplaceAllString(text, "://…@") }
