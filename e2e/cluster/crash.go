//go:build linux

package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fngen.dev/fngen/nomad/dev/process"
)

// KillServer kills the process of one of the cluster's servers, such as "traefik",
// or "nomad-" and the name of a simulated server. What it started lives on.
func (c Cluster) KillServer(name string) error {
	r, alive := process.Load(filepath.Join(c.checkout, ".dev/run"), name)
	if !alive {
		return fmt.Errorf("%s does not run", name)
	}
	return Kill(r.PID)
}

// StopServer ends the process of a server as its supervisor would.
func (c Cluster) StopServer(name string) error {
	dir := filepath.Join(c.checkout, ".dev/run")
	r, alive := process.Load(dir, name)
	if !alive {
		return fmt.Errorf("%s does not run", name)
	}
	return process.Stop(dir, r, 20*time.Second)
}

// RestartAlone ends a server, does something, and starts the server again as it was: make
// up would start all else that is down too. It is make up's again after end.
func (c Cluster) RestartAlone(name string, between func() error) (end func() error, err error) {
	r, alive := process.Load(filepath.Join(c.checkout, ".dev/run"), name)
	if !alive {
		return nil, fmt.Errorf("%s does not run", name)
	}
	dir := fmt.Sprintf("/proc/%d/", r.PID)
	args, err := os.ReadFile(dir + "cmdline")
	if err != nil {
		return nil, err
	}
	env, err := os.ReadFile(dir + "environ")
	if err != nil {
		return nil, err
	}
	at, err := os.Readlink(dir + "cwd")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.StopServer(name), between()); err != nil {
		return nil, err
	}
	list := strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00")
	cmd := exec.Command(list[0], list[1:]...) //nolint:noctx // ends with end
	cmd.Dir, cmd.Env = at, strings.Split(strings.TrimSuffix(string(env), "\x00"), "\x00")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			return err
		}
		err := cmd.Wait()
		if _, ended := errors.AsType[*exec.ExitError](err); ended {
			return nil // Nomad ends with code 1 when it is told to end
		}
		return err
	}, nil
}

// KillMachine kills all that runs on a simulated server at once, its agents and its
// tasks, as when its power goes.
func (c Cluster) KillMachine(node string) error {
	return killFamily(filepath.Join(c.checkout, ".dev/data/nodes", node) + "/")
}

// KillEverything kills all of the cluster at once, tasks included, as a power cut
// would.
func (c Cluster) KillEverything() error {
	return killFamily(filepath.Join(c.checkout, ".dev/data") + "/")
}

// ControlPlane is the process of fngend.
func (c Cluster) ControlPlane() (int, error) {
	return one(filepath.Join(c.checkout, ".dev/data")+"/", func(cmdline []byte) bool {
		return bytes.Equal(cmdline, []byte("/opt/fngen/bin/fngend\x00serve\x00"))
	})
}

// KillInstance kills the one process of an allocation that is of a program, such
// as "python".
func (c Cluster) KillInstance(allocation, program string) error {
	pid, err := one("/alloc/"+allocation+"/", func(cmdline []byte) bool {
		first, _, _ := bytes.Cut(cmdline, []byte{0})
		return filepath.Base(string(first)) == program
	})
	if err != nil {
		return err
	}
	return Kill(pid)
}

func killFamily(text string) error {
	pids, err := family(text)
	if err == nil && len(pids) == 0 {
		err = fmt.Errorf("no process of %s", text)
	}
	if err != nil {
		return err
	}
	// Stopped first, none of them sees another one die and tells of it.
	return errors.Join(signal(syscall.SIGSTOP, pids), Kill(pids...))
}

// one finds the one process of a family that is what is looked for.
func one(text string, is func(cmdline []byte) bool) (int, error) {
	pids, err := family(text)
	if err != nil {
		return 0, err
	}
	var found []int
	for _, pid := range pids {
		if cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && is(cmdline) {
			found = append(found, pid)
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("%d such processes of %s, not one", len(found), text)
	}
	return found[0], nil
}

// Kill spares nobody, and does not mind who has ended already.
func Kill(pids ...int) error { return signal(syscall.SIGKILL, pids) }

func signal(s syscall.Signal, pids []int) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("%s to %d: %w", s, pid, err)
		}
	}
	return nil
}

// family are the processes whose command line has a text, such as a directory, and
// all that they started.
func family(text string) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	var queue []int
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name, in brackets, may hold anything; the parent is the second after it.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			children[parent] = append(children[parent], pid)
		}
		cmdline, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err == nil && bytes.Contains(cmdline, []byte(text)) {
			queue = append(queue, pid)
		}
	}
	seen := map[int]bool{}
	var out []int
	for len(queue) > 0 {
		pid := queue[0]
		queue = append(queue[1:], children[pid]...)
		if !seen[pid] {
			seen[pid] = true
			out = append(out, pid)
		}
	}
	return out, nil
}

// Workers are the processes that serve an allocation which has several of them: the
// children of their supervisor.
func Workers(allocation string) ([]int, error) {
	pids, err := family("/alloc/" + allocation + "/")
	if err != nil {
		return nil, err
	}
	programs := map[int]string{}
	for _, pid := range pids {
		if cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
			first, _, _ := bytes.Cut(cmdline, []byte{0})
			programs[pid] = filepath.Base(string(first))
		}
	}
	var out []int
	for pid, program := range programs {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || program != "python" {
			continue
		}
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if parent, err := strconv.Atoi(string(fields[1])); err == nil && programs[parent] == "python" {
			out = append(out, pid)
		}
	}
	slices.Sort(out)
	return out, nil
}
