package agent

import (
	"io"
	"os"
	"path/filepath"
	"strconv"

	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
)

// purge removes what a destroyed project has left in this node's cache: the
// directory of its user.
func purge(args []string, stderr io.Writer, log console.Logger) int {
	f := console.NewFlags("purge", stderr)
	uid := f.Int("uid", 0, "the project's user `id`")
	dir := f.String("cache", "/var/cache/fngen", "the `directory` of trees and layers")
	if err := console.Parse(f, args); err != nil {
		return log.Usage(err)
	}
	if err := cache.CheckUID(*uid); err != nil {
		return log.Usage(err)
	}
	if err := confine.BecomeRoot(); err != nil {
		log.Say("purge failed: %v", err)
		return console.ExitFailed
	}
	if err := os.RemoveAll(filepath.Join(*dir, strconv.Itoa(*uid))); err != nil {
		log.Say("purge failed: %v", err)
		return console.ExitFailed
	}
	return 0
}
