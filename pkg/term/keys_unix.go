//go:build linux || darwin

package term

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// singleKeys has a terminal pass on each key at once. Output and signals stay as they are.
func singleKeys(in *os.File) (restore func(), err error) {
	fd := int(in.Fd())
	if front, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || front != unix.Getpgrp() {
		return nil, errors.Join(err, errors.New("the program is not in front"))
	}
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	now := *before
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, setTermios, &now); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, setTermios, before) }, nil
}
