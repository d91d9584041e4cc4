// Package manifest refuses lists of files that could not be laid out below one
// directory, or are over the limits.
package manifest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
)

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// maxFaults is how many faults of a manifest one answer names.
const maxFaults = 10

// IsSHA256 reports whether a text is a SHA-256 in lower-case hex.
func IsSHA256(s string) bool { return sha256Hex.MatchString(s) }

// TreeDigest checks what a caller says is a tree's digest.
func TreeDigest(s string) (string, error) {
	if hex, ok := strings.CutPrefix(s, "sha256:"); !ok || !IsSHA256(hex) {
		return "", api.NewProblem(api.Invalid, "%q is not a tree's digest", s)
	}
	return s, nil
}

// Check refuses a manifest that could not be laid out as files below one directory, or
// is over the limits. The client checks too, with better words; this is for those that
// do not.
func Check(m source.Manifest) error {
	if len(m.Files) > api.MaxFiles {
		return api.NewProblem(api.TooLarge, "the tree has %d files, more than %d", len(m.Files), api.MaxFiles).
			WithHelp("exclude files with .fnignore")
	}
	var faults []string
	total := int64(0)
	for i, f := range m.Files {
		if fault := checkFile(f); fault != "" {
			faults = append(faults, fmt.Sprintf("%q %s", f.Path, fault))
		}
		if i > 0 && f.Path <= m.Files[i-1].Path {
			faults = append(faults, fmt.Sprintf("%q is not sorted after %q", f.Path, m.Files[i-1].Path))
		}
		if len(faults) >= maxFaults {
			break
		}
		// Sizes are checked above, so the sum does not overflow.
		total += f.Size
	}
	if len(faults) == 0 {
		faults = clashes(m.Files)
	}
	if len(faults) > 0 {
		return api.NewProblem(api.Invalid, "the manifest is not valid: %s", strings.Join(faults, "; "))
	}
	if total > api.MaxTreeBytes {
		return api.NewProblem(api.TooLarge, "the tree has %d bytes, more than %d", total, int64(api.MaxTreeBytes)).
			WithHelp("exclude files with .fnignore")
	}
	return nil
}

func checkFile(f source.File) string {
	switch {
	case f.Size < 0:
		return "has a negative size"
	case f.Size > api.MaxFileBytes:
		return fmt.Sprintf("has %d bytes, more than %d", f.Size, api.MaxFileBytes)
	case !IsSHA256(f.SHA256):
		return "has a digest that is not 64 lower-case hex digits"
	}
	return CheckPath(f.Path)
}

// CheckPath tells what is wrong with the path of a file, or nothing.
func CheckPath(path string) string {
	switch {
	case path == "":
		return "is empty"
	case len(path) > api.MaxPathBytes:
		return fmt.Sprintf("is longer than %d bytes", api.MaxPathBytes)
	case !utf8.ValidString(path):
		return "is not UTF-8"
	case strings.ContainsRune(path, '\\'):
		return "has a backslash"
	case strings.ContainsFunc(path, unicode.IsControl):
		return "has a control character"
	case strings.Count(path, "/") >= api.MaxDepth:
		return fmt.Sprintf("is more than %d directories deep", api.MaxDepth)
	}
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case segment == "", segment == ".", segment == "..":
			return "is not a plain relative path"
		case len(segment) > api.MaxSegmentBytes:
			return fmt.Sprintf("has a name longer than %d bytes", api.MaxSegmentBytes)
		}
	}
	return ""
}

// clashes names the files that are also directories of others.
func clashes(files []source.File) []string {
	names := make(map[string]bool, len(files))
	for _, f := range files {
		names[f.Path] = true
	}
	var out []string
	for _, f := range files {
		for i := range len(f.Path) {
			if f.Path[i] == '/' && names[f.Path[:i]] {
				out = append(out, fmt.Sprintf("%q is a file and a directory", f.Path[:i]))
				if len(out) == maxFaults {
					return out
				}
			}
		}
	}
	return out
}
