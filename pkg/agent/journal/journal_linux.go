package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/capture"
	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/ship"
	"fngen.dev/fngen/pkg/spool"
	"fngen.dev/fngen/pkg/task"
)

const (
	// spoolLimit is the most of a log that waits on the disk. It is the agent's, and does
	// not count as the program's.
	spoolLimit = 64 << 20
	// farewell is how long the end of a program waits for its log to be sent.
	farewell = 5 * time.Second
	// lastWords is how long the end of what is read is waited for, once nobody of the
	// program is left: what is in a pipe is there at once.
	lastWords = 2 * time.Second
)

// Journal is the log of one program: what it prints, with what the agent says of it, on
// its way to the platform. All of it is also written to the agent's own streams.
type Journal struct {
	uid   int
	clock *capture.Clock
	// again says that the same instance ran here before, and ended.
	again   bool
	spool   *spool.Spool
	shipper *ship.Shipper
	out     sync.Mutex // of our own streams
	// Hear gets each entry of the program too, work says what the program is at; both may
	// be nil.
	Hear func(capture.Entry)
	Work func() capture.Work
	// records is our end of the socket of records.
	records *os.File
}

// take keeps entries of the program.
func (j *Journal) take(entries ...capture.Entry) {
	if j.Hear != nil {
		for _, e := range entries {
			j.Hear(e)
		}
	}
	j.shipper.Take(entries...)
}

// heardTime is how long caught up waits at most.
const heardTime = time.Second

// CaughtUp returns when the records that were sent until now have been read, as far as
// can be seen.
func (j *Journal) CaughtUp() {
	if j == nil || j.records == nil {
		return
	}
	conn, err := j.records.SyscallConn()
	if err != nil {
		return
	}
	for end := time.Now().Add(heardTime); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		left := 0
		err := conn.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		if err != nil || left == 0 {
			time.Sleep(5 * time.Millisecond) // the last one may be in hand
			return
		}
	}
}

// Open begins to send what an earlier start left in dir. It is called while the
// agent is root.
func Open(dir string, uid int, send ship.Send) (*Journal, error) {
	_, missing := os.Stat(dir)
	s, err := spool.Open(dir, spoolLimit)
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if err := giveSpool(dir); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	j := &Journal{uid: uid, clock: &capture.Clock{}, spool: s, again: missing == nil}
	j.shipper = ship.Start(s, j.clock, send)
	return j, nil
}

// giveSpool lets the agent write there when it is root no more.
func giveSpool(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range append(found, dir) {
		err = errors.Join(err, os.Lchown(path, confine.AgentUID, confine.AgentUID))
	}
	return err
}

// Close sends what is left, as far as that goes.
func (j *Journal) Close() {
	if j == nil {
		return
	}
	j.shipper.Stop(farewell)
	j.spool.Close()
}

// Logger says things that are in the log too.
func (j *Journal) Logger(log console.Logger) console.Logger {
	if j == nil {
		return log
	}
	return console.Logger{W: &voice{j, log.W}}
}

// voice writes lines of the agent's own.
type voice struct {
	journal *Journal
	out     io.Writer
}

func (v *voice) Write(p []byte) (int, error) {
	v.journal.say(capture.Warning, strings.TrimPrefix(strings.TrimSuffix(string(p), "\n"), "fngen-agent: "))
	return v.out.Write(p)
}

// say adds an entry of the agent's own.
func (j *Journal) say(level, text string) {
	if j != nil {
		j.shipper.Take(capture.Entry{Time: j.clock.Next(), Stream: capture.Stderr, Level: level, Message: text, Platform: true})
	}
}

// Starts says that the program does.
func (j *Journal) Starts(name, release string) {
	switch {
	case j == nil:
	case j.again:
		j.say(capture.Warning, fmt.Sprintf("%s of release %s is started again: it had ended", name, release))
	default:
		j.say(capture.Info, fmt.Sprintf("%s of release %s starts", name, release))
	}
}

// Task says what became of a task.
func (j *Journal) Task(e task.Event) {
	level, text := taskLine(e)
	if j == nil || text == "" {
		return
	}
	j.shipper.Take(capture.Entry{Time: j.clock.Next(), Stream: capture.Stderr, Level: level, Message: text, TaskID: e.ID, Platform: true})
}

// End says how the program ended. What kills without a word is Linux, which ran out of
// memory, or who ends the task.
func (j *Journal) End(name string, status syscall.WaitStatus) {
	switch {
	case console.ExitCode(status) == 0:
		j.say(capture.Info, name+" "+console.Ending(status))
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		j.say(capture.Error, name+" "+console.Ending(status)+": most likely its server has run out of memory")
	default:
		j.say(capture.Error, name+" "+console.Ending(status))
	}
}
