package discover

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSDKNames holds what a push lets be imported from fngen to what the SDK has.
func TestSDKNames(t *testing.T) {
	const sdk = "../../sdk/python/src/fngen"
	entries, err := os.ReadDir(sdk)
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, e := range entries {
		name, isFile := strings.CutSuffix(e.Name(), ".py")
		if (isFile || e.IsDir()) && !strings.HasPrefix(name, "_") {
			modules = append(modules, name)
		}
	}
	if diff := cmp.Diff(modules, slices.Sorted(slices.Values(sdkModules))); diff != "" {
		t.Errorf("the modules of fngen: %s", diff)
	}
	text, err := os.ReadFile(sdk + "/__init__.py")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^__all__ = \[(.*)\]$`).FindStringSubmatch(string(text))
	if all == nil {
		t.Fatal("fngen has no __all__")
	}
	var names []string
	for _, m := range regexp.MustCompile(`"([A-Za-z]\w*)"`).FindAllStringSubmatch(all[1], -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(slices.Values(packageNames))); diff != "" {
		t.Errorf("the names of fngen: %s", diff)
	}
}
