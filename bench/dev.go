package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// devStarts is how often each side is started, devSaves how often a line is saved.
	devStarts, devSaves = 7, 50
	// devRequests are asked for at least while lines are saved.
	devRequests = 1000
	// devPatience stands for "it never answers".
	devPatience = time.Minute
)

// developing measures fngen dev beside uvicorn --reload, turn by turn, with the FastAPI
// example, all dependencies in place.
func developing(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "fngen-bench-dev-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sides, err := devSides(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := sides.start(ctx); err != nil {
		return nil, err
	}
	defer sides.stop()
	time.Sleep(5 * time.Second) // nothing goes on: what it holds at rest
	idle, err := residentOf(sides.ours.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	if err := sides.save(ctx); err != nil {
		return nil, err
	}
	ours, rival := sides.ours, sides.rival
	load, _ := os.ReadFile("/proc/loadavg")
	at := fmt.Sprintf(", load %s", strings.Join(strings.Fields(string(load))[:1], ""))
	return []figure{
		{"`fngen dev` of examples/hello, dependencies in place, to its first answer, median of " + strconv.Itoa(devStarts) + at,
			seconds(median(ours.starts)), seconds(median(rival.starts)) + " (`uvicorn --reload`)", ratio(median(ours.starts), median(rival.starts)), "<= 1.5 s"},
		{"a save to the new answer, median of " + strconv.Itoa(devSaves), seconds(median(ours.saves)), seconds(median(rival.saves)) + " (the same)", ratio(median(ours.saves), median(rival.saves)), "<= 1"},
		{"a save to the new answer, 95 of 100", seconds(quantile(ours.saves, 0.95)), seconds(quantile(rival.saves, 0.95)) + " (the same)", ratio(quantile(ours.saves, 0.95), quantile(rival.saves, 0.95)), "<= 0.7 s, <= 1"},
		{"requests meanwhile that failed", fmt.Sprintf("%d of %d", ours.failed.Load(), ours.sent.Load()), fmt.Sprintf("%d of %d (the same)", rival.failed.Load(), rival.sent.Load()), "", "0"},
		{"memory of `fngen dev` at rest, without Python", fmt.Sprintf("%d MB", idle), "", "", "<= 40 MB"},
	}, nil
}

