package agent

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// purge removes what a destroyed project has left in this node's cache: the
// directory of its user.
func purge(args []string, stderr io.Writer, log logger) int {
	flags := flag.NewFlagSet("purge", flag.ContinueOnError)
	flags.SetOutput(stderr)
	uid := flags.Int("uid", 0, "the project's user")
	dir := flags.String("cache", "/var/cache/fngen", "the node's cache")
	if err := flags.Parse(args); err != nil {
		return log.usage(err)
	}
	if *uid <= 0 {
		return log.usage(fmt.Errorf("--uid: %d is no project's user", *uid))
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
