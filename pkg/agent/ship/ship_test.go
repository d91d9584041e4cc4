package ship

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fngen.dev/fngen/pkg/agent/capture"
	"fngen.dev/fngen/pkg/spool"
)

// platform takes batches, unless it has a fault.
type platform struct {
	mu    sync.Mutex
	got   []capture.Entry
	fault error
	asked chan struct{}
}

func newPlatform() *platform { return &platform{asked: make(chan struct{}, 10_000)} }

func (p *platform) send(_ context.Context, batch [][]byte, _ bool) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		select {
		case p.asked <- struct{}{}:
		default:
		}
	}()
	if p.fault != nil {
		return 0, p.fault
	}
	for _, record := range batch {
		var e capture.Entry
		if err := json.Unmarshal(record, &e); err != nil {
			return 0, err
		}
		p.got = append(p.got, e)
	}
	return 0, nil
}

func (p *platform) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = err
}

func (p *platform) messages() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, e := range p.got {
		out = append(out, e.Message)
	}
	return out
}

func openSpool(t *testing.T, dir string, limit int64) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var clock = &capture.Clock{}

func entry(message string) capture.Entry {
	return capture.Entry{Time: clock.Next(), Stream: capture.Stdout, Level: capture.Info, Message: message}
}

const never = 5 * time.Minute

func wants(t *testing.T, got []string, n int) {
	t.Helper()
	for i := range got {
		if got[i] != fmt.Sprint(i) {
			t.Fatalf("%q is number %d", got[i], i)
		}
	}
	if len(got) != n {
		t.Errorf("%d of %d", len(got), n)
	}
}

func TestInOrder(t *testing.T) {
	p := newPlatform()
	s := Start(openSpool(t, t.TempDir(), 64<<20), clock, p.send)
	for i := range 5000 {
		s.Take(entry(fmt.Sprint(i)))
	}
	s.Stop(never)
	wants(t, p.messages(), 5000)
}

// TestPlatformAway takes entries while nothing can be sent.
func TestPlatformAway(t *testing.T) {
	p := newPlatform()
	p.fail(errors.New("no connection"))
	s := Start(openSpool(t, t.TempDir(), 64<<20), clock, p.send)
	for i := range 1000 {
		s.Take(entry(fmt.Sprint(i)))
	}
	<-p.asked
	<-p.asked
	p.fail(nil)
	s.Stop(never)
	wants(t, p.messages(), 1000)
}

// TestNextProcess leaves entries to the next process of the same place.
func TestNextProcess(t *testing.T) {
	dir := t.TempDir()
	p := newPlatform()
	p.fail(errors.New("no connection"))
	s := Start(openSpool(t, dir, 64<<20), clock, p.send)
	for i := range 1000 {
		s.Take(entry(fmt.Sprint(i)))
	}
	<-p.asked
	s.Stop(time.Millisecond)
	p.fail(nil)
	s = Start(openSpool(t, dir, 64<<20), clock, p.send)
	s.Take(entry("1000"))
	s.Stop(never)
	wants(t, p.messages(), 1001)
}

// TestStopWhenRefused does not wait for a platform that answers no.
func TestStopWhenRefused(t *testing.T) {
	p := newPlatform()
	p.fail(fmt.Errorf("401: %w", ErrRefused))
	s := Start(openSpool(t, t.TempDir(), 64<<20), clock, p.send)
	s.Take(entry("0"))
	<-p.asked
	s.Stop(time.Hour) // it would never end
}

// TestUnfitBatch goes on after a batch that is never taken, and says so.
func TestUnfitBatch(t *testing.T) {
	p := newPlatform()
	p.fail(fmt.Errorf("400: %w", ErrUnfit))
	s := Start(openSpool(t, t.TempDir(), 64<<20), clock, p.send)
	s.Take(entry("lost"))
	<-p.asked
	p.fail(nil)
	s.Take(entry("kept"))
	s.Stop(never)
	if got := strings.Join(p.messages(), "; "); !strings.Contains(got, "kept") || !strings.Contains(got, "1 entries of the log were lost") || strings.HasPrefix(got, "lost") {
		t.Errorf("got %s", got)
	}
}

