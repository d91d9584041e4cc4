package dev

import (
	"strings"
	"testing"
)

const (
	// shop imports its prices as it starts, and its words when it is asked.
	shop = `
import prices
from fngen.powers import webapp

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    import words
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": (words.hello + prices.tea).encode()})

@webapp(framework="asgi")
def shop():
    return app
`
	clerk = `
import importlib
from fngen.powers import task_worker

importlib.import_module("stock")

@task_worker()
def clerk():
    return importlib.import_module("stock").left
`
)

// TestOnlyWhatChanged starts those functions anew that a change may matter to, and no
// others, by what each has imported, however that came.
func TestOnlyWhatChanged(t *testing.T) {
	s := begin(t, map[string]string{"shop.py": shop, "clerk.py": clerk, "prices.py": `tea = "4"`, "words.py": `hello = "tea "`, "stock.py": "left = 3", "page.html": "x"})
	started := ""
	next := func(what, want string) {
		t.Helper()
		s.until(what, func() bool {
			return s.said() != started && strings.Contains(strings.TrimPrefix(s.said(), started), "ready: ")
		})
		_, got, _ := strings.Cut(strings.TrimPrefix(s.said(), started), "ready: ")
		if got, _, _ = strings.Cut(got, "\n"); got != want {
			t.Errorf("%s: %q started, want %q", what, got, want)
		}
		started = s.said()
	}
	next("the start", "clerk shop")
	if _, body := s.get("localhost"); body != "tea 4" {
		t.Fatalf("it says %q", body)
	}
	s.write("prices.py", `tea = "5"`)
	next("a module of one", "shop")
	if _, body := s.get("localhost"); body != "tea 5" {
		t.Errorf("it says %q", body)
	}
	s.write("words.py", `hello = "good tea "`)
	next("one that is imported later", "shop")
	s.write("stock.py", "left = 2")
	next("one that no import statement names", "clerk")
	if out := s.ended("clerk", ""); out["result"] != 2.0 {
		t.Errorf("the clerk says %v", out["result"])
	}
	s.write("page.html", "y")
	next("a file that anybody may read", "clerk shop")
	s.write("new.py", "")
	next("a module that nobody has imported", "clerk shop")
	s.write(".env", "A=1")
	next("a variable", "clerk shop")
	s.write("prices.py", `tea = "6"`)
	s.reload <- struct{}{}
	s.until("all, when that is asked for", func() bool { return strings.Contains(strings.TrimPrefix(s.said(), started), "ready: clerk shop") })
	if _, body := s.get("localhost"); body != "good tea 6" {
		t.Errorf("it says %q", body)
	}
}
