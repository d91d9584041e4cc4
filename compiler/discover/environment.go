package discover

import (
	"path"
	"strings"
)

func (s *scanner) watched(module string) bool { return false }

// isTest reports whether a file is read by a test runner or a build tool, not by
// the platform.
func isTest(file string) bool {
	dir, name := path.Split(file)
	for part := range strings.SplitSeq(dir, "/") {
		if part == "tests" || part == "test" || part == "testing" {
			return true
		}
	}
	return strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") ||
		name == "conftest.py" || name == "setup.py" || name == "noxfile.py"
}
