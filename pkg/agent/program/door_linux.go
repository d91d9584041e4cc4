package program

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Every program is started by a detour: the agent starts itself once more, and that
// process gives up what the program must not have, before it executes the program.
//
//	agent                              the same program, "fngen-agent enter"
//	  clone                        -->   opens what only root reaches
//	                                     becomes the project's user
//	                                     mounts the overlay, if there is one
//	                                     gives up all capabilities, takes on limits
//	                               <--  ready
//	  becomes a user of its own,
//	  if it needs root no more
//	                               -->  executes the program: same process, no way back
//	                               <--  the socket closes
//
// No task may mount anything. So where the program gets an overlay, the process is
// made in new user and mount namespaces. The user namespace knows one user and one
// group, those of the project, so all else in it is nobody's, and its capabilities
// are worth nothing beyond it.
const (
	EnterCommand = "enter"
	// doorFD is the socket to the agent.
	doorFD = 3
	// RecordsFD is the socket by which the runtime sends records, FNGEN_LINES.
	RecordsFD = doorFD + 1
)

// enterCapabilities are what is needed in the new namespace: to become the
// project's user, to mount, and to give up capabilities. The kernel works on the
// overlay with those that it was mounted with, so the rest is what it needs to
// carry out what the owner of all files in it may do.
var enterCapabilities = []uintptr{
	unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_SYS_ADMIN,
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID,
}

// orders are what the agent tells the program that enters. Environments hold any
// bytes, and so do arguments, which JSON strings do not.
type orders struct {
	// Lower, Upper and Work make up an overlay at At; without Lower there is none.
	Lower, Upper, Work, At string
	// UID and GID are who runs it, -1 for who runs the agent.
	UID, GID int
	// File is the size of its largest file.
	File      int64
	Path      string
	Args, Env [][]byte
}

// door is a program that has entered and waits for leave to begin.
type door struct {
	pid    int
	socket *os.File
}

// knock starts the program that enters, in given namespaces, and waits until it is
// ready.
func (c Command) knock(o orders, attributes *syscall.SysProcAttr) (*door, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "door"), os.NewFile(uintptr(pair[1]), "door")
	pid, err := c.clone(theirs, attributes)
	theirs.Close()
	d := &door{pid, ours}
	if err != nil {
		ours.Close()
		return nil, err
	}
	o.File, o.Path, o.Args, o.Env = c.largestFile(), c.Path, toBytes(append([]string{c.Path}, c.Args...)), toBytes(c.Env)
	if err := json.NewEncoder(ours).Encode(o); err != nil {
		return nil, errors.Join(err, d.shut())
	}
	switch answer, err := d.read(); {
	case err != nil:
		return nil, errors.Join(err, d.shut())
	case answer != "":
		return nil, errors.Join(errors.New(answer), d.shut())
	}
	return d, nil
}

// clone starts this program again, in a process group of its own, with nothing on
// its standard input and nothing in its environment. It is killed when the agent
// dies.
func (c Command) clone(socket *os.File, attributes *syscall.SysProcAttr) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	files := []*os.File{null, cmp.Or(c.Stdout, os.Stdout), cmp.Or(c.stderr, os.Stderr), socket}
	attributes.Setpgid, attributes.Pdeathsig = true, syscall.SIGKILL
	p, err := os.StartProcess("/proc/self/exe", []string{"fngen-agent", EnterCommand}, &os.ProcAttr{
		Files: append(files, c.Files...), Env: []string{}, Sys: attributes,
	})
	if err != nil {
		return 0, err
	}
	pid := p.Pid            // gone once it is released
	return pid, p.Release() // supervise waits for it, among others
}

// begin lets the program begin, and returns when it has.
func (d *door) begin() (int, error) {
	if _, err := d.socket.Write([]byte{'\n'}); err != nil {
		return 0, errors.Join(err, d.shut())
	}
	switch answer, err := d.read(); {
	case errors.Is(err, io.EOF): // closed by the execution
		return d.pid, d.socket.Close()
	case err != nil:
		return 0, errors.Join(err, d.shut())
	default:
		return 0, errors.Join(errors.New(answer), d.shut())
	}
}

// shut ends the program that did not begin.
func (d *door) shut() error {
	err := errors.Join(kill(d.pid, syscall.SIGKILL), d.socket.Close())
	for {
		if _, wait := syscall.Wait4(d.pid, nil, 0, nil); !errors.Is(wait, syscall.EINTR) {
			return errors.Join(err, wait)
		}
	}
}

// read returns one line of the other side.
func (d *door) read() (string, error) {
	var line strings.Builder
	for b := make([]byte, 1); ; {
		if _, err := d.socket.Read(b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return line.String(), nil
		}
		line.WriteByte(b[0])
	}
}
