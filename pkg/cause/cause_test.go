package cause

import (
	"io/fs"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestParse gives a record as the runtime writes it.
func TestParse(t *testing.T) {
	c, err := Parse([]byte(`{"version": 1, "kind": "import", "at": 1795706259.78, "type": "KeyError", "message": "KeyError: 'SECRET_KEY'",
		"frames": [{"file": "app.py", "line": 1, "column": 1, "width": 12, "function": "<module>"},
			{"file": "shop/settings.py", "line": 4, "column": 7, "width": 24, "function": "<module>"}],
		"variable": "SECRET_KEY", "id": "85e58614e5da1751", "causes": [{"message": "ValueError: x", "frames": []}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if at := c.Innermost(); c.Kind != Import || c.Variable != "SECRET_KEY" || at.File != "shop/settings.py" || at.Line != 4 || len(c.Causes) != 1 || c.At.Unix() != 1795706259 {
		t.Errorf("%+v", c)
	}
}

func TestParseHostile(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON": `{`, "of another version": `{"version": 2}`, "too large": strings.Repeat(" ", MaxBytes+1), "a list": `[]`,
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	c, err := Parse([]byte(`{"version": 1, "message": "a\u001b[31m\nb\u202e postgres://me:secret@db/x",
		"frames": [{"file": "../up.py", "line": 1}, {"file": "/etc/passwd", "line": 1}, {"file": "a\u001b.py", "line": 1}, {"file": "b.py", "line": -1}, {"file": "c.py", "line": 7, "column": -3}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Message != "a [31m b  postgres://me:***@db/x" || len(c.Frames) != 1 || c.Innermost() != (Frame{File: "c.py", Line: 7}) {
		t.Errorf("%+v", c)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"message":"a\u001bb","frames":[{"file":"a.py","line":1}],"causes":[{"causes":[{}]}]}`))
	f.Add([]byte(`{"version":1,"at":1e300,"frames":[{"file":"../a","line":9999999999999}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		all := append([]Cause{*c}, c.Causes...)
		if len(all) > maxCauses+1 {
			t.Fatalf("%d causes", len(all))
		}
		for _, c := range all {
			for _, text := range []string{string(c.Kind), c.Message, c.Type, c.Module, c.Variable, c.ID} {
				if utf8.RuneCountInString(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
					t.Errorf("%q is let through", text)
				}
			}
			if len(c.Frames) > maxFrames {
				t.Errorf("%d frames", len(c.Frames))
			}
			for _, frame := range c.Frames {
				if !fs.ValidPath(frame.File) || frame.Line < 1 || frame.Column < 0 || frame.Width < 0 {
					t.Errorf("%+v is let through", frame)
				}
			}
		}
	})
}
