package dispatch_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

func (w *world) sendLarge(o dispatch.Order, text string) (dispatch.Sent, error) {
	w.t.Helper()
	return w.SendLarge(w.t.Context(), w.p, dispatch.Caller{}, o, strings.NewReader(text), int64(len(text)))
}

func (w *world) kept() int64 {
	w.t.Helper()
	n, err := w.PayloadBytes(w.p)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestLargePayload: the message says where the payload is; it is there until the task has
// succeeded, also while it can be put back, and of its own project only.
func TestLargePayload(t *testing.T) {
	w := newWorld(t, "large")
	w.release(true, "send")
	text := `"` + strings.Repeat("x", 2*task.MaxPayload) + `"`
	sent, err := w.sendLarge(dispatch.Order{Function: "send", Key: "k"}, text)
	if err != nil || sent.Err != nil {
		t.Fatal(err, sent.Err)
	}
	if again, err := w.sendLarge(dispatch.Order{Function: "send", Key: "k"}, text); err != nil || again.ID != sent.ID || w.kept() != int64(len(text)) {
		t.Errorf("the same key: %+v, %v, %d bytes are kept", again, err, w.kept())
	}
	a := w.agent("send")
	for attempt := 1; attempt <= 2; attempt++ {
		d := a.next()
		m, err := d.Task()
		sum := sha256.Sum256([]byte(text))
		if want := (task.Large{SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(text))}); err != nil || m.Large != want || len(m.Body) != 0 || m.Attempt != attempt {
			t.Fatalf("it came as %+v, %v", m, err)
		}
		f, is, err := w.Payload(t.Context(), w.p, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		got, err := largepayload.ReadAll(f, is)
		if f.Close(); err != nil || string(got) != text {
			t.Errorf("its payload has %d bytes, %v", len(got), err)
		}
		if attempt == 2 {
			a.tell(event(m.ID, 2, task.Succeeded))
			_ = d.Ack(false) // the test ends
			break
		}
		a.tell(event(m.ID, 1, task.Dead))
		if err := d.Reject(); err != nil {
			t.Fatal(err)
		}
		w.until(m.ID, "dead", func(got tasks.Task) bool { return got.State == task.Dead && got.Kept })
		if _, err := w.Retry(t.Context(), store.Actor{Email: "a"}, w.p, m.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.until(sent.ID, "without a payload", func(got tasks.Task) bool { return got.State == task.Succeeded && w.kept() == 0 })
	if _, _, err := w.Payload(t.Context(), store.Project{ID: w.p.ID + 1}, sent.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of another project: %v", err)
	}
}

// TestLargeRefusals: nothing is kept of what was not sent.
func TestLargeRefusals(t *testing.T) {
	w := newWorld(t, "largeno")
	w.release(true, "send")
	order := dispatch.Order{Function: "send"}
	_, err := w.SendLarge(t.Context(), w.p, dispatch.Caller{}, order, strings.NewReader(""), task.MaxLarge+1)
	if large, ok := errors.AsType[*dispatch.TooLargeError](err); !ok || large.Most != task.MaxLarge {
		t.Errorf("too large: %v", err)
	}
	if _, err := w.sendLarge(order, `{"n":`); !isA[*dispatch.PayloadError](err) {
		t.Errorf("no JSON: %v", err)
	}
	if _, err := w.sendLarge(order, "["+strings.Repeat("0,", 1<<20)+"0"); !isA[*dispatch.PayloadError](err) {
		t.Errorf("no JSON of many values: %v", err)
	}
	if _, err := w.SendLarge(t.Context(), w.p, dispatch.Caller{}, order, io.MultiReader(strings.NewReader("[1"), broken{}), 100); !errors.Is(err, errBroken) {
		t.Errorf("broken off: %v", err)
	}
	if _, err := w.sendLarge(dispatch.Order{Function: "sent"}, `1`); !isA[*dispatch.FunctionError](err) {
		t.Errorf("no such function: %v", err)
	}
	if err := w.broker.DropQueue(t.Context(), "largeno", "send"); err != nil {
		t.Fatal(err)
	}
	if sent, err := w.sendLarge(order, `1`); err != nil || sent.Err == nil {
		t.Errorf("without its queue: %+v, %v", sent, err)
	}
	if n := w.kept(); n != 0 {
		t.Errorf("%d bytes are kept", n)
	}
}

var errBroken = errors.New("broken off")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }
