package dependencies

import (
	"reflect"
	"testing"
)

func TestLogicalLines(t *testing.T) {
	got := logicalLines("r.txt", "a # why\r\n# b \\\nc==1 \\\n  --hash=x\n\n  d#e\n\\\n")
	want := []reqLine{{"r.txt", 1, "a"}, {"r.txt", 3, "c==1    --hash=x"}, {"r.txt", 6, "d#e"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
