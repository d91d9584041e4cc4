package discover

// newer is syntax that Python has since version 3.minor.
type newer struct {
	minor, pos, width int
	what              string
}

// since notes the newest syntax of the file, its first use.
func (lx *lexer) since(minor, pos, width int, what string) {
	if minor > lx.newest.minor {
		lx.newest = newer{minor, pos, width, what}
	}
}

// tokenSince notes syntax that stands at a token.
func (lx *lexer) tokenSince(minor int, t token, what string) {
	lx.since(minor, int(t.start), int(t.end-t.start), what)
}
