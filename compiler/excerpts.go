package compiler

import (
	"bytes"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

// maxExcerpt is the longest line that is shown; of generated code nothing is.
const maxExcerpt = 400

// A password, or a token in its place, and one in the query of a URL.
var (
	userinfo = regexp.MustCompile(`://[^/\s]+@`)
	secrets  = regexp.MustCompile(`(?i)[?&][a-z_-]*(?:token|key|secret|password|auth|sig)[a-z_-]*=[^&#\s"']+`)
)

// AddExcerpts gives each diagnostic its source line. A password in a URL is
// covered, letter for letter so that the caret still fits.
func AddExcerpts(tree source.Tree, diags diag.List) diag.List {
	lines := map[string][][]byte{}
	for i := range diags {
		d := &diags[i]
		if d.File == "" || d.Line == 0 || d.Excerpt != "" {
			continue
		}
		file, read := lines[d.File]
		if !read {
			data, err := source.ReadText(tree.FS, d.File)
			if err == nil {
				file = splitLines(data)
			}
			lines[d.File] = file
		}
		if d.Line > len(file) || len(file[d.Line-1]) > maxExcerpt {
			continue
		}
		text := strings.ToValidUTF8(string(file[d.Line-1]), "?")
		text = userinfo.ReplaceAllStringFunc(text, func(s string) string {
			return "://" + strings.Repeat("*", len(s)-4) + "@"
		})
		d.Excerpt = secrets.ReplaceAllStringFunc(text, func(s string) string {
			name, value, _ := strings.Cut(s, "=")
			return name + "=" + strings.Repeat("*", len(value))
		})
	}
	return diags
}

// splitLines knows the three line ends that Python knows.
func splitLines(data []byte) [][]byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.Split(bytes.ReplaceAll(data, []byte("\r"), []byte("\n")), []byte("\n"))
}
