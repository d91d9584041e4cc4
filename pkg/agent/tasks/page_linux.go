package tasks

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// page is the memory in which a worker says what it is at: three numbers for each place,
// as sdk/python/src/fngen/runtime/work/page.py has them.
type page struct {
	bytes   []byte
	numbers []uint64
}

const (
	started = iota
	finished
	cancel
	numbersOfPlace
)

// openPage maps the page of a worker. The worker could make its file shorter, and a read
// of what is gone would end the agent: so that is forbidden first.
func openPage(f *os.File, places int) (*page, error) {
	size := places * numbersOfPlace * 8
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return nil, fmt.Errorf("seal the page of a worker: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < int64(size) {
		return nil, errors.New("the page of a worker is too small")
	}
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the page of a worker: %w", err)
	}
	return &page{b, unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), size/8)}, nil
}

func (p *page) close() { _ = unix.Munmap(p.bytes) }

// begun reports whether a task was taken out of the socket and begun, ended whether it
// came to its end, and how.
func (p *page) begun(number uint64) bool {
	for place := 0; place < len(p.numbers); place += numbersOfPlace {
		if atomic.LoadUint64(&p.numbers[place+started]) == number {
			return true
		}
	}
	return false
}

func (p *page) ended(number uint64) (well, ended bool) {
	for place := 0; place < len(p.numbers); place += numbersOfPlace {
		if n := atomic.LoadUint64(&p.numbers[place+finished]); n>>2 == number {
			return n&3 == 1, true
		}
	}
	return false, false
}

// cancel marks the task that a signal is meant for, in place of one that is not there any
// more.
func (p *page) cancel(number uint64, isThere func(uint64) bool) {
	for place := 0; place < len(p.numbers); place += numbersOfPlace {
		if at := &p.numbers[place+cancel]; !isThere(atomic.LoadUint64(at)) {
			atomic.StoreUint64(at, number)
			return
		}
	}
}
