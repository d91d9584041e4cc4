package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/capture"
)

// Ears are what one process writes to, and those who read it.
type Ears struct {
	Stdout, Stderr, Records *os.File
	ours                    []*os.File
	reading                 sync.WaitGroup
}

// Listen makes the streams of a process. work says what the process is at, or is nil.
func (j *Journal) Listen(work func() capture.Work) (*Ears, error) {
	e := &Ears{}
	var err error
	for _, s := range []struct {
		name   string
		theirs **os.File
		raw    *os.File
	}{{capture.Stdout, &e.Stdout, os.Stdout}, {capture.Stderr, &e.Stderr, os.Stderr}} {
		var ours *os.File
		if ours, *s.theirs, err = j.pipe(); err != nil {
			e.deaf()
			return nil, err
		}
		e.ours = append(e.ours, ours)
		text := &capture.Text{Stream: s.name, Clock: j.clock, Work: work, Take: j.take}
		e.reading.Go(func() { text.Consume(ours, &locked{&j.out, s.raw}) })
	}
	ours, theirs, err := recordSocket()
	if err != nil {
		e.deaf()
		return nil, err
	}
	e.Records, e.ours, j.records = theirs, append(e.ours, ours), ours
	records := &capture.Records{Clock: j.clock, Take: j.take, Bare: j.bare}
	e.reading.Go(func() { _ = records.Consume(ours) }) // closed below, or never fails
	return e, nil
}

// pipe is one that the program may open again by its name, /dev/stdout, which takes an
// owner.
func (j *Journal) pipe() (ours, theirs *os.File, err error) {
	ours, theirs, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make pipe: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := theirs.Chown(j.uid, j.uid); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("give pipe: %w", err), ours.Close(), theirs.Close())
		}
	}
	return ours, theirs, nil
}

func recordSocket() (ours, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(pair[0], true)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make socket: %w", err)
	}
	return os.NewFile(uintptr(pair[0]), "records"), os.NewFile(uintptr(pair[1]), "records"), nil
}

// bare writes what came as a record to where the program would have written it.
func (j *Journal) bare(stream, message string) {
	out := os.Stdout
	if stream == capture.Stderr {
		out = os.Stderr
	}
	j.out.Lock()
	defer j.out.Unlock()
	_, _ = io.WriteString(out, message+"\n") // it is kept elsewhere too
}

// Given closes our copies of what the process has got by now.
func (e *Ears) Given() {
	for _, f := range []*os.File{e.Stdout, e.Stderr, e.Records} {
		if f != nil {
			f.Close()
		}
	}
}

// deaf ends it before a process has begun.
func (e *Ears) deaf() {
	e.Given()
	e.End()
}

// End reads what is left. A process that got away and still has the streams is not
// waited for.
func (e *Ears) End() {
	done := make(chan struct{})
	go func() { e.reading.Wait(); close(done) }()
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	for _, f := range e.ours {
		f.Close()
	}
	<-done
}

// locked writes whole pieces, one at a time.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
