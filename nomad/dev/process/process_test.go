//go:build linux

package process

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestParseStatWithStrangeName(t *testing.T) {
	raw := "42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3"
	start, state, err := parseStat([]byte(raw))
	if err != nil || start != 987654 || state != "S" {
		t.Errorf("parseStat = %d, %q, %v", start, state, err)
	}
	if _, _, err := parseStat([]byte("42 (short) S 1")); err == nil {
		t.Error("a short line was taken")
	}
}

func TestStartStop(t *testing.T) {
	dir := t.TempDir()
	spec := Spec{
		Name: "sleeper", Path: "/bin/sh", Args: []string{"-c", "echo started; exec sleep 60"},
		Env: os.Environ(), Dir: dir, Log: filepath.Join(dir, "sleeper.log"),
	}
	r, err := Start(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(r.PID, syscall.SIGKILL)
	if session, err := syscall.Getpgid(r.PID); err != nil || session != r.PID {
		t.Errorf("process group %d of pid %d: %v", session, r.PID, err)
	}
	if !Current(dir, spec) {
		t.Error("the process does not run as its spec says")
	}
	changed := spec
	changed.Config = [][]byte{[]byte("new")}
	if Current(dir, changed) {
		t.Error("a new configuration was not noticed")
	}
	if err := Stop(dir, r, time.Minute); err != nil {
		t.Fatal(err)
	}
	if r.Alive() {
		t.Error("alive after Stop")
	}
	if err := Stop(dir, r, time.Second); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
}

// A pid that was given to another process, or that is of another boot, is not ours.
func TestReusedPID(t *testing.T) {
	start, _, err := statOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	same := Record{Name: "x", PID: os.Getpid(), Start: start, Boot: bootID()}
	if !same.Alive() {
		t.Error("this process is not alive")
	}
	for name, r := range map[string]Record{
		"other start": {PID: same.PID, Start: start + 1, Boot: same.Boot},
		"other boot":  {PID: same.PID, Start: start, Boot: "another"},
		"no pid":      {PID: 0, Start: start, Boot: same.Boot},
	} {
		if r.Alive() {
			t.Errorf("%s: taken for ours", name)
		}
	}
	dir := t.TempDir()
	same.Start++
	if err := save(dir, same); err != nil {
		t.Fatal(err)
	}
	if left, err := LoadAll(dir); err != nil || len(left) != 0 {
		t.Errorf("LoadAll = %v, %v", left, err)
	}
	if _, err := os.Stat(recordPath(dir, "x")); !os.IsNotExist(err) {
		t.Error("a stale record was kept")
	}
}

func TestHolderOf(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if Free(l.Addr().String()) {
		t.Error("a held port is free")
	}
	if h := HolderOf(l.Addr().String()); h.PID != os.Getpid() {
		t.Errorf("HolderOf = %s, want pid %d", h, os.Getpid())
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	number, _ := strconv.Atoi(port)
	if matches("0100007F:0050", "127.0.0.1", number) || matches("0A0A007F:0050", "127.0.0.1", 80) {
		t.Error("another address matches")
	}
	if !matches("00000000:0050", "127.0.0.1", 80) || !matches("0100007F:0050", "127.0.0.1", 80) {
		t.Error("the address does not match")
	}
}

func TestRootWithin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mountinfo")
	content := "100 99 254:0 /srv/my\\040dev/data/alloc/1/t / rw,relatime - ext4 /dev/vda rw\n" +
		"101 100 0:5 / /proc rw - proc proc rw\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if !rootWithin(file, "/srv/my dev/data") {
		t.Error("a chroot below the directory was not found")
	}
	if rootWithin(file, "/srv/my") || rootWithin(file, "/other") {
		t.Error("a neighbour was found")
	}
}

// What merely stands in the directory, such as a person's shell, is left alone.
func TestInsideSparesShells(t *testing.T) {
	dir := t.TempDir()
	shell := exec.Command("/bin/sleep", "60")
	shell.Dir = dir
	executor := exec.Command("/bin/sh", "executor", dir+"/alloc")
	executor.Args = []string{"nomad", "executor", dir + "/alloc"} // sh reads a script "executor"
	if err := os.WriteFile(filepath.Join(dir, "executor"), []byte("while :; do sleep 1; done\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	executor.Dir = dir
	for _, cmd := range []*exec.Cmd{shell, executor} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		go cmd.Wait()
	}
	for deadline := time.Now().Add(2 * time.Minute); !ServesAllocs(dir); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the executor was not found")
		}
	}
	if err := EndInside(dir, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if ServesAllocs(dir) {
		t.Error("the executor lives")
	}
	if err := shell.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the shell was ended: %v", err)
	}
}
