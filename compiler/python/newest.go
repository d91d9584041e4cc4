package python

// Newer is syntax that Python has since version 3.minor.
type Newer struct {
	Minor, Pos, Width int
	What              string
}

// since notes the newest syntax of the file, its first use.
func (lx *Lexer) since(minor, pos, width int, what string) {
	if minor > lx.Newest.Minor {
		lx.Newest = Newer{minor, pos, width, what}
	}
}

// TokenSince notes syntax that stands at a token.
func (lx *Lexer) TokenSince(minor int, t Token, what string) {
	lx.since(minor, int(t.Start), int(t.End-t.Start), what)
}
