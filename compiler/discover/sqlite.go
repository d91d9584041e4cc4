package discover

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// SQLiteFile is a place where the code names a SQLite file that lies in the tree.
type SQLiteFile struct {
	Place literal.Place
	// Name is the file's as far as it is written out, or empty.
	Name string
	// Django says that it is of a dict such as DATABASES has, and Line is then where
	// the statement with it begins.
	Django bool
	Line   int
	// Otherwise says that another database is used where the environment names one.
	Otherwise bool
}

// maxSQLite of one file are kept: one is enough to be told of.
const maxSQLite = 20

// sqliteWord is in the scheme and in both of Django's engines; it begins with its
// rarest letter.
var sqliteWord = []byte("qlite")

var (
	sqliteEngines = map[string]bool{
		"django.db.backends.sqlite3": true, "django.contrib.gis.db.backends.spatialite": true,
	}
	// Three slashes and a path are a relative one, four an absolute one.
	sqliteURL = regexp.MustCompile(`^sqlite(?:\+[a-z0-9_]+)?:///(.*)$`)
	// inTree are names of directories of the tree, as most projects call them.
	inTree = regexp.MustCompile(`(?i)^(__file__|getcwd|cwd|instance_path|.*(base|root|project|here|app|src|current|instance).*|.*_?(dir|path))$`)
	// outside are names of what lies elsewhere.
	outside = regexp.MustCompile(`(?i)^(gettempdir|tempfile|mkdtemp|home|expanduser|tmp|temp|.*tmp_?(dir|path))$`)
	// asking are names of what asks the environment.
	asking = regexp.MustCompile(`^(environ|getenv|env|config|dj_database_url)$`)
)

// sqlite notes the SQLite files that a logical line names.
func (s *scanner) sqlite(toks []python.Token) {
	if !s.lite || s.shallow || s.inMain() || len(toks) < 2 || len(s.out.SQLite) >= maxSQLite {
		return
	}
	for i, t := range toks {
		if t.Kind != python.String || !bytes.Contains(s.text(t), sqliteWord) {
			continue
		}
		value, formatted := body(string(s.text(t)))
		switch url := sqliteURL.FindStringSubmatch(value); {
		case sqliteEngines[value]:
			if name := s.entry(toks, i, "NAME"); len(name) > 0 && s.liesInTree(name, 0) {
				s.sqliteFile(toks, SQLiteFile{Place: s.span(name), Name: s.lastString(name), Django: true})
			}
		case url != nil && s.urlInTree(t, url[1], formatted, toks[i+1:]):
			f := SQLiteFile{Place: s.placeOf(t), Name: url[1]}
			if url[1] == "" {
				f.Name = s.lastString(operand(toks[i+2:]))
			}
			s.sqliteFile(toks, f)
		}
	}
}

// lastString is the last part of a path that is put together.
func (s *scanner) lastString(toks []python.Token) string {
	for _, t := range slices.Backward(toks) {
		if t.Kind == python.String {
			text, _ := body(string(s.text(t)))
			return text
		}
	}
	return ""
}

func (s *scanner) sqliteFile(toks []python.Token, f SQLiteFile) {
	f.Line = s.placeOf(toks[0]).Line
	for _, t := range toks {
		f.Otherwise = f.Otherwise || t.Kind == python.Name && asking.MatchString(s.name(t))
	}
	for _, b := range s.blocks {
		f.Otherwise = f.Otherwise || isCondition(b.kw) && !f.Django
	}
	s.out.SQLite = append(s.out.SQLite, f)
}

// urlInTree judges what follows the slashes of the URL in t; after are the tokens
// behind it.
func (s *scanner) urlInTree(t python.Token, file string, formatted bool, after []python.Token) bool {
	switch {
	case file == "": // the path is added to it, or there is none: a database in memory
		return len(after) > 1 && s.is(after[0], "+") && s.liesInTree(operand(after[1:]), 0)
	case formatted && strings.HasPrefix(file, "{"):
		from := bytes.IndexByte(s.text(t), '{') + 1
		to := bytes.IndexByte(s.text(t), '}')
		return to > from && s.liesInTree(s.lexed(t.Start+int32(from), t.Start+int32(to)), 0)
	}
	return relative(file)
}

// operand is what stands up to the next comma or the end of the brackets.
func operand(toks []python.Token) []python.Token {
	depth := 0
	for i, t := range toks {
		switch t.Class {
		case python.ClassOpen:
			depth++
		case python.ClassClose:
			if depth--; depth < 0 {
				return toks[:i]
			}
		case python.ClassComma:
			if depth == 0 {
				return toks[:i]
			}
		}
	}
	return toks
}

// relative reports whether a path as SQLite takes it is one of the tree.
func relative(file string) bool {
	file = strings.TrimPrefix(file, "file:")
	return file != "" && !strings.HasPrefix(file, "/") && !strings.HasPrefix(file, "~") && !strings.HasPrefix(file, ":") &&
		!strings.HasPrefix(file, "?") && !strings.Contains(file, "mode=memory")
}

// liesInTree judges an expression that makes a path. What tells nothing is not
// judged.
func (s *scanner) liesInTree(toks []python.Token, depth int) bool {
	if len(toks) == 1 && toks[0].Kind == python.String {
		file, formatted := body(string(s.text(toks[0])))
		return relative(file) && !formatted
	}
	found := false
	for i, t := range toks {
		switch {
		case t.Kind == python.String:
			if file, _ := body(string(s.text(t))); strings.HasPrefix(file, "/") || strings.Contains(file, ":memory:") {
				return false
			}
		case t.Kind == python.Name && t.Keyword == 0:
			name := s.name(t)
			c, known := s.consts[name]
			switch {
			case outside.MatchString(name):
				return false
			case known && depth < 4 && (i == 0 || !s.is(toks[i-1], ".")):
				value := s.lexed(c.from, c.to)
				if len(value) == 1 && value[0].Kind == python.String {
					if file, _ := body(string(s.text(value[0]))); !relative(file) {
						return false
					}
					found = true
				} else if s.liesInTree(value, depth+1) {
					found = true
				}
			case inTree.MatchString(name):
				found = true
			}
		}
	}
	return found
}

// entry is the value that the innermost dict around toks[i] has for a key.
func (s *scanner) entry(toks []python.Token, i int, key string) []python.Token {
	open, depth := i, 0
	for ; open >= 0; open-- {
		if toks[open].Class == python.ClassClose {
			depth++
		}
		if toks[open].Class == python.ClassOpen {
			if depth == 0 && s.is(toks[open], "{") {
				break
			}
			depth = max(0, depth-1)
		}
	}
	if open < 0 {
		return nil
	}
	end := python.Closing(toks, open)
	if end < 0 {
		return nil
	}
	for _, part := range s.commas(toks[open+1 : end]) {
		if len(part) < 3 || part[0].Kind != python.String || !s.is(part[1], ":") {
			continue
		}
		if name, _ := body(string(s.text(part[0]))); name == key {
			return part[2:]
		}
	}
	return nil
}

// body is a string without its quotes, as it is written, and whether it is an
// f-string.
func body(text string) (string, bool) {
	open := strings.IndexAny(text, `'"`)
	size := 1
	if rest := text[open:]; len(rest) >= 6 && (strings.HasPrefix(rest, `"""`) || strings.HasPrefix(rest, "'''")) {
		size = 3
	}
	return text[open+size : len(text)-size], strings.ContainsAny(text[:open], "fF")
}
