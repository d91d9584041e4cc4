package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/disk"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/journal"
)

// Command is a program to start: always in a process group of its own, with
// nothing on its standard input, and killed when the agent dies.
type Command struct {
	Path string
	Args []string
	// Dir is where it runs, unless it gets a copy of tree, as its owner.
	Dir  string
	Tree *OwnTree
	Env  environ.Vars
	// User is who runs it without a tree; nil is the agent's own user.
	User *syscall.Credential
	// Disk bounds what it writes, or is nil.
	Disk *disk.Quota
	// Threads says how many processes and threads there are when they are too many, or is
	// nil.
	Threads *Threads
	// Last says that the agent needs root no more: it becomes a user of its own, for
	// good, before the program begins.
	Last bool
	// Group passes signals on to the whole process group, as a terminal does: a
	// shell keeps them to itself and waits for what it runs.
	Group bool
	// Stdout and stderr are where it prints, nil for our own.
	Stdout, stderr *os.File
	// Files it has open beside these, from recordsFD on; with a log, the log's own first.
	Files []*os.File
	// Log gets what it prints, or is nil.
	Log *journal.Journal
}

// heard has what the program prints go into its log.
func (c Command) heard() (Command, *journal.Ears, error) {
	if c.Log == nil {
		return c, nil, nil
	}
	e, err := c.Log.Listen(c.Log.Work)
	if err != nil {
		return c, nil, err
	}
	c.Stdout, c.stderr, c.Files = e.Stdout, e.Stderr, append([]*os.File{e.Records}, c.Files...)
	c.Env = c.Env.With("FNGEN_LINES", strconv.Itoa(RecordsFD))
	return c, e, nil
}

// largestFile is how large a file of it may become, 0 for any size: no larger than
// all that it may have.
func (c Command) largestFile() int64 {
	if c.Disk == nil {
		return 0
	}
	return c.Disk.Limit
}

// Run starts a program, passes the signals on to it, and returns how it ended.
// As the first process of its namespace the agent is the parent of every orphan,
// so it reaps whatever ends, and when the program is done it ends all that the
// program left behind. Whatever is started can never gain a right, not by a
// setuid program either.
func Run(c Command, signals <-chan os.Signal) (syscall.WaitStatus, error) {
	// The kernel ties the death signal to the thread that starts a process, and
	// no_new_privs is inherited from it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("set no_new_privs: %w", err)
	}
	c, heard, err := c.heard()
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", c.Path, err)
	}
	if heard != nil {
		defer heard.End()
	}
	pid, err := begin(c)
	if heard != nil {
		heard.Given()
	}
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", c.Path, err)
	}
	if c.Disk != nil {
		defer c.Disk.Close()
		done := make(chan struct{})
		defer close(done)
		go c.Disk.Watch(done, func() { _ = killGroup(pid, syscall.SIGKILL) })
	}
	if c.Threads != nil {
		done := make(chan struct{})
		defer close(done)
		go c.Threads.Watch(done)
	}
	pass := kill
	if c.Group {
		pass = killGroup
	}
	status, err := supervise(pid, pass, signals)
	sweep(pid)
	return status, err
}

// begin starts a program, in a copy of its tree when it has one.
func begin(c Command) (int, error) {
	if c.Tree == nil {
		if err := c.ready(); err != nil {
			return 0, err
		}
		return start(c)
	}
	entered, err := c.Tree.open(c)
	if entered == nil && err == nil {
		c.Dir = c.Tree.At
		entered, err = c.knock(c.Tree.asOwner(), &syscall.SysProcAttr{})
	}
	if err != nil {
		return 0, err
	}
	if err := c.ready(c.Tree.written()); err != nil {
		return 0, errors.Join(err, entered.shut())
	}
	return entered.begin()
}

// ready does what is to be done between the copy of the tree and the program, which
// writes into the directories that are given.
func (c Command) ready(written ...string) error {
	if c.Disk != nil {
		if err := c.Disk.Open(written...); err != nil {
			return err
		}
	}
	if !c.Last {
		return nil
	}
	if err := confine.Settle(c.Tree.UID); err != nil {
		return fmt.Errorf("give up root: %w", err)
	}
	return nil
}

// start starts a program where it is, as its user.
func start(c Command) (int, error) {
	o := orders{At: c.Dir, UID: -1, GID: -1}
	if c.User != nil {
		o.UID, o.GID = int(c.User.Uid), int(c.User.Gid)
	}
	d, err := c.knock(o, &syscall.SysProcAttr{})
	if err != nil {
		return 0, err
	}
	return d.begin()
}

// supervise forwards signals until pid ends, to it or to its group. Its id cannot
// name another process meanwhile, since nobody else reaps it.
func supervise(pid int, pass func(int, syscall.Signal) error, signals <-chan os.Signal) (syscall.WaitStatus, error) {
	for {
		// Looked at after every signal, not only SIGCHLD: a full channel drops some.
		if status, done, err := reap(pid); done || err != nil {
			return status, err
		}
		if s, ok := (<-signals).(syscall.Signal); ok && s != syscall.SIGCHLD {
			if err := pass(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
				return 0, fmt.Errorf("pass on %s: %w", unix.SignalName(s), err)
			}
		}
	}
}

// kill sends a signal to one process, killGroup to all of a group. To the kernel 0,
// 1 and -1 mean more than that, up to every process there is, and the agent may be
// root: no mistake may get there.
func kill(pid int, s syscall.Signal) error { return killOne(pid, pid, s) }

func killGroup(pid int, s syscall.Signal) error { return killOne(pid, -pid, s) }

func killOne(pid, to int, s syscall.Signal) error {
	if pid <= 1 {
		return fmt.Errorf("signal process %d: %w", pid, syscall.EINVAL)
	}
	return syscall.Kill(to, s)
}

// reap collects every process that has ended, and says whether pid is among them.
func reap(pid int) (status syscall.WaitStatus, done bool, err error) {
	for {
		var s syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &s, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil && done:
			return status, true, nil // ECHILD: that was the last
		case err != nil:
			return 0, false, fmt.Errorf("wait: %w", err)
		case ended == pid:
			status, done = s, true
		case ended == 0:
			return status, done, nil
		}
	}
}

// sweep ends what a program left running: its group, and in a process namespace
// of our own, everything. Only there is it sure that nothing is left.
func sweep(group int) {
	_ = killGroup(group, syscall.SIGKILL) // ESRCH: nobody is left
	if os.Getpid() != 1 {
		return
	}
	_ = syscall.Kill(-1, syscall.SIGKILL)
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// StoppedBy says whether a stop signal came, and which exit code it gives.
func StoppedBy(ctx context.Context, signals <-chan os.Signal) (int, bool) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return 0, false
	}
	for {
		select {
		case s := <-signals:
			if s, ok := s.(syscall.Signal); ok && s != syscall.SIGCHLD {
				return console.ExitSignal + int(s), true
			}
		default:
			return console.ExitSignal + int(syscall.SIGTERM), true // another read it
		}
	}
}

// Credential is the project's user without any other group.
func Credential(uid, gid int) *syscall.Credential {
	if gid < 0 {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{uint32(gid)}}
}
