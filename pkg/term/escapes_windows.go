package term

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableEscapes turns on escape sequences in a Windows console, which older
// ones print as rubbish, and reports whether they work.
func enableEscapes(f *os.File) bool {
	var mode uint32
	h := windows.Handle(f.Fd())
	if windows.GetConsoleMode(h, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
