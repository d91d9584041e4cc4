package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/compiler/source/index"
)

// Directory is an open directory. Its entries are reached through it, which saves
// the kernel from resolving whole paths. It speaks to the kernel directly: a
// third of a scan would otherwise go into what package os adds to each call.
type Directory struct {
	fd   int
	path string
}

// OpenDirectory opens a directory.
func OpenDirectory(path string) (Directory, error) {
	fd, err := open(unix.AT_FDCWD, path, unix.O_DIRECTORY)
	return Directory{fd, path}, pathError("open", path, err)
}

// Close ends the use of the directory.
func (d Directory) Close() { _ = unix.Close(d.fd) }

// Offsets in the kernel's struct linux_dirent64.
const (
	direntLength = 16
	direntType   = 18
	direntName   = 19
)

// List reads the names and kinds of all entries.
func (d Directory) List(l *Listing) error {
	l.reset()
	if l.dents == nil {
		l.dents = make([]byte, 32<<10)
	}
	for {
		n, err := again(func() (int, error) { return unix.Getdents(d.fd, l.dents) })
		if err != nil {
			return pathError("read", d.path, err)
		}
		if n == 0 {
			return nil
		}
		for data := l.dents[:n]; len(data) > direntName; {
			length := int(binary.NativeEndian.Uint16(data[direntLength:]))
			name, _, _ := bytes.Cut(data[direntName:length], []byte{0})
			if err := d.add(l, name, data[direntType]); err != nil {
				return err
			}
			data = data[length:]
		}
	}
}

func (d Directory) add(l *Listing, name []byte, kind byte) error {
	if string(name) == "." || string(name) == ".." {
		return nil
	}
	mode, known := kinds[kind]
	if !known { // some file systems do not tell
		st, err := d.Lstat(string(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		mode = KindOf(st)
	}
	l.add(name, mode)
	return nil
}

var kinds = map[byte]fs.FileMode{
	unix.DT_REG: 0, unix.DT_DIR: fs.ModeDir, unix.DT_LNK: fs.ModeSymlink, unix.DT_FIFO: fs.ModeNamedPipe,
	unix.DT_SOCK: fs.ModeSocket, unix.DT_BLK: fs.ModeDevice, unix.DT_CHR: fs.ModeDevice | fs.ModeCharDevice,
}

// Lstat is the state of an entry, of a link its own.
func (d Directory) Lstat(name string) (index.Stat, error) {
	var st unix.Stat_t
	_, err := again(func() (int, error) { return 0, unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return statOf(&st), pathError("lstat", name, err)
}

// ReadSmall reads a regular file of at most limit bytes; what is no regular file
// gives nothing.
func (d Directory) ReadSmall(name string, limit int64) ([]byte, error) {
	fd, err := open(d.fd, name, unix.O_NOFOLLOW)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ELOOP) {
		return nil, nil
	}
	if err != nil {
		return nil, pathError("open", name, err)
	}
	f := File{fd, name}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !KindOf(st).IsRegular() {
		return nil, err
	}
	if st.Size > limit {
		return nil, pathError("read", name, fmt.Errorf("it has more than %d MiB", limit>>20))
	}
	data := make([]byte, st.Size)
	n := 0
	for n < len(data) {
		more, err := f.Next(data[n:])
		if err != nil {
			return nil, err
		}
		if more == 0 {
			break
		}
		n += more
	}
	return data[:n], nil
}

// Lstat is the state of what is at a path, of a link its own.
func Lstat(path string) (index.Stat, error) { return Directory{fd: unix.AT_FDCWD}.Lstat(path) }

// File is an open file.
type File struct {
	fd   int
	path string
}

// OpenFile opens what should be a regular file; a pipe in its place does not
// make it wait.
func OpenFile(path string, follow bool) (File, error) {
	flags := unix.O_NOFOLLOW
	if follow {
		flags = 0
	}
	fd, err := open(unix.AT_FDCWD, path, flags)
	return File{fd, path}, pathError("open", path, err)
}

// Close ends the use of the file.
func (f File) Close() { _ = unix.Close(f.fd) }

// Stat is the state of the file.
func (f File) Stat() (index.Stat, error) {
	var st unix.Stat_t
	_, err := again(func() (int, error) { return 0, unix.Fstat(f.fd, &st) })
	return statOf(&st), pathError("stat", f.path, err)
}

// Next reads what comes next, at most as much as buf takes, and 0 bytes at the end.
func (f File) Next(buf []byte) (int, error) {
	n, err := again(func() (int, error) { return unix.Read(f.fd, buf) })
	return max(n, 0), pathError("read", f.path, err)
}

func open(at int, path string, flags int) (int, error) {
	return again(func() (int, error) {
		return unix.Openat(at, path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|flags, 0)
	})
}

// again repeats a call that a signal interrupted.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

func statOf(st *unix.Stat_t) index.Stat {
	return index.Stat{
		Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Inode: st.Ino, Mode: uint32(modeOf(st.Mode)),
	}
}

func modeOf(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	switch m & syscall.S_IFMT {
	case syscall.S_IFDIR:
		mode |= fs.ModeDir
	case syscall.S_IFLNK:
		mode |= fs.ModeSymlink
	case syscall.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case syscall.S_IFSOCK:
		mode |= fs.ModeSocket
	case syscall.S_IFBLK:
		mode |= fs.ModeDevice
	case syscall.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	}
	return mode
}
