package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"fngen.dev/fngen/compiler/diag"
)

// What a tree may hold. The control plane holds uploads to the same limits.
const (
	MaxFiles    = 50_000
	MaxTreeSize = 512 << 20
	MaxFileSize = 100 << 20
	maxPath     = 1024
	maxName     = 255
	maxDepth    = 64
)

// addFile takes a file into the tree, or says why it cannot ship.
func (w *walker) addFile(p string) bool {
	if !w.checkName(p) {
		return false
	}
	info, err := os.Lstat(w.disk(p))
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if info, err = w.follow(p); info == nil && err == nil {
			return false
		}
	}
	switch {
	case err != nil:
		w.unreadable(p, err)
		return false
	case !info.Mode().IsRegular():
		w.fault("FN1005", p, fmt.Sprintf("%q is %s, not a regular file", p, kind(info.Mode())),
			"remove it, or list it in .fnignore")
		return false
	case info.Size() > MaxFileSize:
		w.fault("FN1008", p, fmt.Sprintf("%q has %d MiB; a file may have %d MiB", p, info.Size()>>20, MaxFileSize>>20),
			"list it in .fnignore and load it from elsewhere when the code runs")
		return false
	}
	w.paths = append(w.paths, p)
	w.size += info.Size()
	return true
}

func (w *walker) disk(p string) string { return filepath.Join(w.root, filepath.FromSlash(p)) }

func (w *walker) fault(code, p, message, help string) {
	w.diags.Add(diag.Diagnostic{Code: code, File: printable(p), Message: message, Help: help})
}

func (w *walker) unreadable(p string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path stands in the message already
	}
	w.fault("FN1009", p, fmt.Sprintf("%q cannot be read: %v", p, err), "make it readable, or list it in .fnignore")
}

// follow resolves a link. A link to a regular file of the tree ships as a file;
// for any other it returns nil and says why.
func (w *walker) follow(p string) (fs.FileInfo, error) {
	const help = "replace the link by what it points to, or list it in .fnignore"
	target, err := filepath.EvalSymlinks(w.disk(p))
	if errors.Is(err, fs.ErrNotExist) {
		w.fault("FN1002", p, fmt.Sprintf("%q is a link that points to nothing", p), "remove it, or list it in .fnignore")
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(w.root, target)
	if err != nil || !filepath.IsLocal(rel) {
		w.fault("FN1001", p, fmt.Sprintf("%q is a link that leaves the tree", p), help)
		return nil, nil
	}
	if first, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); first == ".git" {
		w.fault("FN1001", p, fmt.Sprintf("%q is a link into .git, which does not ship", p), help)
		return nil, nil
	}
	info, err := os.Stat(target)
	if err == nil && info.IsDir() {
		w.fault("FN1003", p, fmt.Sprintf("%q is a link to a directory", p), help)
		return nil, nil
	}
	return info, err
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// checkName refuses names that cannot travel to every machine and terminal.
func (w *walker) checkName(p string) bool {
	why := ""
	switch {
	case !utf8.ValidString(p):
		why = "is not UTF-8"
	case strings.ContainsFunc(p, unicode.IsControl):
		why = "holds a control character"
	case strings.Contains(p, `\`):
		why = "holds a backslash"
	case len(p) > maxPath:
		why = fmt.Sprintf("is longer than %d bytes", maxPath)
	case strings.Count(p, "/") >= maxDepth:
		why = fmt.Sprintf("is more than %d directories deep", maxDepth)
	case len(path.Base(p)) > maxName:
		why = fmt.Sprintf("has a name of more than %d bytes", maxName)
	default:
		return true
	}
	w.fault("FN1004", p, fmt.Sprintf("the path %q %s", p, why), "rename it, or list it in .fnignore")
	return false
}

// printable keeps a path that is not UTF-8 fit for JSON.
func printable(p string) string { return strings.ToValidUTF8(p, "�") }

func looksSecret(name string) bool {
	return strings.HasPrefix(name, ".env") || strings.HasSuffix(name, ".pem") || strings.HasPrefix(name, "id_")
}

func (w *walker) warnSecret(p string, by *hit) {
	w.diags.Add(diag.Diagnostic{
		Code: "FN1010", Severity: diag.Warning, File: by.source, Line: by.line, Column: 1, Width: len(by.rule), Excerpt: by.rule,
		Message: fmt.Sprintf("%q looks like a secret and ships only because of this rule", p),
		Help:    "take it out of .fninclude; hand secrets over with `fngen set_env`",
	})
}

// checkCollisions refuses paths that are one on a disk which does not tell upper
// from lower case, or composed from decomposed letters.
func (w *walker) checkCollisions() {
	fold := cases.Fold()
	seen := map[string]string{}
	reported := map[string]bool{}
	for _, p := range w.paths {
		for _, part := range prefixes(p) {
			key := part
			if !isPlain(part) {
				key = norm.NFC.String(fold.String(norm.NFC.String(part)))
			}
			other, met := seen[key]
			if !met {
				seen[key] = part
			} else if other != part && !reported[part] {
				reported[part] = true
				w.fault("FN1006", part, fmt.Sprintf("%q and %q differ only in case or in how letters are composed", other, part),
					"rename one of them: many disks cannot hold both")
				break
			}
		}
	}
}

// isPlain reports whether s is its own folded form, as most paths are.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i] >= 'A' && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

// prefixes lists the directories above p and p itself.
func prefixes(p string) []string {
	var out []string
	for i := 0; i < len(p); i++ {
		if p[i] == '/' {
			out = append(out, p[:i])
		}
	}
	return append(out, p)
}

// checkLimits refuses a tree that is too large, before it is read.
func (w *walker) checkLimits() bool {
	const help = "list in .fnignore what the code does not need; `fngen files` shows what would ship"
	switch {
	case len(w.paths) > MaxFiles:
		w.fault("FN1007", "", fmt.Sprintf("the tree has more than %d files", MaxFiles), help)
	case w.size > MaxTreeSize:
		w.fault("FN1007", "", fmt.Sprintf("the tree has %d MiB; it may have %d MiB", w.size>>20, MaxTreeSize>>20), help)
	default:
		return true
	}
	return false
}
