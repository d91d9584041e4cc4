package postmortem

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What a build prints is kept whole as long as it is little, and its beginning and
// its end however much it is.
func TestOutputIsBounded(t *testing.T) {
	var few Output
	want := []string{"one", "", "three"}
	for _, line := range want {
		few.Add(line)
	}
	if got := few.Lines(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}

	var many Output
	const count = 1_000_000
	for i := range count {
		many.Add(fmt.Sprintf("line %d", i))
	}
	got := many.Lines()
	size := 0
	for _, line := range got {
		size += len(line) + 1
	}
	if size > headBytes+tailBytes+100 || got[0] != "line 0" || got[len(got)-1] != fmt.Sprintf("line %d", count-1) {
		t.Errorf("%d bytes, from %q to %q", size, got[0], got[len(got)-1])
	}
	at := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, "left out here") })
	if at < 0 || got[at] != fmt.Sprintf("... %d lines, %d bytes, are left out here ...", many.leftLines, many.leftSize) || len(got)-1+many.leftLines != count {
		t.Errorf("%d lines are kept, line %d says what is left out", len(got), at)
	}

	var long Output
	for range 100 {
		long.Add(strings.Repeat("x", 10<<20))
	}
	if size := len(strings.Join(long.Lines(), "\n")); size > headBytes+tailBytes+100 {
		t.Errorf("%d bytes of lines without an end", size)
	}
}
