//go:build !windows

package term

import "os"

// enableEscapes reports whether the terminal takes escape sequences.
func enableEscapes(*os.File) bool { return true }
