package program

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
)

// Enter is the other side of the door. It returns only when something failed,
// which it has then told the agent.
func Enter() int {
	// The death signal is the thread's, and so are capabilities.
	runtime.LockOSThread()
	syscall.CloseOnExec(doorFD)
	d := &door{socket: os.NewFile(doorFD, "door")}
	err := d.enter()
	if _, err := fmt.Fprintln(d.socket, strings.ReplaceAll(err.Error(), "\n", "; ")); err != nil {
		return console.ExitUsage // nobody is there
	}
	return console.ExitFailed
}

// readOrders reads the one line of them, to its end: what is left of it would be
// taken for the leave to begin. Nothing follows it before it is answered.
func readOrders(r io.Reader) (orders, error) {
	var o orders
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		return o, fmt.Errorf("read orders: %w", err)
	}
	return o, nil
}

func (d *door) enter() error {
	o, err := readOrders(d.socket)
	if err != nil {
		return err
	}
	if err := o.become(); err != nil {
		return err
	}
	if o.At != "" {
		if err := os.Chdir(o.At); err != nil {
			return err
		}
	}
	if err := forgo(); err != nil {
		return err
	}
	if err := confine.Limit(o.File); err != nil {
		return err
	}
	if err := confine.Filter(); err != nil {
		return err
	}
	// Changing users has cleared it. An agent that has died meanwhile is seen below.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tie to the agent: %w", err)
	}
	if _, err := d.socket.Write([]byte{'\n'}); err != nil {
		return err
	}
	if _, err := d.read(); err != nil {
		return err
	}
	return fmt.Errorf("execute %s: %w", o.Path, syscall.Exec(o.Path, toStrings(o.Args), toStrings(o.Env)))
}

// become becomes the project's user, in whose name the kernel then writes into the
// overlay. Its directories are opened before, as root, who owns what leads there;
// their paths are in the list of mounts afterwards, and say nothing.
func (o *orders) become() error {
	var fds [3]int
	for i, path := range []string{o.Lower, o.Upper, o.Work} {
		if path == "" {
			continue
		}
		fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", path, err)
		}
		fds[i] = fd
	}
	if err := confine.Become(o.UID, o.GID); err != nil {
		return err
	}
	if o.Lower == "" {
		return nil
	}
	options := fmt.Sprintf("lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,userxattr", fds[0], fds[1], fds[2])
	if err := unix.Mount("app", o.At, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

// forgo gives up every capability, and any way to another. The bounding set takes a
// capability to be emptied, which there is only in a namespace of one's own; nothing
// is gained from the set where no new right can be.
func forgo() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) && c > unix.CAP_CHOWN {
			break // the kernel has no more
		}
		if errors.Is(err, unix.EPERM) {
			break
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

func toBytes(in []string) [][]byte {
	out := make([][]byte, len(in))
	for i, s := range in {
		out[i] = []byte(s)
	}
	return out
}

func toStrings(in [][]byte) []string {
	out := make([]string, len(in))
	for i, b := range in {
		out[i] = string(b)
	}
	return out
}
