package catalog_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"fngen.dev/fngen/compiler/catalog"
)

// TestFrameworksOfPython holds that the decorator, its types and the runtime know
// the frameworks that the compiler knows.
func TestFrameworksOfPython(t *testing.T) {
	want := slices.Sorted(slices.Values(catalog.Frameworks()))
	for _, place := range []struct{ file, what, list, name string }{
		{"powers.py", "the type", `(?s)Framework = Literal\[(.*?)\]`, `"(\w+)"`},
		{"powers.py", "the check", `(?s)_FRAMEWORKS = \((.*?)\)`, `"(\w+)"`},
		{"runtime/frameworks.py", "the classes", `(?s)CLASSES = \{(.*?)\n\}`, `(?m)^    "(\w+)": `},
	} {
		text, err := os.ReadFile("../../sdk/python/src/fngen/" + place.file)
		if err != nil {
			t.Fatal(err)
		}
		list := regexp.MustCompile(place.list).FindSubmatch(text)
		if list == nil {
			t.Fatalf("%s: %s is not there", place.file, place.what)
		}
		var got []string
		for _, m := range regexp.MustCompile(place.name).FindAllSubmatch(list[1], -1) {
			got = append(got, string(m[1]))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %s knows %q, the compiler %q", place.file, place.what, got, want)
		}
	}
}

func TestMakerOf(t *testing.T) {
	for _, c := range []struct {
		path     string
		imported bool
		want     string
	}{
		{"FastAPI", false, "fastapi"},
		{"fastapi.FastAPI", true, "fastapi"},
		{"django.core.asgi.get_asgi_application", true, "django"},
		{"falcon.App", true, "falcon"},
		{"falcon.asgi.App", true, "falcon"},
		{"App", false, ""},
		{"textual.app.App", false, ""},
		{"bottle.default_app", true, "bottle"},
		{"flask.app", true, ""},
		{"fasthtml.common.fast_app", true, "fasthtml"},
		{"fastapi.FastAPI.extra", true, ""},
		{"", false, ""},
	} {
		if f, _, ok := catalog.MakerOf(c.path, c.imported); f.Name != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, %v", c.path, f.Name, ok)
		}
	}
}
