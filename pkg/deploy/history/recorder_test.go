package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// memory is a store of one release.
type memory struct {
	rows []store.Events
	// spoil is what becomes of the next writes; lost are those that are kept without an
	// answer.
	spoil []string
}

func (m *memory) AddEvents(_ context.Context, e store.Events) error {
	how := ""
	if len(m.spoil) > 0 {
		how, m.spoil = m.spoil[0], m.spoil[1:]
	}
	if how == "refused" {
		return errors.New("refused")
	}
	if !slices.ContainsFunc(m.rows, func(o store.Events) bool { return o.First == e.First }) {
		m.rows = append(m.rows, e)
	}
	if how == "lost" {
		return errors.New("no answer")
	}
	return nil
}

func (m *memory) Events(_ context.Context, _ int64, _, after int) (out []store.Events, err error) {
	for _, e := range m.rows {
		if e.Last > after {
			out = append(out, e)
		}
	}
	return out, nil
}

func (m *memory) ForgetEvents(context.Context, int64, int) error { m.rows = nil; return nil }

// lines are the messages of what is kept.
func (m *memory) lines(t *testing.T) (out []string) {
	events, last, err := Read(t.Context(), m, 1, 1, 0)
	if err != nil || last != len(events) {
		t.Fatalf("%d events, the last is %d: %v", len(events), last, err)
	}
	for _, e := range events {
		switch {
		case e.Phase != nil:
			out = append(out, e.Phase.Message)
		case e.Output != nil:
			out = append(out, e.Output.Line)
		default:
			out = append(out, "done")
		}
	}
	return out
}

func output(line string) api.Event {
	return api.Event{Time: time.Now(), Output: &api.Output{Source: "a", Line: line}}
}

func recorder(m *memory) *Recorder { return New(m, slog.New(slog.DiscardHandler), 1) }

// TestGathered holds that many events are few rows, that what came before there was a
// release is kept too, and that nothing is kept of a change that never had one.
func TestGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		none := recorder(m)
		none.Add(output("x"))
		none.End()
		r := recorder(m)
		var want []string
		for i := range 100 {
			if i == 10 {
				r.Begin(t.Context(), 1)
			}
			r.Add(output(fmt.Sprint(i)))
			want = append(want, fmt.Sprint(i))
			time.Sleep(10 * time.Millisecond)
		}
		r.End()
		if got := m.lines(t); !slices.Equal(got, want) || len(m.rows) > 6 {
			t.Errorf("%d rows: %q", len(m.rows), got)
		}
	})
}

// TestOnceEach holds that a write that fails, or whose answer is lost, is made again, and
// that no event is kept twice or lost.
func TestOnceEach(t *testing.T) {
	for _, spoil := range [][]string{{"refused"}, {"lost"}, {"", "lost", "refused", "lost"}, {"", "", "refused", "refused"}} {
		synctest.Test(t, func(t *testing.T) {
			m := &memory{spoil: spoil}
			r := recorder(m)
			r.Begin(t.Context(), 1)
			var want []string
			for i := range 30 {
				r.Add(output(fmt.Sprint(i)))
				want = append(want, fmt.Sprint(i))
				time.Sleep(50 * time.Millisecond)
			}
			r.End()
			if got := m.lines(t); !slices.Equal(got, want) {
				t.Errorf("%v: %q", spoil, got)
			}
		})
	}
}

// TestBounded holds that a change that says too much is cut with a mark, and that how it
// ended is kept all the same.
func TestBounded(t *testing.T) {
	for what, line := range map[string]string{"many": "x", "large": strings.Repeat("x", 20<<10)} {
		synctest.Test(t, func(t *testing.T) {
			m := &memory{}
			r := recorder(m)
			r.Begin(t.Context(), 1)
			for range 3 * MaxEvents {
				r.Add(output(line))
			}
			r.Add(api.Event{Done: &api.PushResult{}})
			r.End()
			got := m.lines(t)
			n, size := len(got), 0
			for _, row := range m.rows {
				size += len(row.Lines)
			}
			if n < 4 || got[n-1] != "done" || got[n-2] != Cut.Message || got[n-3] != line || n > MaxEvents+2 || size > MaxBytes+1000 {
				t.Errorf("%s: %d events of %d bytes, which end with %.20q", what, n, size, got[max(0, n-3):])
			}
		})
	}
}

// TestGoesOn holds that the events of who undoes a release follow those of who brought it
// up, and that a rollback begins anew.
func TestGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		for i, begin := range []func(*Recorder, context.Context, int){(*Recorder).Begin, (*Recorder).GoOn, (*Recorder).GoOn} {
			r := recorder(m)
			begin(r, t.Context(), 1)
			r.Add(output(fmt.Sprint(i)))
			r.End()
		}
		if got := m.lines(t); !slices.Equal(got, []string{"0", "1", "2"}) {
			t.Errorf("%q", got)
		}
		r := recorder(m)
		r.BeginAnew(t.Context(), 1)
		r.Add(output("anew"))
		r.End()
		if got := m.lines(t); !slices.Equal(got, []string{"anew"}) {
			t.Errorf("%q", got)
		}
	})
}

// TestReadPart holds that who has a part of a row is told the rest of it.
func TestReadPart(t *testing.T) {
	m := &memory{rows: []store.Events{{First: 1, Last: 3, Lines: bytes.Join([][]byte{[]byte(`{"output":{"line":"a"}}`), []byte(`{"output":{"line":"b"}}`), []byte(`{"output":{"line":"c"}}`)}, []byte("\n"))}}}
	events, last, err := Read(t.Context(), m, 1, 1, 2)
	if err != nil || last != 3 || len(events) != 1 || events[0].Output.Line != "c" {
		t.Errorf("%+v, %d, %v", events, last, err)
	}
	m.rows[0].Lines = []byte("no JSON")
	if _, _, err := Read(t.Context(), m, 1, 1, 0); err == nil {
		t.Error("what is no event is read")
	}
}
