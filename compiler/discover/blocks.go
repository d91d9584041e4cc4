package discover

import (
	"fmt"
	"slices"

	"fngen.dev/fngen/compiler/python"
)

// indent compares the indentation of a new logical line with the blocks around
// it. A fault ends the file: what follows would only repeat it.
func (s *scanner) indent() bool {
	col, alt := s.lx.Column, s.lx.Alt
	top := &s.blocks[len(s.blocks)-1]
	if col == top.column && alt == top.alt && s.opened == nil {
		return true
	}
	first := s.lx.Tokens[0]
	if col > top.column {
		if s.opened == nil {
			return s.syntax("FN1205", int(first.Start), 1, "unexpected indent")
		}
		if alt <= top.alt {
			return s.tabs(first)
		}
		s.blocks = append(s.blocks, block{column: col, alt: alt, scope: s.opened.scope, names: s.opened.names, main: s.opened.main, uses: s.opened.docs})
		return true
	}
	if s.opened != nil && !s.opened.maybe {
		return s.wantBlock(s.opened, first)
	}
	for col < top.column {
		if top.kw == python.KwTry {
			return s.tokenFault("FN1204", first, "expected 'except' or 'finally' block")
		}
		s.blocks = s.blocks[:len(s.blocks)-1]
		top = &s.blocks[len(s.blocks)-1]
	}
	if col != top.column {
		return s.syntax("FN1205", int(first.Start), 1, "unindent does not match any outer indentation level")
	}
	if alt != top.alt {
		return s.tabs(first)
	}
	return true
}

func (s *scanner) tabs(t python.Token) bool {
	return s.syntax("FN1205", int(t.Start), 1, "inconsistent use of tabs and spaces in indentation")
}

func (s *scanner) wantBlock(o *opened, at python.Token) bool {
	return s.syntax("FN1205", int(at.Start), 1,
		fmt.Sprintf("expected an indented block after '%s' on line %d", python.Words[o.kw], s.placeOf(o.at).Line))
}

// unknown stands for a statement that was not understood: anything may follow.
const unknown = python.Codes

// follows lists what each continuation may stand after.
var follows = [python.Codes][]python.Code{
	python.KwElif:    {python.KwIf, python.KwElif},
	python.KwElse:    {python.KwIf, python.KwElif, python.KwFor, python.KwWhile, python.KwExcept},
	python.KwExcept:  {python.KwTry, python.KwExcept},
	python.KwFinally: {python.KwTry, python.KwExcept, python.KwElse},
}

// chain checks that else, except and their like continue something, and that a
// try is continued; then it notes the statement as the last of its level. kw is
// codeNone for a simple statement.
func (s *scanner) chain(kw python.Code, t python.Token) bool {
	b := &s.blocks[len(s.blocks)-1]
	before := b.kw
	b.kw, b.prev = kw, t
	if before == unknown {
		return true
	}
	if allowed := follows[kw]; allowed != nil {
		if slices.Contains(allowed, before) {
			return true
		}
		return s.tokenFault("FN1204", t, fmt.Sprintf("invalid syntax: '%s' continues nothing before it", python.Words[kw]))
	}
	if before == python.KwTry {
		return s.tokenFault("FN1204", t, "expected 'except' or 'finally' block")
	}
	return true
}

// inScope reports the innermost function or class that is open, "" at module
// level.
func (s *scanner) inScope() string {
	for i := len(s.blocks) - 1; i > 0; i-- {
		if s.blocks[i].scope != "" {
			return s.blocks[i].scope
		}
	}
	return ""
}

// inMain reports whether the code here runs only when the file is started as a
// program, below if __name__ == "__main__".
func (s *scanner) inMain() bool {
	for _, b := range s.blocks {
		if b.main {
			return true
		}
	}
	return false
}

// isMain recognises that line.
func (s *scanner) isMain(head []python.Token) bool {
	if len(head) != 4 || !s.is(head[1], "__name__") || head[2].Code != python.OpEqual || head[3].Kind != python.String {
		return false
	}
	text, why := python.Unquote(string(s.text(head[3])))
	return why == "" && text == "__main__"
}

func (s *scanner) text(t python.Token) []byte { return s.lx.Text(t) }

func (s *scanner) is(t python.Token, text string) bool { return s.lx.Is(t, text) }

// neighbours checks each pair of tokens of one statement. Brackets that are open
// at the end are none of its business.
func (s *scanner) neighbours(toks []python.Token) bool {
	if s.thorough {
		return s.pairwise(toks)
	}
	return s.accepts(s.lx.Neighbours(toks))
}

// pairwise does so token by token.
func (s *scanner) pairwise(toks []python.Token) bool { return s.accepts(s.lx.Pairwise(toks)) }

// complete checks that a statement does not stop in the middle.
func (s *scanner) complete(toks []python.Token) bool { return s.accepts(s.lx.Complete(toks)) }

// accepts reports what the grammar refuses, if it does.
func (s *scanner) accepts(e *python.Fault) bool {
	return e == nil || s.syntax(e.Code, e.Pos, e.Width, e.Msg)
}
