package python

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"regexp"
	"unicode/utf8"
)

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	coding        = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`)
)

// otherEncoding reports whether one of the first two lines names an encoding
// that is not UTF-8 (PEP 263).
func otherEncoding(src []byte) bool {
	for range 2 {
		line, after, _ := bytes.Cut(src, []byte("\n"))
		if bytes.Contains(line, []byte("coding")) {
			if m := coding.FindSubmatch(line); m != nil {
				name := string(bytes.ToLower(m[1]))
				return name != "utf-8" && name != "utf8"
			}
		}
		src = after
	}
	return false
}

// newline steps over a line end of n bytes.
func (lx *Lexer) newline(n int) {
	lx.pos += n
	lx.line++
}

// eol returns how many bytes the line end at i takes, 0 when there is none.
func (lx *Lexer) eol(i int) int {
	switch {
	case i >= len(lx.Src):
		return 0
	case lx.Src[i] == '\n':
		return 1
	case lx.Src[i] != '\r':
		return 0
	case i+1 < len(lx.Src) && lx.Src[i+1] == '\n':
		return 2
	}
	return 1
}

// lineEnds counts the line ends of text, which does not stop inside one.
func (lx *Lexer) lineEnds(text []byte) int32 {
	n := bytes.Count(text, []byte("\n"))
	if lx.returns {
		n += bytes.Count(text, []byte("\r")) - bytes.Count(text, []byte("\r\n"))
	}
	return int32(n)
}

// LineStarts are where the lines of the source start. Few files ever ask.
func (lx *Lexer) LineStarts() []int32 {
	if len(lx.starts) > 0 {
		return lx.starts
	}
	first := 0
	if bytes.HasPrefix(lx.Src, byteOrderMark) {
		first = len(byteOrderMark)
	}
	lx.starts = append(lx.starts, int32(first))
	if lx.returns {
		for i := 0; i < len(lx.Src); i++ {
			if n := lx.eol(i); n > 0 {
				i += n - 1
				lx.starts = append(lx.starts, int32(i+1))
			}
		}
		return lx.starts
	}
	for at := 0; ; {
		i := bytes.IndexByte(lx.Src[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
		lx.starts = append(lx.starts, int32(at))
	}
	return lx.starts
}

// indentation skips blank lines and measures the white space before the first
// token. It is false at the end of the source.
func (lx *Lexer) indentation() bool {
	for lx.pos < len(lx.Src) {
		start := lx.pos
		lx.pos = skipSpaces(lx.Src, start)
		lx.Column, lx.Alt = lx.pos-start, lx.pos-start
		if lx.pos < len(lx.Src) && byteClasses[lx.Src[lx.pos]] == bySpace {
			lx.tabbed()
		}
		if lx.pos == len(lx.Src) {
			return false
		}
		switch byteClasses[lx.Src[lx.pos]] {
		case byHash:
			if !lx.comment() {
				return false
			}
			if n := lx.eol(lx.pos); n > 0 {
				lx.newline(n)
			}
		case byEnd:
			lx.newline(lx.eol(lx.pos))
		case byBackslash:
			if lx.Column > 0 {
				return true // what stands before the first backslash counts
			}
			if !lx.continuation() {
				return false
			}
		default:
			return true
		}
	}
	return false
}

// tabbed goes on measuring at a tab or a form feed.
func (lx *Lexer) tabbed() {
	for ; lx.pos < len(lx.Src); lx.pos++ {
		switch lx.Src[lx.pos] {
		case ' ':
			lx.Column++
			lx.Alt++
		case '\t':
			lx.Column = (lx.Column/8 + 1) * 8
			lx.Alt++
		case '\f':
			lx.Column, lx.Alt = 0, 0
		default:
			return
		}
	}
}

// skipSpaces returns the first place from pos that is not a space; it looks at
// eight at a time.
func skipSpaces(src []byte, pos int) int {
	const spaces = 0x2020202020202020
	for pos+8 <= len(src) {
		if other := binary.LittleEndian.Uint64(src[pos:]) ^ spaces; other != 0 {
			return pos + bits.TrailingZeros64(other)/8
		}
		pos += 8
	}
	for pos < len(src) && src[pos] == ' ' {
		pos++
	}
	return pos
}

// comment goes to the end of the physical line.
func (lx *Lexer) comment() bool {
	text := lx.Src[lx.pos:]
	if end := lx.lineEnd(text); end >= 0 {
		text = text[:end]
	}
	if !lx.bytesOnly && !utf8.Valid(text) {
		return lx.notText(text)
	}
	lx.pos += len(text)
	return true
}

// lineEnd is where the physical line ends that text starts in, or -1.
func (lx *Lexer) lineEnd(text []byte) int {
	if lx.returns {
		return bytes.IndexAny(text, "\r\n")
	}
	return bytes.IndexByte(text, '\n')
}

// notText reports the first byte of text, which starts at pos, that is no UTF-8.
func (lx *Lexer) notText(text []byte) bool {
	pos := lx.pos
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			break
		}
		pos, text = pos+n, text[n:]
	}
	return lx.fail("FN1206", pos, 1, "the file is not UTF-8")
}

func (lx *Lexer) continuation() bool {
	n := lx.eol(lx.pos + 1)
	switch {
	case n == 0 && lx.pos+1 < len(lx.Src):
		return lx.fail("FN1204", lx.pos, 1, "unexpected character after line continuation character")
	case lx.pos+1+n >= len(lx.Src):
		if lx.depth > 0 {
			return lx.neverClosed()
		}
		return lx.fail("FN1204", lx.pos, 1, "unexpected end of the file after a backslash")
	}
	lx.newline(1 + n)
	return true
}
