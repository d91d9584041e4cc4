package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AgentUID is the user and the group of the agent beside a program: no project's, so
// that nothing of a project can signal it, look into its memory, or read what it
// reads. Projects begin above it.
const AgentUID = 699999

// agentCapabilities are all that the agent keeps of root: to pass signals on to the
// program and to end it, and to read the workload identity, which is renewed, and how
// much the program has on the disk.
var agentCapabilities = []int{unix.CAP_KILL, unix.CAP_DAC_READ_SEARCH}

// Settle gives up root for good and in all threads, and proves it. What runs as the
// project's user on a developer's machine, without any right, stays that user. After
// it, no other process can look into this one's memory, where tokens are.
func Settle(uid int) error {
	var keep uint64
	if os.Geteuid() == 0 {
		uid, keep = AgentUID, capabilitySet(agentCapabilities)
		if err := settleAs(uid, keep); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("close own memory: %w", err)
	}
	return settled(uid, keep)
}

// settleAs becomes a user that has given capabilities. The kernel counts both for each
// thread, so all of them are told.
func settleAs(uid int, keep uint64) error {
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0); errno != 0 {
		return fmt.Errorf("keep capabilities: %w", errno)
	}
	if err := Become(uid, uid); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	sets := [2]unix.CapUserData{
		{Effective: uint32(keep), Permitted: uint32(keep)},
		{Effective: uint32(keep >> 32), Permitted: uint32(keep >> 32)},
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets[0])), 0)
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&sets)
	if errno != 0 {
		return fmt.Errorf("set capabilities: %w", errno)
	}
	return nil
}

func capabilitySet(of []int) uint64 {
	set := uint64(0)
	for _, c := range of {
		set |= 1 << c
	}
	return set
}

// Become becomes a user with one group and no other; -1 is who one is.
func Become(uid, gid int) error {
	if gid >= 0 {
		if err := syscall.Setgroups([]int{gid}); err != nil {
			return fmt.Errorf("set groups: %w", err)
		}
		if err := syscall.Setresgid(gid, gid, gid); err != nil {
			return fmt.Errorf("become group %d: %w", gid, err)
		}
	}
	if uid >= 0 {
		if err := syscall.Setresuid(uid, uid, uid); err != nil {
			return fmt.Errorf("become user %d: %w", uid, err)
		}
	}
	return nil
}

// settled tries to be root again, and fails when that works, or when there is any
// other right than the given.
func settled(uid int, keep uint64) error {
	if os.Getuid() != uid || os.Geteuid() != uid {
		return fmt.Errorf("is user %d instead of %d", os.Geteuid(), uid)
	}
	// Raw calls concern this thread only: the process ends when one succeeds.
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETUID, 0, 0, 0); errno == 0 {
		return errors.New("could become root again")
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETGID, 0, 0, 0); errno == 0 {
		return errors.New("could become the group of root again")
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	has := uint64(sets[0].Permitted|sets[0].Effective) | uint64(sets[1].Permitted|sets[1].Effective)<<32
	if has&^keep != 0 || sets[0].Inheritable|sets[1].Inheritable != 0 {
		return fmt.Errorf("still has capabilities %x", has&^keep)
	}
	return nil
}
