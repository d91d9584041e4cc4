//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// TestLost damages what the platform keeps of a project on its disk. The next push
// sends it again, or builds it again, and the person is never blamed.
func TestLost(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east m")
	p := newProject(t)
	p.Write(t, "requirements.txt", "fastapi\n")
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0))
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	p.Write(t, "data.txt", "data of "+p.Name)
	p.Run(t, "push", p.Name, ".")
	blobs := p.blobs(t)

	// What no compiler reads is found by the instance that starts, and sent again in the
	// same push.
	each(t, blobs, func(file, text string) {
		if text == "data of "+p.Name {
			check(t, os.Remove(file))
		}
	})
	p.Write(t, "more.py", "x = 1\n")
	if out := p.talk(t, "push", p.Name, "."); !strings.Contains(out, "sending what is missing") || !holds(t, blobs, "data of "+p.Name) {
		t.Errorf("the push after a file was lost:\n%s", out)
	}

	// The code, which the compiler reads, and the layer, which a build made.
	damaged := 0
	each(t, blobs, func(file, text string) {
		damaged++
		check(t, os.WriteFile(file, []byte("\x00"+text[1:]), 0o600))
	})
	if damaged < 5 {
		t.Fatalf("%d blobs were damaged", damaged)
	}
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "two", 0))
	out := p.talk(t, "push", p.Name, ".")
	if !strings.Contains(out, "sending what is missing") || !strings.Contains(out, "layer: installing the requirements") {
		t.Errorf("the push after the damage:\n%s", out)
	}
	serving := p.Answering(t)
	if len(serving) != 1 {
		t.Errorf("%v answer", serving)
	}

	// A rollback cannot ask for what is lost: it says so, and changes nothing. (What is
	// damaged and that nobody has read since, a node may still have.)
	each(t, blobs, func(file, text string) {
		if strings.Contains(text, "ersion one") {
			check(t, os.Remove(file))
		}
	})
	if out, err := p.Command("rollback", p.Name).CombinedOutput(); err == nil || !strings.Contains(string(out), "app.py") || !strings.Contains(string(out), "push its code") {
		t.Errorf("the rollback: %v\n%s", err, out)
	}
	if now := p.Answering(t); !slices.Equal(now, serving) {
		t.Errorf("%v answer, before it was %v", now, serving)
	}
}

// blobs is where the platform keeps what the project was given. Among it is the name.
func (p project) blobs(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("../.dev/data/fngend/blobs/*")
	check(t, err)
	for _, scope := range found {
		if holds(t, scope, p.Name) {
			return scope
		}
	}
	t.Fatal("the platform keeps nothing of the project")
	return ""
}

// talk runs a command that must work and returns all that it says.
func (p project) talk(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.Command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("fngen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// each hands on the blobs of a scope that have a file of their own.
func each(t *testing.T, scope string, do func(file, text string)) {
	t.Helper()
	entries, err := os.ReadDir(scope)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	check(t, err)
	for _, e := range entries {
		if file := filepath.Join(scope, e.Name()); len(e.Name()) == 64 {
			text, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				continue // another project that is being destroyed
			}
			check(t, err)
			do(file, string(text))
		}
	}
}

func holds(t *testing.T, scope, text string) (found bool) {
	t.Helper()
	each(t, scope, func(_, have string) { found = found || strings.Contains(have, text) })
	return found
}
