package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/console"
)

const (
	// diskPause is how often it is looked whether a disk has filled up, which is one
	// call of the system.
	diskPause = 2 * time.Second
	// diskReserve must be free for a program to be started at all.
	diskReserve = 16 << 20
	// fileCost is the least that a file or directory counts: file systems have one
	// inode for about so many bytes, and run out of those too.
	fileCost = 16 << 10
	// diskShare is how much longer than adding up takes it is not done again.
	diskShare  = 50
	maxNesting = 200
)

// Quota bounds what one user's program has on the disk of its server: its code, what
// it writes beside that, and the directories that stay when it is started again. A
// limit of 0 is none.
type Quota struct {
	Limit int64
	// Whose disk has so much, as people are told.
	Whose string
	UID   int
	// Stay are the directories, at a place on the disk that is looked at.
	Stay []string
	At   string
	Log  console.Logger
	// Code is what the code takes in the cache.
	Code int64

	places []*os.File
	// had is what the program had, and filled how full the disk was, when it was
	// added up last; it is not added up again before next.
	had, filled int64
	next        time.Time
}

// Open opens all directories in which the program can write, as long as the agent
// can, and fails when there is more than there may be already.
func (d *Quota) Open(written ...string) error {
	for _, dir := range append(written, d.Stay...) {
		f, err := os.Open(dir)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look after the disk: %w", err)
		}
		d.places = append(d.places, f)
	}
	full, err := d.full(time.Now())
	if full {
		return fmt.Errorf("its code, and what earlier starts left in %s, take more than the %d GB that the disk of %s has", strings.Join(d.Stay, " and "), d.Limit/1e9, d.Whose)
	}
	return err
}

func (d *Quota) Close() {
	for _, f := range d.places {
		f.Close()
	}
	d.places = nil
}

// Watch calls end, once, when the program has more than it may.
func (d *Quota) Watch(done <-chan struct{}, end func()) {
	tick := time.NewTicker(diskPause)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			// What cannot be added up, since it is changed meanwhile, is tried again.
			if full, _ := d.full(now); full {
				d.Log.Say("it has more on the disk than the %d GB that %s has, and is ended", d.Limit/1e9, d.Whose)
				end()
				return
			}
		}
	}
}

// full says whether the program has more than it may. Adding up costs as much as
// there are files, so it is done only when the disk as a whole has filled by a
// good part of what the program may still add.
func (d *Quota) full(now time.Time) (bool, error) {
	if d.Limit == 0 || now.Before(d.next) {
		return false, nil
	}
	filled, err := diskFilled(d.At)
	if err != nil || (d.filled > 0 && filled-d.filled < (d.Limit-d.had)/4) {
		return false, err
	}
	had := d.Code
	for _, f := range d.places {
		n, err := sum(int(f.Fd()), d.UID, d.Limit-had, 0)
		if err != nil {
			return false, err
		}
		had += n
	}
	d.had, d.filled = had, filled
	d.next = now.Add(diskShare * time.Since(now))
	return had > d.Limit, nil
}

// UsedBy is how much of a directory is a user's, until it is more than enough.
func UsedBy(uid int, dir *os.File, enough int64) (int64, error) {
	return sum(int(dir.Fd()), uid, enough, 0)
}

// sum adds up what of a user is in a directory, until it is more than enough. What is nested
// too deep to be added up counts as too much.
func sum(dir, uid int, enough int64, depth int) (int64, error) {
	if depth > maxNesting {
		return enough + 1, nil
	}
	// Another description than the caller's, with a position of its own.
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	f := os.NewFile(uintptr(fd), "directory")
	defer f.Close()
	total := int64(0)
	for {
		names, err := f.Readdirnames(512)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		for _, name := range names {
			if total > enough {
				return total, nil
			}
			n, err := sumEntry(fd, uid, name, enough-total, depth)
			if err != nil && !errors.Is(err, unix.ENOENT) {
				return total, err
			}
			total += n
		}
	}
}

func sumEntry(dir, uid int, name string, enough int64, depth int) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return 0, err
	}
	if int(st.Uid) != uid {
		return 0, nil
	}
	own := max(st.Blocks*512/max(1, int64(st.Nlink)), fileCost)
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return own, nil
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return own, err
	}
	defer unix.Close(fd)
	n, err := sum(fd, uid, enough, depth+1)
	return own + n, err
}

// diskFilled is how much of a disk is in use, in bytes and, as bytes, in inodes.
func diskFilled(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("look at the disk: %w", err)
	}
	return int64(st.Blocks-st.Bfree)*st.Bsize + int64(st.Files-st.Ffree)*fileCost, nil
}

// HaveRoom fails, in words, when a disk has less room than is needed.
func HaveRoom(path string, need int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return fmt.Errorf("look at the disk: %w", err)
	}
	free := int64(st.Bavail) * st.Bsize
	switch need += diskReserve; {
	case free < need:
		return fmt.Errorf("the disk of this server is full: %d MB are free, and %d MB are needed", free>>20, need>>20)
	case st.Files > 0 && st.Ffree < diskReserve/fileCost:
		return fmt.Errorf("the disk of this server is full: it has no room for more files (%d are free)", st.Ffree)
	}
	return nil
}
