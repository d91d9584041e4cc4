package capture

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// MaxRecord is the largest packet that the runtime sends.
const MaxRecord = 160 << 10

// Records makes entries of the packets of the runtime.
type Records struct {
	Clock *Clock
	Take  func(...Entry)
	// Bare gets the message of an entry, as if the program had printed it.
	Bare func(stream, message string)

	taken []Entry
}

// record is what lines.py sends.
type record struct {
	Stream    string  `json:"s"`
	Level     string  `json:"l"`
	Message   string  `json:"m"`
	Cut       int     `json:"c"`
	TaskID    string  `json:"t"`
	RequestID string  `json:"r"`
	Logger    string  `json:"n"`
	Error     string  `json:"e"`
	Access    *Access `json:"a"`
}

// Consume reads packets until there is nobody left who could write one. The socket
// must not block.
func (r *Records) Consume(socket *os.File) error {
	conn, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	defer r.hand()
	packet := make([]byte, MaxRecord)
	for pace, wait := new(pace), true; ; {
		n, hungUp, failed := 0, false, error(nil)
		err := conn.Read(func(fd uintptr) bool {
			n, failed = unix.Read(int(fd), packet)
			hungUp = n == 0 && failed == nil && isHungUp(int(fd))
			return !wait || !errors.Is(failed, unix.EAGAIN)
		})
		wait = errors.Is(failed, unix.EAGAIN) // nothing more is there
		if n > 0 && failed == nil {
			r.packet(packet[:n])
		}
		if wait || len(r.taken) == mostTaken {
			r.hand()
		}
		switch err = errors.Join(err, failed); {
		case wait:
			pace.rest(0)
		case hungUp:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		}
	}
}

// mostTaken is how many entries are handed over at once at most.
const mostTaken = 100

// hand hands over what has been taken.
func (r *Records) hand() {
	if len(r.taken) > 0 {
		r.Take(r.taken...)
	}
	clear(r.taken)
	r.taken = r.taken[:0]
}

// isHungUp tells the end from an empty packet, also from one before the end: both are
// read as nothing.
func isHungUp(fd int) bool {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(poll, 0); err != nil || poll[0].Revents&unix.POLLHUP == 0 {
		return false
	}
	left, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err != nil || left == 0
}

// packet makes an entry of one. One that is none was sent by a program that knows of
// the socket, and is kept as it is.
func (r *Records) packet(p []byte) {
	e, err := parse(p)
	if err != nil {
		e = Entry{Stream: Stderr, Level: Info, Message: clean(p, 0)}
	}
	e.Time = r.Clock.Next()
	r.Bare(e.Stream, e.Message)
	r.taken = append(r.taken, e)
}

func parse(p []byte) (Entry, error) {
	var in record
	if err := json.Unmarshal(p, &in); err != nil {
		return Entry{}, err
	}
	if in.Stream != Stdout && in.Stream != Stderr {
		return Entry{}, errors.New("no stream")
	}
	e := Entry{
		Stream: in.Stream, Level: known(in.Level), Message: clean([]byte(in.Message), max(0, in.Cut)),
		TaskID: valid(in.TaskID), RequestID: valid(in.RequestID), Logger: short(in.Logger), Error: valid(in.Error),
	}
	if in.Access != nil {
		e.Access = &Access{Method: short(in.Access.Method), Path: short(in.Access.Path), Status: in.Access.Status, Duration: in.Access.Duration}
	}
	level := e.Level
	if readOwn(&e); level != "" {
		e.Level = level // what logging says is known
	}
	if e.Level == "" {
		e.Level = guess(e.Message)
	}
	return e, nil
}

func valid(id string) string {
	if ValidID(id) {
		return id
	}
	return ""
}

// short is a name or a path, of which so much is kept.
func short(s string) string {
	const most = 1024
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
