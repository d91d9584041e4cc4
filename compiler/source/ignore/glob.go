package ignore

import "strings"

// glob is a compiled pattern: a line of steps that is run as a set of states, one
// byte of the text at a time, so that no pattern makes it go back.
type glob struct {
	steps []step
	// literal and suffix are the two everyday shapes, "name" and "*.ext".
	literal, suffix string
	never           bool
}

type op uint8

const (
	opByte   op = iota // this byte
	opAny              // ?: any byte but a slash
	opSet              // [...]: never a slash
	opStar             // *: any bytes but slashes
	opAll              // trailing **: anything
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
	if !strings.ContainsAny(text, `*?[\`) {
		return glob{literal: text}
	}
	if rest := text[1:]; !path && text[0] == '*' && rest != "" && !strings.ContainsAny(rest, `*?[\`) {
		return glob{suffix: rest}
	}
	g := glob{}
	for i := 0; i < len(text); {
		var ok bool
		if i, ok = g.add(text, i, path); !ok {
			return glob{never: true}
		}
	}
	return g
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
		g.steps = append(g.steps, step{op: opDirs}, step{op: opInside})
		end += 2
	default:
		g.steps = append(g.steps, step{op: opStar})
	}
	return end
}

func (g *glob) match(text string) bool {
	switch {
	case g.never:
		return false
	case g.suffix != "":
		return strings.HasSuffix(text, g.suffix)
	case g.steps == nil:
		return text == g.literal
	}
	states := g.run(text)
	return states != nil && states[len(g.steps)]
}

// alive reports whether text can be the start of something that matches.
func (g *glob) alive(text string) bool {
	switch {
	case g.never:
		return false
	case g.suffix != "":
		return true
	case g.steps == nil:
		return strings.HasPrefix(g.literal, text)
	}
	states := g.run(text)
	for i := 0; states != nil && i < len(g.steps); i++ {
		if states[i] {
			return true
		}
	}
	return false
}

// run returns the states after the whole of text, or nil when none is left.
func (g *glob) run(text string) []bool {
	if first := g.steps[0]; first.op == opByte && (text == "" || text[0] != first.b) {
		return nil
	}
	now, next := make([]bool, len(g.steps)+1), make([]bool, len(g.steps)+1)
	g.enter(now, 0)
	for i := 0; i < len(text); i++ {
		clear(next)
		any := false
		for s := range g.steps {
			if now[s] && g.consume(next, s, text[i]) {
				any = true
			}
		}
		if !any {
			return nil
		}
		now, next = next, now
	}
	return now
}

// enter marks state s and all that it reaches without a byte.
func (g *glob) enter(states []bool, s int) {
	for ; !states[s]; s++ {
		states[s] = true
		if s == len(g.steps) {
			return
		}
		switch g.steps[s].op {
		case opStar, opAll:
		case opDirs:
			states[s+1] = true // inside
			s++                // and past it
		default:
			return
		}
	}
}

// consume moves state s over one byte and reports whether it lives on.
func (g *glob) consume(next []bool, s int, b byte) bool {
	st := g.steps[s]
	switch st.op {
	case opByte:
		if b != st.b {
			return false
		}
		g.enter(next, s+1)
	case opAny:
		if b == '/' {
			return false
		}
		g.enter(next, s+1)
	case opSet:
		if b == '/' || !st.set.has(b) {
			return false
		}
		g.enter(next, s+1)
	case opStar:
		if b == '/' {
			return false
		}
		g.enter(next, s)
	case opAll:
		g.enter(next, s)
	case opDirs:
		return false
	case opInside:
		next[s] = true
		if b == '/' {
			g.enter(next, s+1)
		}
	}
	return true
}
