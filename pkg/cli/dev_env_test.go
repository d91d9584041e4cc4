package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestReadVariables(t *testing.T) {
	text := "# of the shop\n\nA=1\nexport B_2=two words\n  C=\"x = y\"\nD='it'\nE=\nURL=postgres://u:p@h/db?x=1&y=2\r\n"
	got, err := readVariables(".env", []byte(text))
	want := []string{"A=1", "B_2=two words", "C=x = y", "D=it", "E=", "URL=postgres://u:p@h/db?x=1&y=2"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"A=secret$HOME", "A=secret # x", `A="secret`, `A=se"cr"et`, `A="a\nsecret"`, "A", "A = secret", "1A=secret", "A='a'secret'"} {
		_, err := readVariables(".env", []byte("X=1\n"+bad+"\n"))
		if err == nil || !strings.Contains(err.Error(), ".env:2") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzReadVariables holds that no text is read as something else than lines of a name
// and a value.
func FuzzReadVariables(f *testing.F) {
	for _, seed := range []string{"A=1\n", "A=\"b\"\n# c\n", "export A=b c", "A='\n'", "\x00=\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readVariables("x", data)
		if err != nil && got != nil {
			t.Errorf("%q beside %v", got, err)
		}
		for _, v := range got {
			name, value, ok := strings.Cut(v, "=")
			if !ok || name == "" || strings.ContainsAny(value, "\n\x00") || !strings.Contains(string(data), value) {
				t.Errorf("%q of %q", v, data)
			}
		}
	})
}
