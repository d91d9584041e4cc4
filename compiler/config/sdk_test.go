package config

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/ir"
)

// TestSDKVersion holds that the package has the version that it is said to have.
func TestSDKVersion(t *testing.T) {
	for file, form := range map[string]string{
		"pyproject.toml":        `(?m)^version = "(.*)"$`,
		"src/fngen/__init__.py": `(?m)^__version__ = "(.*)"$`,
		"uv.lock":               `(?m)^name = "fngen"\nversion = "(.*)"$`,
	} {
		text, err := os.ReadFile("../../sdk/python/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(form).FindSubmatch(text); m == nil || string(m[1]) != ir.SDKVersion {
			t.Errorf("%s does not say %s", file, ir.SDKVersion)
		}
	}
}

func TestFits(t *testing.T) {
	for specifiers, want := range map[string]bool{
		"": true, "==1.0.0": true, "==1.0": true, "==1": true, "==1.*": true, "==1.0.*": true, "==01.0.0": true,
		"==0.9.20": false, "==1.0.1": false, "==1.1.*": false, "==1.0.0.0": true, "==1.0.0.1": false, "==1.0.0.*": true,
		">=0.9": true, ">=1.0.1": false, ">0.9,<1": false, ">0.9, < 2": true, "<1.0.0": false, "<=1.0.0": true, ">1.0.0": false, "!=1.0.0": false,
		"!=1.*": false, "!=0.9.20": true, "~=1.0": true, "~=0.9.20": false, "~=0.9": false, "~=1.0.1": false, "~=1.0.0": true,
		"===1.0.0": true, "===0.9.20": false, "==0.9.20rc1": false, ">=99999999999999999999": false, ">= 0.9": true,
	} {
		if got := fits("1.0.0", strings.FieldsFunc(specifiers, func(c rune) bool { return c == ',' })); got != want {
			t.Errorf("%q: %v", specifiers, got)
		}
	}
}
