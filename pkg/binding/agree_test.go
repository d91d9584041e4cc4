package binding

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binder is the runtime's own binder, which answers beside ours.
type binder struct {
	in      io.WriteCloser
	out     *bufio.Reader
	schemas []*Schema
}

func startBinder(t *testing.T) *binder {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	sdk, err := filepath.Abs("../../sdk/python/src")
	if err != nil {
		t.Fatal(err)
	}
	// go test knows by what this process reads that the binder has changed.
	sources, err := filepath.Glob(filepath.Join(sdk, "fngen/runtime/bind/*.py"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("the binder's sources: %d, %v", len(sources), err)
	}
	for _, source := range append(sources, "testdata/bind.py") {
		if _, err := os.ReadFile(source); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/bind.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+sdk, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	b := &binder{}
	if b.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.out = bufio.NewReaderSize(out, 1<<20)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.in.Close(); _ = cmd.Wait() })
	for {
		line := b.line(t)
		if line == "" {
			return b
		}
		s, err := Parse([]byte(line))
		if err != nil {
			t.Fatalf("schema %s: %v", line, err)
		}
		b.schemas = append(b.schemas, s)
	}
}

func (b *binder) line(t *testing.T) string {
	t.Helper()
	line, err := b.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the binder ended: %v", err)
	}
	return strings.TrimSpace(line)
}

// faults asks the binder about one payload of one line.
func (b *binder) faults(t *testing.T, function int, payload string) []string {
	t.Helper()
	if _, err := fmt.Fprintf(b.in, "%d %s\n", function, payload); err != nil {
		t.Fatal(err)
	}
	return places(t, b.line(t))
}

func places(t *testing.T, line string) []string {
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(line), &raw); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var out []string
	for _, r := range raw {
		out = append(out, string(r))
	}
	return out
}

// TestAgreesWithBinder: what is let through binds, and what is refused does not.
func TestAgreesWithBinder(t *testing.T) {
	b := startBinder(t)
	const each = 150 // of each function
	bound, refused := 0, 0
	for i, s := range b.schemas {
		g := &generator{rand.New(rand.NewPCG(7, uint64(i))), s}
		for range each {
			payload := g.payload()
			ours, theirs := s.Check([]byte(payload)), b.faults(t, i, payload)
			if len(theirs) == 0 {
				bound++
			} else {
				refused++
			}
			if (len(ours) == 0) != (len(theirs) == 0) {
				t.Errorf("%s(%s): we say %v, Python %v", s.Function, payload, ours, theirs)
			}
		}
	}
	if bound < 1000 || refused < 1000 {
		t.Errorf("%d payloads bound and %d did not: the test says little", bound, refused)
	}
}

// TestAgreesOnTexts compares how both read single values, one by one.
func TestAgreesOnTexts(t *testing.T) {
	b := startBinder(t)
	for i, s := range b.schemas {
		if len(s.call.named) == 0 {
			continue
		}
		for _, p := range s.call.named {
			for _, text := range texts {
				payload := fmt.Sprintf(`{%q: %s}`, p.Name, text)
				ours := has(s.Check([]byte(payload)), p.Name)
				theirs := strings.Contains(strings.Join(b.faults(t, i, payload), "\n"), fmt.Sprintf(`[%q`, p.Name))
				if ours != theirs && len(s.call.named) > 1 {
					t.Errorf("%s(%s): we refuse it: %v, Python: %v", s.Function, payload, ours, theirs)
				}
			}
		}
	}
}

func has(found []Fault, name string) bool {
	for _, f := range found {
		if len(f.Loc) > 0 && f.Loc[0] == name {
			return true
		}
	}
	return false
}
