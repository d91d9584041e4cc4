package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// agentProcess is one of the machine, by its directory of /proc.
type agentProcess string

// usage is what it has used of the processor, and its memory.
type usage struct {
	at        time.Time
	cpu       time.Duration
	megabytes int
}

// agent is the one that serves the bench's project.
func (b *bench) agent() (agentProcess, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		args := bytes.Split(text, []byte{0})
		if filepath.Base(string(args[0])) == "fngen-agent" && bytes.Contains(text, []byte("--project="+b.project+"\x00")) {
			return agentProcess(filepath.Dir(file)), nil
		}
	}
	return "", fmt.Errorf("no agent of %s runs", b.project)
}

// ticks is how many of them Linux counts in a second.
const ticks = 100

func (p agentProcess) usage() (usage, error) {
	out := usage{at: time.Now()}
	stat, err := os.ReadFile(filepath.Join(string(p), "stat"))
	if err != nil {
		return out, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, field := range fields[11:13] { // in the program and in the kernel
		n, err := strconv.Atoi(field)
		if err != nil {
			return out, err
		}
		out.cpu += time.Duration(n) * time.Second / ticks
	}
	status, err := os.ReadFile(filepath.Join(string(p), "status"))
	if err != nil {
		return out, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				return out, err
			}
			out.megabytes = kb / 1024
		}
	}
	return out, nil
}

const setTurns = 5

// setToAnswer sets a variable until it answers, and pushes a line until it does.
func (b *bench) setToAnswer(ctx context.Context) ([]figure, error) {
	app := func(version string) error {
		return b.write("app.py", strings.Replace(talkative, `json.dumps(done.get(q.get("word")))`,
			`(os.environ.get("VALUE", "") + " `+version+`")`, 1))
	}
	if err := app("0"); err != nil {
		return nil, err
	}
	if err := command(ctx, "fngen", "push", b.project, b.dir); err != nil {
		return nil, err
	}
	value := filepath.Join(b.dir, "value.env")
	var sets, pushes []time.Duration
	for i := range setTurns {
		if err := os.WriteFile(value, fmt.Appendf(nil, "VALUE=v%d\n", i), 0o600); err != nil {
			return nil, err
		}
		took, err := b.until(ctx, fmt.Sprintf("v%d %d", i, i), "set_env", b.project, value)
		if err != nil {
			return nil, err
		}
		sets = append(sets, took)
		if err := app(strconv.Itoa(i + 1)); err != nil {
			return nil, err
		}
		if took, err = b.until(ctx, fmt.Sprintf("v%d %d", i, i+1), "push", b.project, b.dir); err != nil {
			return nil, err
		}
		pushes = append(pushes, took)
	}
	ours, theirs := median(sets), median(pushes)
	return []figure{{
		"`fngen set_env` to the first answer with the new value", seconds(ours), seconds(theirs) + " (a push of one line)",
		fmt.Sprintf("%.2f", float64(ours)/float64(theirs)), "<= 1.25",
	}}, nil
}

// until runs fngen and measures until the app answers as wanted.
func (b *bench) until(ctx context.Context, want string, args ...string) (time.Duration, error) {
	begin, ended := time.Now(), make(chan error, 1)
	go func() { ended <- command(ctx, "fngen", args...) }()
	for {
		text, err := b.ask(ctx, "/")
		if err == nil && string(text) == want {
			took := time.Since(begin)
			return took, <-ended
		}
		if ctx.Err() != nil || time.Since(begin) > lateLine {
			return 0, fmt.Errorf("it answers %q, not %q: %w", text, want, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
