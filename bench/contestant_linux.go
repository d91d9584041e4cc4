package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/task"
)

// workerProcess runs tasks.
type workerProcess struct {
	cmd   *exec.Cmd
	ended chan error
	once  sync.Once
}

func (w *workerProcess) pid() int { return w.cmd.Process.Pid }

// stopLimit is how long a worker may take to stop.
const stopLimit = time.Minute

// stop ends a worker as a rollout does, and waits for it.
func (w *workerProcess) stop() {
	w.once.Do(func() {
		_ = w.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-w.ended:
		case <-time.After(stopLimit):
			_ = w.cmd.Process.Kill()
			<-w.ended
		}
	})
}

// environment is what the Python of a side reads.
func (c *contest) environment(s *side, seen *seen) []string {
	config := c.node.Config()
	address := strings.TrimPrefix(config.URL, "amqp://")
	env := append(os.Environ(), "BENCH_SEEN="+seen.path, "PYTHONDONTWRITEBYTECODE=1", "PATH="+filepath.Join(c.venv, "bin")+":"+os.Getenv("PATH"),
		"BENCH_BROKER=amqp://"+config.User+":"+config.Password+"@"+address+"/"+rivalHost)
	if s.tuned {
		env = append(env, "BENCH_TUNED=1", "dramatiq_queue_prefetch=256")
	}
	return env
}

// start starts the worker of a side.
func (c *contest) start(ctx context.Context, s *side, seen *seen) (*workerProcess, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.venv, "bin", s.args[0]), s.args[1:]...)
	if s.system == "fngen" {
		n, err := strconv.Atoi(s.args[0])
		if err != nil {
			return nil, err
		}
		options, err := json.Marshal(map[string]any{
			"Broker": c.broker.Worker(contestProject, 1), "Project": contestProject, "Function": "work", "File": "fngen_tasks.py",
			"Dir": c.rivals, "Python": c.python(), "Runtime": c.runtime, "Concurrency": n,
		})
		if err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, c.worker, string(options))
	}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.rivals, c.environment(s, seen), os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &workerProcess{cmd: cmd, ended: make(chan error, 1)}
	go func() { w.ended <- errors.Join(errors.New("with"), cmd.Wait()); close(w.ended) }()
	return w, nil
}

// purge empties the queue of a rival: what a worker has taken it may not have answered.
// Of fngen nobody may do that.
func (c *contest) purge(ctx context.Context, s *side) error {
	if s.system == "fngen" {
		return nil
	}
	queue := map[string]string{"celery": "celery", "dramatiq": "default"}[s.system]
	return c.node.API(ctx, http.MethodDelete, "/api/queues/"+rivalHost+"/"+queue+"/contents", nil, nil)
}

// rawDrain is how many messages a Go client takes and acknowledges in a second, each by
// itself, from the queue of fngen.
func (c *contest) rawDrain(ctx context.Context) (float64, error) {
	const count = 40_000
	s := &side{system: "fngen", count: count}
	if err := c.fill(ctx, s, nil); err != nil {
		return 0, err
	}
	b := c.broker.Worker(contestProject, 1)
	conn, err := amqp.DialConfig(b.URL, amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: b.Username, Password: b.Password}}})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return 0, err
	}
	if err := ch.Qos(256, 0, false); err != nil {
		return 0, err
	}
	in, err := ch.Consume(task.Queue(contestProject, "work"), "", false, false, false, false, nil)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	for range count {
		d := <-in
		if err := d.Ack(false); err != nil {
			return 0, err
		}
	}
	rate := count / time.Since(begin).Seconds()
	fmt.Fprintf(os.Stderr, "raw: %.0f/s, load %s\n", rate, loadNow())
	return rate, c.emptied(ctx)
}

// emptied waits until the broker has seen the acknowledgements: those that it has not when
// a connection ends are lost, and the messages come again to the next side.
func (c *contest) emptied(ctx context.Context) error {
	path := "/api/queues/" + task.Vhost(contestProject) + "/" + task.Queue(contestProject, "work")
	for {
		var queue struct{ Messages *int }
		if err := c.node.API(ctx, http.MethodGet, path, nil, &queue); err != nil {
			return err
		}
		if queue.Messages != nil && *queue.Messages == 0 {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// treeMemory is the PSS of a process and of all that it started, in MB.
func treeMemory(root int) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	children := map[int][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name stands in parentheses and may have any character.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
	}
	total := 0
	for left := []int{root}; len(left) > 0; left = left[1:] {
		left = append(left, children[left[0]]...)
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", left[0]))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, err := strconv.Atoi(strings.Fields(value)[0])
				if err != nil {
					return 0, err
				}
				total += kb
			}
		}
	}
	return total / 1024, nil
}
