//go:build linux

package preflight

import (
	"slices"
	"testing"
)

func TestCandidates(t *testing.T) {
	const policy = `N: Unable to locate package python3.14
python3.11:
  Installed: 3.11.2-6+deb12u6
  Candidate: 3.11.2-6+deb12u9
  Version table:
     3.11.2-6+deb12u9 500
        500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
python3.12:
  Installed: (none)
  Candidate: 3.12.3-1ubuntu0.8
  Version table:
     3.12.3-1ubuntu0.8 500
python3.13:
  Installed: (none)
  Candidate: (none)
  Version table:
`
	if got := candidates(policy); !slices.Equal(got, []string{"python3.11", "python3.12"}) {
		t.Errorf("candidates are %q", got)
	}
	if got := candidates("  Candidate: 1\n"); got != nil {
		t.Errorf("a version without a name gives %q", got)
	}
}
