package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/console"
)

// refusedCalls are the calls of the system that no program of a person gets to make,
// whatever rights it may find. Most take a capability that it lacks, outside of a
// user namespace of its making; so those cannot be made either. The others are doors
// to the kernel in which faults are found again and again, and which web
// applications do without. Docker and containerd refuse about the same.
var refusedCalls = []uint32{
	// Mounts and roots.
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN,
	unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	// Namespaces of others.
	unix.SYS_SETNS,
	// Keys of the kernel, which know no namespace of a task.
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	// Programs and events in the kernel.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_FANOTIFY_INIT,
	// The kernel itself, and the machine.
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_REBOOT, unix.SYS_ACCT, unix.SYS_SYSLOG, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	unix.SYS_VHANGUP, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL,
}

// newNamespaces are the flags of clone and unshare that make a namespace.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME

// architectures are what the kernel calls those that the platform runs on.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// Of struct seccomp_data: the call, whose it is, and the lower half of its first
// argument.
const (
	dataCall, dataArchitecture, dataFirst = 0, 4, 16
	// x32 calls have numbers from here on, on amd64 only.
	firstX32 = 0x40000000
)

// filterProgram is the filter for the kernel: it answers what is refused as if a
// right were missing, and ends nobody. The form of clone that hides its flags from
// filters is answered as if the kernel had none, after which libraries take the
// other. Calls of another architecture have other numbers: the whole of it is
// refused.
func filterProgram(architecture uint32) []bpf.Instruction {
	refuse := bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	allow := bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	// unless skips the one instruction that follows it when the call is another.
	unless := func(call uint32) bpf.JumpIf { return bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: call, SkipTrue: 1} }
	p := []bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArchitecture, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture, SkipTrue: 1}, refuse,
		bpf.LoadAbsolute{Off: dataCall, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: firstX32, SkipTrue: 1}, refuse,
		unless(unix.SYS_CLONE3), bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
	}
	for _, call := range refusedCalls {
		p = append(p, unless(call), refuse)
	}
	return append(p,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_CLONE, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_UNSHARE, SkipTrue: 1}, allow,
		bpf.LoadAbsolute{Off: dataFirst, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: newNamespaces, SkipTrue: 1}, allow,
		refuse,
	)
}

// Filter has the kernel refuse these calls to the process and all that it starts,
// for good. A kernel without filters leaves it at the rights that the process lacks,
// which is said.
func Filter() error {
	architecture, known := architectures[runtime.GOARCH]
	if !known {
		return fmt.Errorf("there is no filter of calls for %s", runtime.GOARCH)
	}
	raw, err := bpf.Assemble(filterProgram(architecture))
	if err != nil {
		return fmt.Errorf("assemble the filter of calls: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(&raw[0]))}
	err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	if errors.Is(err, unix.EINVAL) {
		console.Logger{W: os.Stderr}.Say("the kernel of this node has no filters of calls (CONFIG_SECCOMP_FILTER): what is started may try any")
		return nil
	}
	if err != nil {
		return fmt.Errorf("filter calls: %w", err)
	}
	return nil
}
