package confine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// closed are the directories of a task that are between Nomad and the agent: logs,
// what Nomad's executor knows of the task, and identities.
var closed = []string{"alloc", "private", "secrets"}

// CloseTask keeps a project out of the directories of Nomad in its task, for good.
// Nomad lays them open to every user, and works in them as root of the host: it
// would follow a link that it finds there. The project may write to /app, /local
// and /tmp, and nowhere else.
//
// A mode alone does not last: whenever Nomad's client starts, it opens the
// directories of each allocation again (client/allocdir of v1.11.1), while the
// agent is root no more. So the project's user gets an entry in the access control
// lists, which every mode leaves as it is.
func CloseTask(root string, uid int) error {
	if os.Geteuid() != 0 {
		return nil // as on a developer's machine
	}
	if err := bar(root, uid, 0o755, 0o5); err != nil {
		return err
	}
	for _, name := range closed {
		err := bar(filepath.Join(root, name), uid, 0o700, 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// bar makes a directory root's, with a mode, and gives one user no other rights
// there than the given, whatever the mode becomes.
func bar(path string, uid int, mode os.FileMode, rights uint16) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("close %s to the project: %w", path, err)
	}
	defer unix.Close(fd)
	err = errors.Join(unix.Fchown(fd, 0, 0), unix.Fchmod(fd, uint32(mode)))
	if err == nil {
		err = unix.Fsetxattr(fd, "system.posix_acl_access", AccessList(uid, mode, rights), 0)
	}
	if errors.Is(err, unix.ENOTSUP) {
		return fmt.Errorf("close %s to the project: the file system has no access control lists: mount it with them (acl, on ZFS acltype=posixacl)", path)
	}
	if err != nil {
		return fmt.Errorf("close %s to the project: %w", path, err)
	}
	return nil
}

// AccessList says the same as a mode, but for one user. The kernel wants it in this
// form and order (include/uapi/linux/posix_acl.h, posix_acl_xattr.h).
func AccessList(uid int, mode os.FileMode, rights uint16) []byte {
	const version, nobody = 2, ^uint32(0)
	group := uint16(mode>>3) & 7
	out := binary.LittleEndian.AppendUint32(nil, version)
	for _, e := range []struct {
		tag, rights uint16
		id          uint32
	}{
		{0x01, uint16(mode>>6) & 7, nobody}, // the owner
		{0x02, rights, uint32(uid)},
		{0x04, group, nobody}, // the owner's group
		{0x10, group, nobody}, // the most that users and groups get
		{0x20, uint16(mode) & 7, nobody},
	} {
		out = binary.LittleEndian.AppendUint16(out, e.tag)
		out = binary.LittleEndian.AppendUint16(out, e.rights)
		out = binary.LittleEndian.AppendUint32(out, e.id)
	}
	return out
}
