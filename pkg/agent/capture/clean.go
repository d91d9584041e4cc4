package capture

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxMessage is the most of an entry that is kept, in bytes.
const MaxMessage = 64 << 10

// clean makes text of what was written: bytes that are none become U+FFFD, and what is
// too long is cut. dropped are bytes that were cut before.
func clean(b []byte, dropped int) string {
	if len(b) > MaxMessage {
		end := MaxMessage
		for end > MaxMessage-utf8.UTFMax && !utf8.RuneStart(b[end]) {
			end--
		}
		b, dropped = b[:end], dropped+len(b)-end
	}
	text := strings.ToValidUTF8(strings.ReplaceAll(string(b), "\x00", "\uFFFD"), "\uFFFD")
	if dropped > 0 {
		text += fmt.Sprintf(" [fngen: %d more bytes cut]", dropped)
	}
	return text
}
