package discover

import (
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/python"
)

// parameters reads the parameters of a def; toks[i] is its bracket, or that of
// its type parameters.
func (s *scanner) parameters(toks []python.Token, i int) []ir.Parameter {
	if s.is(toks[i], "[") {
		if i = python.Closing(toks, i) + 1; i == 0 || i >= len(toks) {
			return nil
		}
	}
	end := python.Closing(toks, i)
	if end < 0 {
		return nil
	}
	out := []ir.Parameter{}
	kind := "positional_or_keyword"
	for _, part := range s.commas(toks[i+1 : end]) {
		if len(part) == 0 {
			continue
		}
		switch {
		case len(part) == 1 && s.is(part[0], "/"):
			for n := range out {
				out[n].Kind = "positional_only"
			}
		case len(part) == 1 && s.is(part[0], "*"):
			kind = "keyword_only"
		case len(part) == 1 && s.is(part[0], "**"):
			s.tokenFault("FN1204", part[0], "invalid syntax: a name is missing after '**'")
		case s.is(part[0], "*"):
			out = append(out, s.parameter(part[1:], "var_positional"))
			kind = "keyword_only"
		case s.is(part[0], "**"):
			out = append(out, s.parameter(part[1:], "var_keyword"))
		default:
			out = append(out, s.parameter(part, kind))
		}
	}
	return out
}

// parameter reads "name: annotation = default".
func (s *scanner) parameter(toks []python.Token, kind string) ir.Parameter {
	p := ir.Parameter{Name: s.name(toks[0]), Kind: kind}
	rest := toks[1:]
	equals := len(rest)
	depth := 0
	for i, t := range rest {
		switch c := t.Class; {
		case c == python.ClassOpen:
			depth++
		case c == python.ClassClose:
			depth--
		}
		if depth == 0 && s.is(t, "=") {
			equals = i
			break
		}
	}
	if equals > 1 && s.is(rest[0], ":") {
		p.Annotation = s.source(rest[1:equals])
	}
	if equals+1 < len(rest) {
		p.Default = s.source(rest[equals+1:])
	}
	return p
}

// source is the text of tokens as written, on one line and without comments.
func (s *scanner) source(toks []python.Token) *string {
	var b strings.Builder
	for i, t := range toks {
		if i > 0 {
			between := s.lx.Src[toks[i-1].End:t.Start]
			switch {
			case t.Line != toks[i-1].Line || strings.ContainsAny(string(between), "\\\n\r#"):
				b.WriteByte(' ')
			default:
				b.Write(between)
			}
		}
		b.Write(s.text(t))
	}
	text := b.String()
	return &text
}

// body lists the Powers of the function whose body is open, if it has any.
func (s *scanner) body() []int {
	for i := len(s.blocks) - 1; i > 0; i-- {
		if s.blocks[i].scope != "" {
			return s.blocks[i].uses
		}
	}
	return nil
}

// yields notes that a function is a generator. What follows a lambda may belong
// to it.
func (s *scanner) yields(toks []python.Token, uses []int) {
	if len(uses) == 0 {
		return
	}
	for _, t := range toks {
		switch {
		case s.is(t, "lambda"):
			return
		case s.is(t, "yield"):
			for _, i := range uses {
				s.out.Uses[i].Generator = true
			}
			return
		}
	}
}

// gives notes that a function returns a value, or that its body raises whatever
// happens: a return or raise stands for itself, or after a semicolon.
func (s *scanner) gives(toks []python.Token, uses []int, always bool) {
	for n, t := range toks {
		if len(uses) == 0 || n > 0 && toks[n-1].Code != python.OpSemicolon {
			continue
		}
		if t.Code == python.KwReturn && !nothingAfter(toks[n+1:]) || t.Code == python.KwRaise && always {
			for _, i := range uses {
				s.out.Uses[i].Gives = true
			}
		}
	}
}

// nothingAfter reports whether what follows a return is None or nothing.
func nothingAfter(toks []python.Token) bool {
	if len(toks) > 0 && toks[0].Code == python.KwNone {
		toks = toks[1:]
	}
	return len(toks) == 0 || toks[0].Code == python.OpSemicolon
}
