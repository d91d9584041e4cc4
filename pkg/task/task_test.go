package task

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestMessageRoundTrip(t *testing.T) {
	id, err := NewID()
	if err != nil {
		t.Fatal(err)
	}
	want := Message{
		ID: id, Function: "send", Project: "shop", Attempt: 3, First: 2, Release: 7, Shape: ShapeCall,
		Enqueued: time.UnixMicro(1_795_706_259_123_456).UTC(), Body: []byte(`{"n": 9007199254740993}`),
	}
	got, err := ReadMessage(want.ID, want.Function, want.Project, want.Headers(), want.Body)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	id, _ := NewID()
	good := func() map[string]any { return Message{Attempt: 1, First: 1}.Headers() }
	for name, change := range map[string]func(h map[string]any){
		"no attempt":          func(h map[string]any) { delete(h, HeaderAttempt) },
		"attempt of text":     func(h map[string]any) { h[HeaderAttempt] = "1" },
		"attempt before":      func(h map[string]any) { h[HeaderFirst] = int32(2) },
		"first 0":             func(h map[string]any) { h[HeaderFirst] = int32(0) },
		"attempt beyond all":  func(h map[string]any) { h[HeaderAttempt] = int64(math.MaxInt64) },
		"release below 0":     func(h map[string]any) { h[HeaderRelease] = int32(-1) },
		"shape of our future": func(h map[string]any) { h[HeaderShape] = "tree" },
		"payload elsewhere":   func(h map[string]any) { h[HeaderPayload], h[HeaderPayloadBytes] = "../x", int64(1) },
		"payload of no size":  func(h map[string]any) { h[HeaderPayload] = strings.Repeat("0a", 32) },
		"payload too large": func(h map[string]any) {
			h[HeaderPayload], h[HeaderPayloadBytes] = strings.Repeat("0a", 32), int64(MaxLarge+1)
		},
	} {
		h := good()
		change(h)
		if _, err := ReadMessage(id, "f", "p", h, nil); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
	for _, bad := range []string{"", "x", strings.ToUpper(id), "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "{" + id + "}"} {
		if _, err := ReadMessage(bad, "f", "p", good(), nil); err == nil {
			t.Errorf("id %q: was read", bad)
		}
	}
}

func TestTier(t *testing.T) {
	for failed, want := range map[int][2]time.Duration{
		1: {time.Second, 5 * time.Second}, 2: {5 * time.Second, 5 * time.Second}, 3: {15 * time.Second, time.Minute},
		4: {time.Minute, 5 * time.Minute}, 7: {time.Hour, time.Hour}, 1000: {time.Hour, time.Hour}, 0: {time.Second, 5 * time.Second},
	} {
		if low, high := Tier(failed, 0), Tier(failed, 0.999); low != want[0] || high != want[1] {
			t.Errorf("after %d: %s to %s, want %v", failed, low, high, want)
		}
	}
}

func TestFunctionOf(t *testing.T) {
	if got, ok := FunctionOf("shop", Queue("shop", "dead")); got != "dead" || !ok {
		t.Errorf("%q, %t", got, ok)
	}
	for _, queue := range []string{DeadQueue, "fn.shop.", "fn.shops.f", DelayExchange(time.Second)} {
		if _, ok := FunctionOf("shop", queue); ok {
			t.Errorf("%s is taken for a function's", queue)
		}
	}
}

// FuzzReadMessage holds that whatever is in a queue is read or refused, and that what
// was read can be sent on as it is.
func FuzzReadMessage(f *testing.F) {
	id, _ := NewID()
	f.Add(id, int64(1), int64(1), int64(0), int64(3), "", "", int64(0))
	f.Add(id, int64(1), int64(1), int64(0), int64(3), "", strings.Repeat("0a", 32), int64(MaxLarge))
	f.Add("x", int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(1)<<40, "call", "../x", int64(-1))
	f.Fuzz(func(t *testing.T, id string, attempt, first, enqueued, release int64, shape, kept string, bytes int64) {
		headers := map[string]any{
			HeaderAttempt: attempt, HeaderFirst: first, HeaderEnqueued: enqueued, HeaderRelease: release, HeaderShape: shape,
		}
		if kept != "" {
			headers[HeaderPayload], headers[HeaderPayloadBytes] = kept, bytes
		}
		m, err := ReadMessage(id, "f", "p", headers, nil)
		if err != nil {
			return
		}
		again, err := ReadMessage(m.ID, "f", "p", m.Headers(), nil)
		if m.Enqueued.IsZero() {
			again.Enqueued = m.Enqueued
		}
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v was sent on as %+v, %v", m, again, err)
		}
	})
}
