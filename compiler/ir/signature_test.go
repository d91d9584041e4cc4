package ir

import "testing"

func TestSignature(t *testing.T) {
	text := func(s string) *string { return &s }
	for want, f := range map[string]Function{
		"()": {},
		"(a, /, b: int = 1, *, c='x', **rest)": {Parameters: []Parameter{
			{Name: "a", Kind: "positional_only"}, {Name: "b", Kind: "positional_or_keyword", Annotation: text("int"), Default: text("1")},
			{Name: "c", Kind: "keyword_only", Default: text("'x'")}, {Name: "rest", Kind: "var_keyword"},
		}},
		"(*args: str, c)": {Parameters: []Parameter{
			{Name: "args", Kind: "var_positional", Annotation: text("str")}, {Name: "c", Kind: "keyword_only"},
		}},
		"(a, /)": {Parameters: []Parameter{{Name: "a", Kind: "positional_only"}}},
	} {
		if got := f.Signature(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
