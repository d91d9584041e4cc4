//go:build linux

package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Inside returns what a Nomad agent below dir has left: its executors and log
// monitors, which outlive their agent by design, and every process whose root
// file system is below dir (a task in its chroot). With them come their
// descendants. A person's shell that merely stands in dir is not one of them.
func Inside(dir string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	inside, children := map[int]bool{}, map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		parent, ok := parentOf(pid)
		if !ok {
			continue // ended, at the latest just now
		}
		children[parent] = append(children[parent], pid)
		if livesIn(pid, dir) {
			inside[pid] = true
		}
	}
	for _, pid := range keys(inside) {
		addDescendants(pid, children, inside)
	}
	return keys(inside), nil
}

// Allocations lists the ids of those that the Nomad agent of dir, or agents below it,
// keep a directory of.
func Allocations(dir string) ([]string, error) {
	var ids []string
	for _, agents := range []string{"", "nomad", "nodes/*"} {
		found, err := filepath.Glob(filepath.Join(dir, agents, "nomad/alloc/*"))
		if err != nil {
			return nil, fmt.Errorf("list allocations below %s: %w", dir, err)
		}
		for _, path := range found {
			ids = append(ids, filepath.Base(path))
		}
	}
	return ids, nil
}

// ServesAllocs reports whether a Nomad executor of a task below dir is alive.
func ServesAllocs(dir string) bool {
	pids, err := Inside(dir)
	if err != nil {
		return false
	}
	for _, pid := range pids {
		if args := cmdline(pid); isPlugin(args) && args[1] == "executor" {
			return true
		}
	}
	return false
}

func livesIn(pid int, dir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	if args := cmdline(pid); isPlugin(args) {
		cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
		if err == nil && within(cwd, dir) || strings.Contains(strings.Join(args[2:], " "), dir+"/") {
			return true
		}
	}
	return rootWithin(filepath.Join(proc, "mountinfo"), dir)
}

// rootWithin reports whether "/" of a process is a directory below dir: the
// fourth field of mountinfo is the source directory, the fifth the target.
func rootWithin(mountinfo, dir string) bool {
	f, err := os.Open(mountinfo)
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 4 && fields[4] == "/" {
			return within(unescape(fields[3]), dir)
		}
	}
	return false
}

// Mounts lists the mount points below dir, deepest first.
func Mounts(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	defer f.Close()
	var points []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 4 && within(unescape(fields[4]), dir) {
			points = append(points, unescape(fields[4]))
		}
	}
	sort.Slice(points, func(i, j int) bool { return len(points[i]) > len(points[j]) })
	return points, nil
}

// Unmount removes every mount below dir.
func Unmount(dir string) error {
	points, err := Mounts(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range points {
		if err := syscall.Unmount(p, 0); err != nil {
			if err := syscall.Unmount(p, syscall.MNT_DETACH); err != nil {
				errs = append(errs, fmt.Errorf("unmount %s: %w", p, err))
			}
		}
	}
	return errors.Join(errs...)
}

// EndInside ends every process that lives below dir. Tasks get the grace;
// Nomad's plugins go when no task is left, by SIGKILL, since an executor without
// its agent does not end by SIGTERM.
func EndInside(dir string, grace time.Duration) error {
	pids, err := Inside(dir)
	if err != nil || len(pids) == 0 {
		return err
	}
	signalAll(pids, syscall.SIGTERM)
	for deadline := time.Now().Add(grace); time.Now().Before(deadline) && err == nil; time.Sleep(20 * time.Millisecond) {
		if pids, err = Inside(dir); allPlugins(pids) {
			break
		}
	}
	for deadline := time.Now().Add(killWait); len(pids) > 0 && err == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v below %s do not end", pids, dir)
		}
		signalAll(pids, syscall.SIGKILL)
		pids, err = Inside(dir)
	}
	return err
}

// killWait is how long the kernel may take to end what was killed.
const killWait = 10 * time.Second

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig) // gone already is what we want
	}
}

func allPlugins(pids []int) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool { return !isPlugin(cmdline(pid)) })
}

func isPlugin(args []string) bool {
	return len(args) > 1 && (args[1] == "executor" || args[1] == "logmon")
}

func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// unescape undoes the octal escapes of mountinfo (space, tab, newline, backslash).
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func cmdline(pid int) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
}

// parentOf returns the parent of a process that has not ended.
func parentOf(pid int) (int, bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 2 || fields[0] == "Z" {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

func addDescendants(pid int, children map[int][]int, into map[int]bool) {
	for _, c := range children[pid] {
		if !into[c] {
			into[c] = true
			addDescendants(c, children, into)
		}
	}
}

func keys(set map[int]bool) []int {
	list := make([]int, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	sort.Ints(list)
	return list
}
