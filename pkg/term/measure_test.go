package term

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMeasure(t *testing.T) {
	begun := time.Unix(0, 0)
	done := int64(100e6) // of an earlier push
	m := &measure{total: 1.5e9, done: func() int64 { return done }, marks: []mark{{begun, done}}}
	for _, c := range []struct {
		after time.Duration
		done  int64
		want  string
	}{
		{0, 100e6, "100.0 MB of 1.50 GB"},
		{time.Second, 150e6, "150.0 MB of 1.50 GB, 50.0 MB/s, 27s left"},
		{4 * time.Second, 300e6, "300.0 MB of 1.50 GB, 50.0 MB/s, 24s left"},
		{20 * time.Second, 300e6, "300.0 MB of 1.50 GB"}, // it stands still
		{22 * time.Second, 301e6, "301.0 MB of 1.50 GB, 55 kB/s, 5h59m left"},
		{60 * time.Second, 1.6e9, "1.50 GB of 1.50 GB, 31.6 MB/s"}, // more than was thought
	} {
		done = c.done
		if got := m.text(begun.Add(c.after)); got != c.want {
			t.Errorf("after %s: %q, want %q", c.after, got, c.want)
		}
	}
	for seconds, want := range map[float64]string{0.4: "0s", 59.6: "1m00s", 3700: "1h01m", 1e9: "days"} {
		if got := leftOf(seconds); got != want {
			t.Errorf("leftOf(%v) = %q, want %q", seconds, got, want)
		}
	}
}

// Without a live line it is said now and then, and never after the step.
func TestMeasurePlain(t *testing.T) {
	var out bytes.Buffer
	p := (&IO{Err: &out}).NewProgress()
	var clock, done atomic.Int64
	p.now = func() time.Time { return p.begun.Add(time.Duration(clock.Load())) }
	p.Begin("upload", "uploading 2 files")
	p.Measure(2e9, done.Load)
	for range 12 {
		clock.Add(int64(time.Second))
		done.Add(100e6)
		p.mu.Lock()
		p.tell()
		p.mu.Unlock()
	}
	p.Begin("rollout", "live_app: 1 of 1 healthy")
	clock.Add(int64(time.Minute))
	p.Stop(true)
	want := `upload: uploading 2 files (0.0s)
upload: 500.0 MB of 2.00 GB, 100.0 MB/s, 15s left (5.0s)
upload: 1.00 GB of 2.00 GB, 100.0 MB/s, 10s left (10.0s)
rollout: live_app: 1 of 1 healthy (12.0s)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMeasureLive(t *testing.T) {
	var out bytes.Buffer
	var clock atomic.Int64
	p := (&IO{Err: &out, Live: true, Width: 70}).NewProgress()
	p.now = func() time.Time { return time.UnixMilli(clock.Load()) }
	p.Begin("upload", "uploading 2 files")
	p.Measure(2e9, func() int64 { return clock.Load() * 1e5 })
	clock.Add(10_000)
	p.Stop(false)
	want := "✗ uploading 2 files 1.00 GB of 2.00 GB, 100.0 MB/s, 10s left  10.0s"
	if got := screen(out.String())[0]; got != want || strings.Contains(got, "\n") {
		t.Errorf("%q, want %q", got, want)
	}
}
