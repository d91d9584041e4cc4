package largepayload_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/task"
)

const project = 7

func open(t *testing.T) (*largepayload.Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "payloads")
	d, err := largepayload.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, path
}

func put(t *testing.T, d *largepayload.Dir, text string) (string, task.Large) {
	t.Helper()
	id, err := task.NewID()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := d.Put(t.Context(), project, id, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return id, kept
}

// TestPayload: it is read as it was put, by its own project and task, and held to its
// digest.
func TestPayload(t *testing.T) {
	d, path := open(t)
	id, kept := put(t, d, `{"n": 1}`)
	if got, err := d.Read(project, id, kept); err != nil || string(got) != `{"n": 1}` {
		t.Errorf("read %q, %v", got, err)
	}
	if bytes, err := d.Bytes(project); err != nil || bytes != 8 {
		t.Errorf("it takes %d, %v", bytes, err)
	}
	if _, err := d.Read(project+1, id, kept); !errors.Is(err, largepayload.ErrGone) {
		t.Errorf("of another project: %v", err)
	}
	if _, err := d.Put(t.Context(), project, "../8/x", strings.NewReader("1")); err == nil {
		t.Error("a path was taken for an id")
	}
	file := filepath.Join(path, strconv.Itoa(project), id)
	for _, damaged := range []string{`{"n": 2}`, `{}`} {
		if err := os.WriteFile(file, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Read(project, id, kept); !errors.Is(err, largepayload.ErrGone) {
			t.Errorf("damaged as %s: %v", damaged, err)
		}
	}
	if err := errors.Join(d.Remove(project, id), d.Remove(project, id)); err != nil {
		t.Error(err)
	}
	if _, err := d.Read(project, id, kept); !errors.Is(err, largepayload.ErrGone) {
		t.Errorf("removed: %v", err)
	}
}

// TestBrokenOff: nothing is left of a payload that did not arrive whole.
func TestBrokenOff(t *testing.T) {
	d, path := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	id, _ := task.NewID()
	if _, err := d.Put(ctx, project, id, strings.NewReader("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(path, strconv.Itoa(project))); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestSweep: what no task needs goes, and what is young stays, for its task may be about
// to be noted.
func TestSweep(t *testing.T) {
	d, path := open(t)
	needed, _ := put(t, d, "1")
	put(t, d, "2")
	half := filepath.Join(path, strconv.Itoa(project), "tmp-half")
	if err := os.WriteFile(half, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sweep := func(before time.Time) int {
		t.Helper()
		n, err := d.Sweep(before, func(p int64, id string) (bool, error) { return p == project && id == needed, nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := sweep(time.Now().Add(-time.Hour)); n != 0 {
		t.Errorf("%d young ones went", n)
	}
	if n := sweep(time.Now().Add(time.Hour)); n != 2 {
		t.Errorf("%d went, want 2", n)
	}
	if bytes, _ := d.Bytes(project); bytes != 1 {
		t.Errorf("%d bytes are left", bytes)
	}
	if err := d.RemoveProject(project); err != nil {
		t.Fatal(err)
	}
	if bytes, err := d.Bytes(project); bytes != 0 || err != nil {
		t.Errorf("%d bytes are left, %v", bytes, err)
	}
}
