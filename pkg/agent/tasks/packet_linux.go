package tasks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/task"
)

// The form of packets, as sdk/python/src/fngen/runtime/work/wire.py has it.
const (
	taskHead = 1 + 8 + 1 + 4 + 36
	doneHead = 1 + 8 + 1 + 1 + 4 + 4
	// largest is how much goes with a packet; what is larger is a file in memory.
	largest = 64 << 10
	inFile  = 1
	asCall  = 2
)

// code says how a task ended, by its process's own account.
type code = task.Code

const (
	well       = task.Well
	raised     = task.Raised
	badPayload = task.BadPayload
	badResult  = task.BadResult
)

// done is the account that a process gives of a task.
type done struct {
	number uint64
	code   code
	// memory is what the process has, in KiB.
	memory int
	// took is how long it took, without the time in which the process had no processor
	// between two tasks.
	took time.Duration
	body []byte
}

// maxOutcome bounds what a process may tell of one task.
const maxOutcome = task.MaxResult + 2*task.MaxError

// sendTask puts a task into the socket of a worker; it is EAGAIN where there is no room.
func sendTask(conn *net.UnixConn, number uint64, m task.Message) error {
	head := make([]byte, taskHead, taskHead+min(len(m.Body), largest))
	head[0] = 'T'
	binary.LittleEndian.PutUint64(head[1:], number)
	binary.LittleEndian.PutUint32(head[10:], uint32(m.Attempt))
	copy(head[14:], m.ID)
	if m.Shape == task.ShapeCall {
		head[9] |= asCall
	}
	if len(m.Body) <= largest {
		return sendNow(conn, append(head, m.Body...), nil)
	}
	head[9] |= inFile
	fd, err := unix.MemfdCreate("fngen-payload", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make a file in memory: %w", err)
	}
	file := os.NewFile(uintptr(fd), "payload")
	defer file.Close()
	if _, err := file.Write(m.Body); err != nil {
		return err
	}
	return sendNow(conn, head, unix.UnixRights(fd))
}

// sendNow sends a packet without waiting for room.
func sendNow(conn *net.UnixConn, packet, rights []byte) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		sent = unix.Sendmsg(int(fd), packet, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return true
	})
	return errors.Join(err, sent)
}

// takeBack takes a task out of the worker's end of the socket, and returns its number. An
// error says that there is none.
func takeBack(theirs *os.File) (uint64, error) {
	raw, err := theirs.SyscallConn()
	if err != nil {
		return 0, err
	}
	var head [9]byte
	var n int
	var got error
	err = raw.Read(func(fd uintptr) bool {
		// A file that comes with it is closed by the kernel, since there is no room for it.
		n, _, _, _, got = unix.Recvmsg(int(fd), head[:], nil, unix.MSG_DONTWAIT)
		return true
	})
	if err = errors.Join(err, got); err == nil && n < len(head) {
		err = net.ErrClosed
	}
	return binary.LittleEndian.Uint64(head[1:]), err
}

var errPacket = errors.New("a packet of a form that is not known")

// readDone takes the next outcome out of the socket of a worker. Strangers' code can
// write there, so that nothing of it is believed.
func readDone(conn *net.UnixConn, buf []byte) (done, error) {
	var oob [32]byte
	n, oobn, flags, _, err := conn.ReadMsgUnix(buf, oob[:])
	files := receivedFiles(oob[:oobn])
	defer closeAll(files)
	switch {
	case err != nil:
		return done{}, err
	case n == 0:
		return done{}, net.ErrClosed
	case n < doneHead || buf[0] != 'D' || flags&unix.MSG_TRUNC != 0:
		return done{}, errPacket
	}
	d := done{
		number: binary.LittleEndian.Uint64(buf[1:]), code: code(buf[9]), memory: int(binary.LittleEndian.Uint32(buf[11:])),
		took: time.Duration(binary.LittleEndian.Uint32(buf[15:])) * time.Microsecond, body: append([]byte(nil), buf[doneHead:n]...),
	}
	if buf[10]&inFile == 0 {
		return d, nil
	}
	if len(files) != 1 {
		return done{}, errPacket
	}
	d.body, err = readFile(files[0])
	return d, err
}

func readFile(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxOutcome {
		return nil, fmt.Errorf("an outcome of %d bytes: %w", info.Size(), errPacket)
	}
	b := make([]byte, info.Size())
	n, _ := f.ReadAt(b, 0) // it may have become shorter
	return b[:n], nil
}

func receivedFiles(oob []byte) []*os.File {
	if len(oob) == 0 {
		return nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var out []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			out = append(out, os.NewFile(uintptr(fd), "received"))
		}
	}
	return out
}
