package ignore

import "strings"

// glob is a compiled pattern. What is no literal and no plain suffix is a line of
// steps that is run as a set of states, one byte of the text at a time, so that
// no pattern makes it go back.
type glob struct {
	kind kind
	// text is the literal or the suffix, and the literal start of the steps.
	text  string
	steps []step
	// Most texts do not match, and show it at once: they lack need, or end in a
	// byte that is not in end, when there is one.
	need string
	end  *set
}

type kind uint8

const (
	never   kind = iota // not well formed
	literal             // name
	suffix              // *.ext
	steps
)

type op uint8

const (
	opByte   op = iota // this byte
	opAny              // ?: any byte but a slash
	opSet              // [...]: never a slash
	opStar             // *: any bytes but slashes
	opAll              // ** at the end, or before an escaped slash: anything
	opDirs             // **/: no directory, or go on in opInside
	opInside           // bytes of the directories that **/ stands for
)

type step struct {
	op  op
	b   byte
	set *set
}

// compile reads a pattern without its "!", leading and trailing slash. In a path
// pattern two stars between slashes cross directories.
func compile(text string, path bool) glob {
	special := strings.IndexAny(text, `*?[\`)
	if special < 0 {
		return glob{kind: literal, text: text}
	}
	if rest := text[1:]; !path && text[0] == '*' && rest != "" && !strings.ContainsAny(rest, `*?[\`) {
		return glob{kind: suffix, text: rest}
	}
	g := glob{kind: steps, text: text[:special]}
	for i := special; i < len(text); {
		var ok bool
		if i, ok = g.add(text, i, path); !ok {
			return glob{kind: never}
		}
	}
	g.find()
	return g
}

// find looks for what a text that matches must have.
func (g *glob) find() {
	var run []byte
	for _, st := range g.steps {
		if st.op != opByte {
			run = run[:0]
			continue
		}
		if run = append(run, st.b); len(run) > len(g.need) {
			g.need = string(run)
		}
	}
	switch last := g.steps[len(g.steps)-1]; last.op {
	case opSet:
		g.end = last.set
	case opByte:
		g.end = &set{}
		g.end.add(last.b)
	}
}

// add compiles what stands at i and returns where the next part starts.
func (g *glob) add(text string, i int, path bool) (int, bool) {
	switch text[i] {
	case '*':
		return g.addStars(text, i, path), true
	case '?':
		g.steps = append(g.steps, step{op: opAny})
		return i + 1, true
	case '[':
		s, next, ok := parseSet(text, i)
		g.steps = append(g.steps, step{op: opSet, set: s})
		return next, ok
	case '\\':
		if i++; i == len(text) {
			return i, false
		}
	}
	g.steps = append(g.steps, step{op: opByte, b: text[i]})
	return i + 1, true
}

func (g *glob) addStars(text string, i int, path bool) int {
	end := i
	for end < len(text) && text[end] == '*' {
		end++
	}
	rest := text[end:]
	switch free := path && end-i > 1 && (i == 0 || text[i-1] == '/'); {
	case free && rest == "":
		g.steps = append(g.steps, step{op: opAll})
	case free && rest[0] == '/':
		g.steps = append(g.steps, step{op: opDirs}, step{op: opInside})
		end++
	case free && strings.HasPrefix(rest, `\/`):
		// To git that is no slash by which the stars may stand for no directory.
		g.steps = append(g.steps, step{op: opAll})
	default:
		g.steps = append(g.steps, step{op: opStar})
	}
	return end
}

func (g *glob) match(text string) bool {
	switch g.kind {
	case literal:
		return text == g.text
	case suffix:
		return strings.HasSuffix(text, g.text)
	case steps:
		return g.matchSteps(text)
	}
	return false
}

func (g *glob) matchSteps(text string) bool {
	rest, ok := strings.CutPrefix(text, g.text)
	if !ok || g.end != nil && (rest == "" || !g.end.has(rest[len(rest)-1])) || !strings.Contains(rest, g.need) {
		return false
	}
	matched, _ := g.run(rest)
	return matched
}

// alive reports whether something below dir can match.
func (g *glob) alive(dir string) bool {
	switch g.kind {
	case literal:
		return len(g.text) > len(dir) && g.text[len(dir)] == '/' && strings.HasPrefix(g.text, dir)
	case suffix:
		return true
	case steps:
		dir += "/"
		if len(dir) <= len(g.text) {
			return strings.HasPrefix(g.text, dir)
		}
		if !strings.HasPrefix(dir, g.text) {
			return false
		}
		_, alive := g.run(dir[len(g.text):])
		return alive
	}
	return false
}
