package ignore

import "math/bits"

// states is a set of places between the steps of a glob: bit s says that all
// before step s is matched.
type states []uint64

func (s states) has(n int) bool { return s[n>>6]&(1<<(n&63)) != 0 }
func (s states) add(n int)      { s[n>>6] |= 1 << (n & 63) }

// run returns whether the whole of text matches the steps, and whether a longer
// text could.
func (g *glob) run(text string) (matched, alive bool) {
	// Room for the states of everyday patterns, so that a match allocates nothing.
	var roomNow, roomNext [4]uint64
	now, next := states(roomNow[:]), states(roomNext[:])
	if words := len(g.steps)/64 + 1; words <= len(roomNow) {
		now, next = now[:words], next[:words]
	} else {
		now, next = make(states, words), make(states, words)
	}
	g.enter(now, 0)
	for i := 0; i < len(text); i++ {
		clear(next)
		if !g.advance(now, next, text[i]) {
			return false, false
		}
		now, next = next, now
	}
	matched = now.has(len(g.steps))
	for s := range g.steps {
		alive = alive || now.has(s)
	}
	return matched, alive
}

// advance moves every state over one byte, and reports whether one lives on.
func (g *glob) advance(now, next states, b byte) bool {
	alive := false
	for w, word := range now {
		for ; word != 0; word &= word - 1 {
			s := w<<6 + bits.TrailingZeros64(word)
			if s < len(g.steps) && g.consume(next, s, b) {
				alive = true
			}
		}
	}
	return alive
}

// enter marks state s and all that it reaches without a byte.
func (g *glob) enter(to states, s int) {
	for ; !to.has(s); s++ {
		to.add(s)
		if s == len(g.steps) {
			return
		}
		switch g.steps[s].op {
		case opStar, opAll:
		case opDirs:
			to.add(s + 1) // inside
			s++           // and past it
		default:
			return
		}
	}
}

// consume moves state s over one byte and reports whether it lives on.
func (g *glob) consume(next states, s int, b byte) bool {
	st := &g.steps[s]
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
		next.add(s)
		if b == '/' {
			g.enter(next, s+1)
		}
	}
	return true
}
