package discover

import (
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// constant is a module-level name that is bound to a value; from and to are where
// the value stands. It is read when a Power asks for it, which few do.
type constant struct {
	at       python.Token
	from, to int32
	// again is where the name is bound a second time.
	again python.Token
	// sometimes says that the name is bound under a condition.
	sometimes bool
}

// refusal is why a value is not known before the file runs.
type refusal struct {
	why   string
	notes []diag.Note
}

func refuse(why string) *refusal { return &refusal{why: why} }

// constant notes "NAME = value". A name that is bound twice has no one value.
func (s *scanner) constant(name python.Token, value []python.Token) {
	text := s.name(name)
	if _, again := s.consts[text]; again || len(value) == 0 {
		s.notConstant(text, name)
		return
	}
	c := constant{at: name, from: value[0].Start, to: value[len(value)-1].End}
	c.sometimes = len(s.blocks) > 1 || isCondition(s.inlineSuite())
	if i := s.importOf(text); i >= 0 {
		c.at, c.again = s.foreign[i].at, name
	}
	s.consts[text] = c
}

// notConstant notes that a name is bound again at t, in a way that leaves it
// without one value.
func (s *scanner) notConstant(name string, t python.Token) {
	if c, ok := s.consts[name]; ok && c.again.End == 0 {
		c.again = t
		s.consts[name] = c
	}
}

// literal reads a constant expression, or says why it is none.
func (s *scanner) literal(toks []python.Token) (literal.Value, *refusal) {
	for len(toks) > 2 && s.is(toks[0], "(") && python.Closing(toks, 0) == len(toks)-1 && !s.hasComma(toks[1:len(toks)-1]) {
		toks = toks[1 : len(toks)-1]
	}
	if len(toks) == 0 {
		return literal.Value{}, refuse(notConstant)
	}
	first := toks[0]
	switch {
	case first.Kind == python.String:
		return s.stringLiteral(toks)
	case first.Class == python.ClassOpen:
		return s.container(toks)
	case len(toks) == 2 && toks[1].Kind == python.Number && (s.is(first, "-") || s.is(first, "+")):
		return number(string(s.text(first)) + string(s.text(toks[1])))
	case len(toks) == 1 && first.Kind == python.Number:
		return number(string(s.text(first)))
	case first.Kind != python.Name || len(toks) > 1 && !s.is(toks[1], "."):
		return literal.Value{}, refuse(notConstant)
	}
	switch {
	case s.is(first, "True"), s.is(first, "False"):
		return literal.Value{Kind: literal.Bool, Bool: s.is(first, "True")}, nil
	case s.is(first, "None"):
		return literal.Value{Kind: literal.None}, nil
	}
	dotted, rest := s.dotted(toks)
	if dotted == "" || len(rest) > 0 {
		return literal.Value{}, refuse(notConstant)
	}
	return s.named(dotted)
}

const notConstant = "the value is not a constant"

// named is the value of the constant that a name stands for, of this file or, in
// the second reading, of another.
func (s *scanner) named(dotted string) (literal.Value, *refusal) {
	if c, known := s.consts[dotted]; known {
		return s.value(dotted, c)
	}
	path := s.resolve(dotted)
	switch {
	case s.modules != nil && path != "":
		return s.modules.constant(s.out.File, path, dotted)
	case s.modules == nil && s.refer(dotted) != "":
		s.out.Constants = appendNew(s.out.Constants, s.refer(dotted))
	}
	return literal.Value{}, refuse(strconv.Quote(dotted) + " is not a name with one constant value in this file")
}

// value is what a constant of this file is worth here.
func (s *scanner) value(name string, c constant) (literal.Value, *refusal) {
	switch {
	case c.again.End > 0:
		r := refuse(strconv.Quote(name) + " has more than one value")
		r.notes = []diag.Note{noteAt("it is bound here", s.placeOf(c.at)), noteAt("and here", s.placeOf(c.again))}
		return literal.Value{}, r
	case s.asked >= maxAsked || s.reread > 64<<10+8*len(s.lx.Src):
		return literal.Value{}, refuse(strconv.Quote(name) + " leads on and on to other names")
	}
	s.asked++
	s.reread += int(c.to - c.from)
	v, refused := s.literal(s.lexed(c.from, c.to))
	s.asked--
	if refused != nil {
		r := refuse(strconv.Quote(name) + " is not a constant")
		r.notes = append([]diag.Note{noteAt(refused.why, s.placeOf(c.at))}, refused.notes...)
		return literal.Value{}, r
	}
	return v, nil
}

// maxAsked is how many names may lead from one to the next. What is read for
// them is bounded too, in proportion to the file.
const maxAsked = 20

// lexed cuts a part of the source into tokens once more, up to what is no part of
// an expression, such as the format of a field.
func (s *scanner) lexed(from, to int32) []python.Token {
	var lx python.Lexer
	lx.Reset(s.lx.Src[from:to])
	lx.Next()
	for i := range lx.Tokens {
		lx.Tokens[i].Start += from
		lx.Tokens[i].End += from
	}
	return lx.Tokens
}

func noteAt(msg string, at literal.Place) diag.Note {
	return diag.Note{Message: msg, File: at.File, Line: at.Line, Column: at.Column}
}

// hasComma reports whether brackets around toks would be those of a tuple.
func (s *scanner) hasComma(toks []python.Token) bool {
	depth := 0
	for _, t := range toks {
		switch t.Class {
		case python.ClassOpen:
			depth++
		case python.ClassClose:
			depth--
		case python.ClassComma:
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// maxItems of a list are read; a longer one is data.
const maxItems = 1000

// container reads a list or tuple of constants; of a dict only that it is one.
func (s *scanner) container(toks []python.Token) (literal.Value, *refusal) {
	if python.Closing(toks, 0) != len(toks)-1 {
		return literal.Value{}, refuse(notConstant)
	}
	v := literal.Value{Kind: literal.List}
	switch {
	case s.is(toks[0], "{"):
		v.Kind = literal.Dict
		return v, nil
	case s.is(toks[0], "("):
		v.Kind = literal.Tuple
	}
	parts := s.commas(toks[1 : len(toks)-1])
	if len(parts) > maxItems {
		return literal.Value{}, refuse("the list is too long to be read")
	}
	for _, part := range parts {
		item, refused := s.literal(part)
		if refused != nil {
			return literal.Value{}, refused
		}
		item.Place = s.span(part)
		v.Items = append(v.Items, item)
	}
	return v, nil
}

func number(text string) (literal.Value, *refusal) {
	clean := strings.ReplaceAll(text, "_", "")
	if n, err := strconv.ParseInt(clean, 0, 64); err == nil {
		return literal.Value{Kind: literal.Int, Int: n}, nil
	}
	if f, err := strconv.ParseFloat(clean, 64); err == nil && strings.ContainsAny(clean, ".eE") && !strings.ContainsAny(clean, "xX") {
		return literal.Value{Kind: literal.Float, Float: f}, nil
	}
	return literal.Value{}, refuse("the number " + text + " is not one that an option can have")
}

// stringLiteral joins adjacent strings as Python does.
func (s *scanner) stringLiteral(toks []python.Token) (literal.Value, *refusal) {
	var b strings.Builder
	for _, t := range toks {
		if t.Kind != python.String {
			return literal.Value{}, refuse(notConstant)
		}
		text, why := python.Unquote(string(s.text(t)))
		if why != "" {
			return literal.Value{}, refuse(why)
		}
		b.WriteString(text)
	}
	return literal.Value{Kind: literal.Str, Str: b.String()}, nil
}
