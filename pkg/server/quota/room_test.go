package quota

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// disk is one on which so much is used and so much free.
type disk struct{ used, free int64 }

func (d disk) Usage(string) (int64, error) { return d.used, nil }

func (d disk) Free() (int64, error) { return d.free, nil }

// lists are so long.
type lists int64

func (l lists) TreeBytes(context.Context, int64) (int64, error) { return int64(l), nil }

func refused(err error) bool {
	problem, ok := errors.AsType[*api.Problem](err)
	return ok && problem.Code == api.NoRoom
}

// TestRoom counts all that a project takes, what is promised until it is released, and
// what stays free of the disk.
func TestRoom(t *testing.T) {
	shop, bank := store.Project{ID: 1, Name: "shop"}, store.Project{ID: 2, Name: "bank"}
	r := NewRoom(disk{used: 100, free: 1500}, lists(50), Bounds{Project: 1000, Reserve: 200}, func(store.Project) (int64, error) { return 30, nil })
	if err := r.Look(t.Context(), shop, 821); !refused(err) {
		t.Errorf("one byte more than the project's share: %v", err)
	}
	release, err := r.Take(t.Context(), shop, 820)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Look(t.Context(), shop, 1); !refused(err) {
		t.Errorf("what is promised is given again: %v", err)
	}
	if err := r.Look(t.Context(), bank, 481); !refused(err) || !strings.Contains(err.Error(), "the platform's disk has room for 0.0 MB") {
		t.Errorf("what is promised of the disk is given again: %v", err)
	}
	if err := r.Look(t.Context(), bank, 480); err != nil {
		t.Errorf("the last of the disk: %v", err)
	}
	release()
	if err := r.Look(t.Context(), shop, 820); err != nil || len(r.promised) > 0 {
		t.Errorf("what was released: %v, %v", err, r.promised)
	}
	if err := r.Look(t.Context(), bank, 0); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

// TestReader takes room step by step, and gives back what it took last.
func TestReader(t *testing.T) {
	shop := store.Project{ID: 1, Name: "shop"}
	r := NewRoom(disk{free: 1 << 40}, lists(0), Bounds{Project: Step}, nil)
	in := NewReader(t.Context(), bytes.NewReader(make([]byte, 2*Step+1)), r, shop)
	if n, err := io.Copy(io.Discard, in); err != nil || n != 2*Step+1 {
		t.Errorf("read %d, %v", n, err)
	}
	if err := r.Look(t.Context(), shop, 1); !refused(err) {
		t.Errorf("nothing is promised while it reads: %v", err)
	}
	in.Close()
	in.Close()
	if len(r.promised) > 0 {
		t.Errorf("still promised: %v", r.promised)
	}
	full := NewReader(t.Context(), strings.NewReader("x"), NewRoom(disk{}, lists(0), Bounds{}, nil), shop)
	if _, err := full.Read(make([]byte, 1)); !refused(err) {
		t.Errorf("a full disk: %v", err)
	}
}
