package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// seen is a file in which tasks note that they ran: two numbers for each, how often, and
// how many nanoseconds after its time. bench/rivals/body.py writes them.
type seen struct {
	path    string
	bytes   []byte
	numbers []int64
	size    int
}

func newSeen(path string, size int) (*seen, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(int64(size) * 16); err != nil {
		return nil, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, size*16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &seen{path, b, unsafe.Slice((*int64)(unsafe.Pointer(&b[0])), size*2), size}, nil
}

func (s *seen) close() { _ = unix.Munmap(s.bytes) }

// count is how many tasks ran.
func (s *seen) count() int {
	n := 0
	for i := range s.size {
		if atomic.LoadInt64(&s.numbers[i]) > 0 {
			n++
		}
	}
	return n
}

// twice is how many ran more than once.
func (s *seen) twice() int {
	n := 0
	for i := range s.size {
		if atomic.LoadInt64(&s.numbers[i]) > 1 {
			n++
		}
	}
	return n
}

// late is how late those from a number on began, in order.
func (s *seen) late(from int) []time.Duration {
	var out []time.Duration
	for i := from; i < s.size; i++ {
		out = append(out, time.Duration(atomic.LoadInt64(&s.numbers[s.size+i])))
	}
	slices.Sort(out)
	return out
}

// seenLimit is when tasks that have not run count as lost.
const seenLimit = 5 * time.Minute

// wait waits until so many tasks ran, while their worker lives.
func (s *seen) wait(ctx context.Context, count int, w *workerProcess) error {
	for deadline := time.Now().Add(seenLimit); s.count() < count; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-w.ended:
			return fmt.Errorf("the worker ended: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d tasks ran", s.count(), count)
		}
	}
	return nil
}
