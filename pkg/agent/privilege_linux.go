package agent

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// drop becomes the user uid with the group gid and no other, for good and in all
// threads, and proves it. After it, no process of the same user can look into
// this one's memory, where tokens of the start may still be.
func drop(uid, gid int) error {
	if os.Geteuid() == 0 {
		if err := become(uid, gid); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("close own memory: %w", err)
	}
	return dropped(uid)
}

// become becomes a user with one group and no other; -1 is who one is.
func become(uid, gid int) error {
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

// dropped tries to be root again, and fails when that works.
func dropped(uid int) error {
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
	for _, s := range sets {
		if s.Effective|s.Permitted != 0 {
			return errors.New("still has capabilities")
		}
	}
	return nil
}