// TestFullAndAway drops the oldest, counts them, and keeps the order of the rest.
func TestFullAndAway(t *testing.T) {
	p := newPlatform()
	p.fail(errors.New("no connection"))
	s := Start(openSpool(t, t.TempDir(), 3<<20), clock, p.send)
	s.mu.Lock()
	s.sent = s.sent.Add(-2 * away) // long ago
	s.mu.Unlock()
	const n = 6000
	fill := strings.Repeat("x", 1000)
	for i := range n {
		s.Take(entry(fmt.Sprintf("%06d%s", i, fill)))
	}
	p.fail(nil)
	s.Stop(never)
	kept, lost, last := 0, 0, ""
	for _, m := range p.messages() {
		if strings.HasSuffix(m, fill) {
			if m <= last {
				t.Fatalf("%.6s comes after %.6s", m, last)
			}
			kept, last = kept+1, m
			continue
		}
		told := 0
		if _, err := fmt.Sscanf(m, "%d entries of the log were lost", &told); err != nil {
			t.Errorf("%q", m)
		}
		lost += told
	}
	if kept+lost != n || lost == 0 || !strings.HasPrefix(last, fmt.Sprintf("%06d", n-1)) {
		t.Errorf("%d kept, %d lost, of %d; the last is %.6s", kept, lost, n, last)
	}
}

// TestHeldBack slows a program down that writes faster than can be sent, loses
// nothing, and says so.
func TestHeldBack(t *testing.T) {
	p := newPlatform()
	var s *Shipper
	started := make(chan struct{})
	s = Start(openSpool(t, t.TempDir(), 2<<20), clock, func(ctx context.Context, batch [][]byte, last bool) (int, error) {
		<-started
		// Nothing goes until the program has to wait; a little more than it waits for.
		for s.isFree() && len(p.messages()) == 0 {
			runtime.Gosched()
		}
		return p.send(ctx, batch, last)
	})
	close(started)
	fill := strings.Repeat("x", 10_000)
	for i := range 400 {
		s.Take(entry(fmt.Sprintf("%06d%s", i, fill)))
	}
	s.Stop(never)
	kept, told := 0, false
	for _, m := range p.messages() {
		if strings.HasSuffix(m, fill) {
			kept++
		}
		told = told || strings.Contains(m, "was held back for")
		if strings.Contains(m, "lost") {
			t.Error(m)
		}
	}
	if kept != 400 || !told {
		t.Errorf("%d kept; told: %t", kept, told)
	}
}

// TestHeldBackIsToldRarely holds a program back for minutes: it is told once a minute, and
// what was told adds up to all of it.
func TestHeldBackIsToldRarely(t *testing.T) {
	const roundTrip, batches = 2 * time.Second, 80
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform()
		s := Start(openSpool(t, t.TempDir(), 300<<10), clock, func(ctx context.Context, batch [][]byte, last bool) (int, error) {
			time.Sleep(roundTrip)
			return p.send(ctx, batch, last)
		})
		fill := strings.Repeat("x", 50_000)
		began := time.Now()
		for time.Since(began) < batches*roundTrip {
			s.Take(entry(fill))
		}
		flood := time.Since(began)
		s.Stop(never)
		told, total := 0, time.Duration(0)
		for _, m := range p.messages() {
			var held, within string
			if n, _ := fmt.Sscanf(m, "the program was held back for %s of the last %s", &held, &within); n != 2 {
				continue
			}
			d, err := time.ParseDuration(held)
			w, err2 := time.ParseDuration(strings.TrimSuffix(within, ":"))
			if err != nil || err2 != nil || d > w {
				t.Error(m)
			}
			told, total = told+1, total+d
		}
		// At once, after each minute, and at the end.
		if most := 2 + int(flood/time.Minute); told < 2 || told > most {
			t.Errorf("told %d times in %s, at most %d were due", told, flood, most)
		}
		// Of the first round trip, the spool takes what comes.
		if total > flood || total < flood-2*roundTrip {
			t.Errorf("told of %s in all, of %s", total, flood)
		}
	})
}

// isFree says that nobody waits.
func (p *Shipper) isFree() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting == 0
}
