package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// side is one way to run tasks.
type side struct {
	name, system string
	// count is how many it drains.
	count int
	// args start its worker; of fngen they are its concurrency.
	args []string
	// tuned is at its best settings, with late acknowledgement, else at its defaults; best
	// is the one whose latency is measured.
	tuned, best bool
}

// contestProject is the project of fngen's side, rivalHost the virtual host of the others.
const contestProject, rivalHost = "contest", "rivals"

// sides are those that compete, as far as their documentation says what is quick.
func (c *contest) sides() []*side { return c.all }

var contestants = []*side{
	{"fngen, 1 process", "fngen", 40_000, []string{"1"}, true, false},
	{"fngen, 2 processes", "fngen", 40_000, []string{"2"}, true, true},
	{"Dramatiq -p2 -t1, prefetch 256", "dramatiq", 8_000, []string{"dramatiq", "dramatiq_tasks", "-p", "2", "-t", "1"}, true, true},
	{"Dramatiq -p2 -t8, its defaults", "dramatiq", 8_000, []string{"dramatiq", "dramatiq_tasks", "-p", "2", "-t", "8"}, false, false},
	{"Celery solo, late ack, prefetch 64", "celery", 4_000, celeryArgs("solo", "1"), true, false},
	{"Celery prefork 2, late ack, prefetch 64", "celery", 4_000, celeryArgs("prefork", "2"), true, true},
	{"Celery prefork 2, its defaults (early ack)", "celery", 4_000, []string{"celery", "-A", "celery_tasks", "worker", "-c", "2", "-l", "ERROR"}, false, false},
}

func celeryArgs(pool, n string) []string {
	return []string{
		"celery", "-A", "celery_tasks", "worker", "-P", pool, "-c", n, "-l", "ERROR",
		"--without-gossip", "--without-mingle", "--without-heartbeat",
	}
}

// contest is a broker with what all sides need.
type contest struct {
	dir, rivals, runtime, venv, worker string
	node                               *brokertest.Node
	broker                             *queue.Broker
	publisher                          *queue.Publisher
	all                                []*side
	end                                func()
}

func newContest(ctx context.Context) (_ *contest, err error) {
	c := &contest{all: contestants, end: func() {}}
	if c.dir, err = os.MkdirTemp("", "fngen-bench"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	here, err := os.Getwd()
	if err != nil {
		return c, err
	}
	c.rivals, c.runtime = filepath.Join(here, "bench/rivals"), filepath.Join(here, "sdk/python/src")
	c.venv, c.worker = filepath.Join(c.dir, "venv"), filepath.Join(c.dir, "worker")
	for _, args := range [][]string{
		{"go", "build", "-o", c.worker, "./bench/worker"},
		{"uv", "venv", "-q", c.venv},
		{"uv", "pip", "install", "-q", "--python", c.python(), "celery", "dramatiq[rabbitmq]"},
	} {
		if err := command(ctx, args[0], args[1:]...); err != nil {
			return c, err
		}
	}
	if c.node, err = brokertest.Launch(c.dir); err != nil {
		return c, err
	}
	c.broker = queue.New(c.node.Config())
	return c, c.open(ctx)
}

func (c *contest) python() string { return filepath.Join(c.venv, "bin/python") }

// open declares what each side has at the broker, and reads what fngen tells.
func (c *contest) open(ctx context.Context) error {
	config := c.node.Config()
	err := errors.Join(
		c.broker.Declare(ctx, contestProject, 1, []string{"work"}),
		c.node.API(ctx, http.MethodPut, "/api/vhosts/"+rivalHost, nil, nil),
		c.node.API(ctx, http.MethodPut, "/api/permissions/"+rivalHost+"/"+config.User, map[string]any{"configure": ".*", "write": ".*", "read": ".*"}, nil),
	)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, cancel := context.WithCancel(context.Background())
	s := queue.NewSession(c.broker.ControlPlane(contestProject), "events", log, queue.Source{Queue: task.EventQueue, Prefetch: 100})
	over := make(chan struct{})
	go func() { s.Run(ctx); close(over) }()
	go func() {
		for {
			select {
			case d := <-s.Deliveries():
				var e task.Events
				_ = json.Unmarshal(d.Body, &e) // read as the control plane reads it
				_ = d.Ack(false)
			case <-ctx.Done():
				return
			}
		}
	}()
	c.publisher = queue.NewPublisher(ctx, c.broker.ControlPlane(contestProject), "bench", log)
	c.end = func() { c.publisher.Close(); cancel(); <-over }
	return nil
}

func (c *contest) close() error {
	c.end()
	if c.node != nil {
		c.node.End()
	}
	return os.RemoveAll(c.dir)
}

// fill queues as many tasks as a side is to drain.
func (c *contest) fill(ctx context.Context, s *side, seen *seen) error {
	const batch = 5000
	if s.system != "fngen" {
		_, err := c.rival(ctx, s, seen, false, 0, s.count, 0)
		return err
	}
	for first := 0; first < s.count; first += batch {
		letters, err := letters(first, min(batch, s.count-first))
		if err != nil {
			return err
		}
		if err := errors.Join(c.publisher.PublishAll(ctx, letters)...); err != nil {
			return err
		}
	}
	return nil
}

func letters(first, count int) ([]queue.Letter, error) {
	var out []queue.Letter
	for n := first; n < first+count; n++ {
		id, err := task.NewID()
		if err != nil {
			return nil, err
		}
		now := time.Now()
		body := fmt.Sprintf(`{"n": %d, "at": %d, "email": "a@example.com", "items": [1, 2, 3], "text": "a few words of text"}`, n, now.UnixNano())
		out = append(out, queue.TaskLetter("", task.Message{
			ID: id, Project: contestProject, Function: "work", Attempt: 1, First: 1, Enqueued: now, Body: []byte(body),
		}))
	}
	return out, nil
}

// send sends tasks one by one, each confirmed, at a rate or as fast as it goes, and is
// how long one took on average.
func (c *contest) send(ctx context.Context, s *side, seen *seen, first, count, rate int) (time.Duration, error) {
	if s.system != "fngen" {
		return c.rival(ctx, s, seen, true, first, count, rate)
	}
	begin := time.Now()
	for i := range count {
		if rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		l, err := letters(first+i, 1)
		if err != nil {
			return 0, err
		}
		if err := c.publisher.Publish(ctx, l[0]); err != nil {
			return 0, err
		}
	}
	return time.Since(begin) / time.Duration(count), nil
}

// rival has a rival's own library send.
func (c *contest) rival(ctx context.Context, s *side, seen *seen, confirm bool, first, count, rate int) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, c.python(), s.system+"_tasks.py", strconv.Itoa(first), strconv.Itoa(count), strconv.Itoa(rate))
	cmd.Dir, cmd.Env = c.rivals, c.environment(s, seen)
	if confirm {
		cmd.Env = append(cmd.Env, "BENCH_CONFIRM=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("send by %s: %w", s.system, err)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Duration(ns), err
}
