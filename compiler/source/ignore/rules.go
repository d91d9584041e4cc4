package ignore

import "strings"

// Rules are the patterns of one ignore file.
type Rules struct {
	patterns []Pattern
	// Patterns without a wildcard, by the last name or the whole path that they
	// match: most rules are of this kind, and are found without trying each.
	names, paths map[string][]int
	rest         []int // the other patterns
}

// Parse reads an ignore file. Nothing in one is an error: a pattern that is not
// well formed matches nothing.
func Parse(data []byte) *Rules {
	r := &Rules{patterns: parseLines(data), names: map[string][]int{}, paths: map[string][]int{}}
	for i := range r.patterns {
		switch p := &r.patterns[i]; {
		case p.glob.kind == never:
		case p.glob.kind != literal:
			r.rest = append(r.rest, i)
		case p.anchored:
			r.paths[p.glob.text] = append(r.paths[p.glob.text], i)
		default:
			r.names[p.glob.text] = append(r.names[p.glob.text], i)
		}
	}
	return r
}

// Last returns the last pattern that matches path itself, or nil. The path is
// relative to the directory of the ignore file and has slashes. Nothing is known
// of parents here: the walk that asks does not go into what is ignored.
func (r *Rules) Last(path string, isDir bool) *Pattern {
	name := path[strings.LastIndexByte(path, '/')+1:]
	last := -1
	if len(r.names) > 0 {
		last = r.lastOf(r.names[name], last, isDir)
	}
	if len(r.paths) > 0 {
		last = r.lastOf(r.paths[path], last, isDir)
	}
	for k := len(r.rest) - 1; k >= 0 && r.rest[k] > last; k-- {
		if p := &r.patterns[r.rest[k]]; p.match(path, name, isDir) {
			return p
		}
	}
	if last < 0 {
		return nil
	}
	return &r.patterns[last]
}

// lastOf returns the last of the patterns, all of which match but for their kind
// of file, that comes after the pattern last.
func (r *Rules) lastOf(patterns []int, last int, isDir bool) int {
	for k := len(patterns) - 1; k >= 0 && patterns[k] > last; k-- {
		if isDir || !r.patterns[patterns[k]].dirOnly {
			return patterns[k]
		}
	}
	return last
}

// MayMatchBelow reports whether a pattern that is not negated could match some
// path below dir, so that a walk goes only where there is something to find.
func (r *Rules) MayMatchBelow(dir string) bool {
	for i := range r.patterns {
		if p := &r.patterns[i]; !p.Negated && p.mayMatchBelow(dir) {
			return true
		}
	}
	return false
}