func quantile(list []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// residentOf is the VmRSS of a process, in MB.
func residentOf(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	return kb / 1024, err
}

// devSide is one of the two, in a directory of its own.
type devSide struct {
	dir     string
	command func() *exec.Cmd
	// address is that of the process that runs, told by itself or chosen before.
	listening func(*devSide, io.Reader) error
	address   string
	cmd       *exec.Cmd
	saved     int

	starts, saves []time.Duration
	sent, failed  atomic.Int64
}

type devPair struct{ ours, rival *devSide }

func devSides(ctx context.Context, dir string) (*devPair, error) {
	fngen, venv := filepath.Join(dir, "fngen"), filepath.Join(dir, "venv")
	python := filepath.Join(venv, "bin", "python")
	uv := []string{"run", "-trimpath", "-gcflags=all=-dwarf=false", "./nomad/dev", "uv"}
	for _, args := range [][]string{
		{"build", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", "-s -w", "-o", fngen, "./cmd/fngen"},
		append(uv, "venv", "--quiet", "--python", "3.11", venv),
		append(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", "examples/hello/requirements.txt", "uvicorn[standard]"),
	} {
		if err := command(ctx, "go", args...); err != nil {
			return nil, err
		}
	}
	sdk, err := filepath.Abs("sdk/python/src")
	if err != nil {
		return nil, err
	}
	pair := &devPair{&devSide{dir: filepath.Join(dir, "hello"), listening: told}, &devSide{dir: filepath.Join(dir, "rival"), listening: chosen}}
	for _, s := range []*devSide{pair.ours, pair.rival} {
		if err := os.CopyFS(s.dir, os.DirFS("examples/hello")); err != nil {
			return nil, err
		}
	}
	pair.ours.command = func() *exec.Cmd {
		return exec.CommandContext(ctx, fngen, "dev", "--json", "--port", "0", pair.ours.dir)
	}
	pair.rival.command = func() *exec.Cmd {
		cmd := exec.CommandContext(ctx, python, "-m", "uvicorn", "--reload", "--port", strings.TrimPrefix(pair.rival.address, "http://127.0.0.1:"), "app:app")
		cmd.Env = append(os.Environ(), "PYTHONPATH="+sdk)
		return cmd
	}
	return pair, pair.ours.begin(ctx, false) // which installs what is missing
}

// told reads the address that fngen dev tells, chosen believes what was chosen.
func told(s *devSide, output io.Reader) error {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var e struct{ Event, URL string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("read %q: %w", lines.Text(), err)
		}
		if e.Event == "listening" {
			s.address = e.URL
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return nil
		}
	}
	return errors.New("fngen dev has ended")
}

func chosen(_ *devSide, output io.Reader) error {
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return nil
}

// start starts both sides several times, in turns, and leaves them running.
func (p *devPair) start(ctx context.Context) error {
	for range devStarts {
		for _, s := range []*devSide{p.ours, p.rival} {
			s.end()
			if err := s.begin(ctx, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *devPair) stop() { p.ours.end(); p.rival.end() }

// begin starts a side and waits for its first answer.
func (s *devSide) begin(ctx context.Context, measured bool) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.address = "http://127.0.0.1:" + port
	s.cmd = s.command()
	s.cmd.Dir = s.dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	if err := s.listening(s, output); err != nil {
		return err
	}
	if err := s.says(ctx, "pong"); err != nil {
		return err
	}
	if measured {
		s.starts = append(s.starts, time.Since(began))
	}
	return nil
}

func (s *devSide) end() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT)
	late := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) })
	_ = s.cmd.Wait()
	late.Stop()
	s.cmd = nil
}

// says asks until the answer holds a text.
func (s *devSide) says(ctx context.Context, text string) error {
	for began := time.Now(); time.Since(began) < devPatience; time.Sleep(2 * time.Millisecond) {
		if body, err := s.ask(ctx); err == nil && strings.Contains(body, text) {
			return nil
		}
	}
	return fmt.Errorf("%s does not say %q within %s", s.address, text, devPatience)
}

func (s *devSide) ask(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+"/ping", nil)
	if err != nil {
		return "", err
	}
	req.Close = true // as a person's next visit
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", resp.Status)
	}
	return string(body), err
}

// save saves a line on both sides in turns, under requests.
func (p *devPair) save(ctx context.Context) error {
	loaded, quit := context.WithCancel(ctx)
	defer quit()
	for n := 0; n < devSaves || p.ours.sent.Load() < devRequests; n++ {
		for _, s := range []*devSide{p.ours, p.rival} {
			turn, over := context.WithCancel(loaded)
			go s.visit(turn)
			err := s.saveOne(ctx)
			over()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// visit asks every 10 ms until ctx ends, and counts what fails.
func (s *devSide) visit(ctx context.Context) {
	for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		s.sent.Add(1)
		if _, err := s.ask(context.WithoutCancel(ctx)); err != nil {
			s.failed.Add(1)
		}
	}
}

// saveOne saves a line as an editor does, and waits until it is served.
func (s *devSide) saveOne(ctx context.Context) error {
	path := filepath.Join(s.dir, "app.py")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old := fmt.Sprintf(`"pong%d"`, s.saved)
	if s.saved == 0 {
		old = `"pong"`
	}
	s.saved++
	next := fmt.Sprintf(`"pong%d"`, s.saved)
	if err := os.WriteFile(path+".tmp", []byte(strings.Replace(string(text), old, next, 1)), 0o600); err != nil {
		return err
	}
	began := time.Now()
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	if err := s.says(ctx, next); err != nil {
		return err
	}
	s.saves = append(s.saves, time.Since(began))
	return nil
}
