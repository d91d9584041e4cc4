package guard

import (
	"errors"
	"strings"
	"testing"
)

func TestDo(t *testing.T) {
	want := errors.New("an error")
	if err := Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
	err := Do(func() error {
		var none map[string]int
		none["a"] = 1
		return nil
	})
	met, ok := errors.AsType[*Panic](err)
	if !ok || !strings.Contains(err.Error(), "nil map") || !strings.Contains(string(met.Stack), "guard_test.go") {
		t.Errorf("%v", err)
	}
}
