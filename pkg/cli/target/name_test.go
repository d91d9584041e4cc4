package target

import (
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

func TestMadeName(t *testing.T) {
	for _, c := range []struct{ root, entry, want string }{
		{"/code/my_website", "", "my-website"},
		{"/code", "my_website.py", "my-website"},
		{"/code", "MyWebsite.py", "mywebsite"},
		{"/code", "2048_game.py", "game"},
		{"/code", "a--b__c.py", "a-b-c"},
		{"/code", "Café Öl.py", "cafe-ol"},
		{"/code", "app.py", "app-project"},
		{"/code", "asgi.py", "asgi"},
		{"/code", "myproject/asgi.py", "myproject"},
		{"/code", "a/b/__init__.py", "b"},
		{"/code", "shop/web.py", "web"},
		{"/code", strings.Repeat("a", 39) + "_b.py", strings.Repeat("a", 39)},
		{"/code", "123.py", ""},
		{"/code", "_.py", ""},
		{"/code", "дом.py", ""},
		{"/code", "my_дом.py", ""},
		{"/", "", ""},
	} {
		if got := madeName(&source.Scanned{Root: c.root, Entry: c.entry}); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.root, c.entry, got, c.want)
		}
	}
}

func FuzzSlug(f *testing.F) {
	for _, s := range []string{"my_website", "123", "app", "é", "--", strings.Repeat("x", 60)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name := slug(s); name != "" && !ir.ValidProjectName(name) {
			t.Errorf("%q becomes %q", s, name)
		}
	})
}
