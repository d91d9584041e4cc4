package agent

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// purge removes what a destroyed project has left in this node's cache: the
// directory of its user.
func purge(args []string, stderr io.Writer, log logger) int {
	f := newFlags("purge", stderr)
	uid := f.Int("uid", 0, "the project's user `id`")
	dir := f.String("cache", "/var/cache/fngen", "the `directory` of trees and layers")
	if err := parse(f, args); err != nil {
		return log.usage(err)
	}
	if err := checkUID(*uid); err != nil {
		return log.usage(err)
	}
	if err := becomeRoot(); err != nil {
		log.say("purge failed: %v", err)
		return exitFailed
	}
	if err := os.RemoveAll(filepath.Join(*dir, strconv.Itoa(*uid))); err != nil {
		log.say("purge failed: %v", err)
		return exitFailed
	}
	return 0
}
