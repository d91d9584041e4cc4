// Package discover finds functions with Powers in Python source without running
// it.
//
// It reads logical lines, so it needs no grammar of Python and is not upset by
// syntax newer than itself: it looks closely only at imports, decorators, def
// lines and constants, and otherwise at what makes a file plainly broken.
// CPython's ast is the oracle of its tests.
package discover

import (
	"bytes"
	"sort"
	"strconv"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// MaxSource is the largest file that is read for Powers.
const MaxSource = 10 << 20

// Scan reads one file and keeps nothing of src. It takes time in proportion to
// the source and cannot fail: what is wrong is in the diagnostics.
func Scan(file string, src []byte) *Module { return new(Reader).Scan(file, src) }

// Reader scans one file after another in the same memory; its zero value is
// ready. It is not for concurrent use.
type Reader struct{ lx python.Lexer }

// Scan is Scan.
func (r *Reader) Scan(file string, src []byte) *Module {
	s := &scanner{lx: &r.lx}
	s.start(file, src)
	s.scan(src)
	r.lx.Src = nil
	return s.out
}

func newScanner(file string, src []byte) *scanner {
	s := &scanner{lx: new(python.Lexer)}
	s.start(file, src)
	return s
}

func (s *scanner) start(file string, src []byte) {
	s.out, s.consts = &Module{File: file}, map[string]constant{}
	s.blocks = append(make([]block, 0, 8), block{names: map[string]string{}})
	s.lx.Reset(src)
	s.marked = bytes.IndexByte(src, '@') >= 0
	s.lite = bytes.Contains(src, sqliteWord) && !isTest(file)
}

func (s *scanner) scan(src []byte) {
	switch i := bytes.IndexByte(src, 0); {
	case len(src) > MaxSource:
		s.out.Diagnostics.Add(diag.Diagnostic{Code: "FN1207", File: s.out.File,
			Message: "the file is larger than " + strconv.Itoa(MaxSource>>20) + " MiB, too large to be searched for Powers",
			Help:    "split it, or keep data in a file of another kind"})
	case i >= 0:
		s.syntax("FN1206", i, 1, "the file holds a null byte")
	default:
		s.run()
	}
	s.exports()
	if n := s.lx.Newest; n.Minor > 0 {
		s.out.Needs = Needs{n.Minor, n.What, s.place(n.Pos, n.Width)}
	}
}

// scanner follows the blocks of a file and remembers what names stand for.
type scanner struct {
	lx     *python.Lexer
	out    *Module
	blocks []block
	// opened points to header, or is nil.
	opened *opened
	header opened
	// decorators wait for the def line.
	decorators []decorator
	consts     map[string]constant
	// docFor is the last def, whose first statement may be its docstring.
	docFor []int
	faults int
	// bound is true once a name stood for something of fngen's.
	bound bool
	// initials are the first bytes of all names that were bound to something: most
	// names of a file begin with none of them, and need not be looked up.
	initials [256]bool
	// seen tells a test what was read; nil otherwise. thorough takes no short way,
	// for tests that short ways lead to the same.
	seen     func(fact)
	thorough bool
	// toldImport hears of the imports that always run; nil when nobody asks. lazily is
	// true of one that only runs when its name is used.
	toldImport func(Import)
	lazily     bool
	across
}

// block is one level of indentation.
type block struct {
	column, alt int
	// scope is "def" or "class" when the block is a scope of its own.
	scope string
	// names maps names bound here to the dotted path that they stand for, "" for
	// anything that is not fngen's.
	names map[string]string
	// prev is the first token of the last statement of this level, kw its keyword.
	prev python.Token
	kw   python.Code
	// main is a block below if __name__ == "__main__".
	main bool
	// uses are the Powers of the function whose body this is.
	uses []int
}

// opened is a line that ended in a colon: a deeper block must follow. After a
// faulty line it only may.
type opened struct {
	at    python.Token
	kw    python.Code
	scope string
	names map[string]string
	maybe bool
	main  bool
	docs  []int
}

func (s *scanner) run() {
	for s.lx.Next() {
		if !s.indent() {
			return
		}
		s.docFor = nil
		if s.opened != nil {
			s.docFor = s.opened.docs
		}
		s.opened = nil
		if s.lx.Long {
			s.lenient()
		} else {
			s.logicalLine(s.lx.Tokens)
			s.environment(s.lx.Tokens)
			s.sqlite(s.lx.Tokens)
		}
		if s.faults > maxFaults || s.tooMany() {
			return
		}
	}
	if s.lx.Err != nil {
		s.broken()
		return
	}
	if len(s.lx.Tokens) == 0 {
		s.end()
	}
}

// What one file may report and hold: far more than a person reads, and little
// enough that a hostile tree costs the control plane nothing.
const (
	maxFaults      = 10
	maxDiagnostics = 50
	maxUses        = 500
)

func (s *scanner) tooMany() bool {
	if len(s.out.Uses) > maxUses {
		last := s.out.Uses[maxUses]
		s.report("FN1216", last.Place, "the file has more than "+strconv.Itoa(maxUses)+" functions with Powers", "spread them over several files")
		return true
	}
	return len(s.out.Diagnostics) > maxDiagnostics
}

// lenient lets pass what follows a line that was not understood: it may have
// opened a block, or continued one.
func (s *scanner) lenient() {
	for _, i := range s.body() {
		s.out.Uses[i].Gives = true // it may have been a return
	}
	s.open(opened{maybe: true})
	s.blocks[len(s.blocks)-1].kw = unknown
}

func (s *scanner) open(o opened) {
	s.header = o
	s.opened = &s.header
}

// broken reports what stopped the lexer, or a fault that stands before it.
func (s *scanner) broken() {
	before, toks := s.faults, s.lx.Tokens
	if s.lx.Long {
		toks = toks[:len(toks)-1] // the last one is not the next
	}
	if len(toks) > 1 && (toks[0].Code == python.OpAt || python.IsSoft(toks[0].Code)) {
		toks = toks[1:]
	}
	s.pairwise(toks)
	if s.faults == before {
		e := s.lx.Err
		s.syntax(e.Code, e.Pos, e.Width, e.Msg)
	}
}

// end checks what the end of the file leaves open.
func (s *scanner) end() {
	if o := s.opened; o != nil && !o.maybe {
		s.wantBlock(o, o.at)
		return
	}
	for _, b := range s.blocks {
		if b.kw == python.KwTry {
			s.tokenFault("FN1204", b.prev, "expected 'except' or 'finally' block")
		}
	}
	s.noFunction(python.Token{})
}

// syntax reports a syntax error and returns false.
func (s *scanner) syntax(code string, pos, width int, msg string) bool {
	s.faults++
	s.out.Diagnostics.Add(diag.Diagnostic{
		Code: code, Message: msg, File: s.out.File, Line: s.place(pos, width).Line,
		Column: s.place(pos, width).Column, Width: width, Help: syntaxHelp[code],
	})
	return false
}

func (s *scanner) tokenFault(code string, t python.Token, msg string) bool {
	return s.syntax(code, int(t.Start), int(t.End-t.Start), msg)
}

func (s *scanner) report(code string, at literal.Place, msg, help string) {
	s.out.Diagnostics.Add(diag.Diagnostic{Code: code, Message: msg, Help: help,
		File: at.File, Line: at.Line, Column: at.Column, Width: at.Width})
}

// place turns an offset into line and column.
func (s *scanner) place(pos, width int) literal.Place {
	starts := s.lx.LineStarts()
	line := sort.Search(len(starts), func(i int) bool { return int(starts[i]) > pos })
	if line == 0 {
		line = 1
	}
	return literal.Place{File: s.out.File, Line: line, Column: pos - int(starts[line-1]) + 1, Width: width}
}

func (s *scanner) placeOf(t python.Token) literal.Place {
	return s.place(int(t.Start), int(t.End-t.Start))
}
