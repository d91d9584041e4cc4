package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/pkg/api"
)

// talkative prints as many lines as it is asked to, at a pace, from a thread that belongs
// to no request: to its output, or to a file for comparison.
const talkative = `import json, os, queue, sys, tempfile, threading, time
from urllib.parse import parse_qs
from fngen.powers import webapp

FILL = "x" * 60
orders, done = queue.Queue(), {}

def talk(out, word, count, rate):
    begin, cpu, said, step = time.monotonic(), time.thread_time(), 0, max(1, rate // 100)
    while said < count:
        for i in range(said, min(said + step, count)):
            print(word, i, time.time_ns(), FILL, file=out)
        said = min(said + step, count)
        ahead = begin + said / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    return {"seconds": time.monotonic() - begin, "cpu": time.thread_time() - cpu}

def work():
    while True:
        word, count, rate, to = orders.get()
        if to == "file":
            with tempfile.TemporaryFile("w", buffering=1, dir=os.getcwd()) as out:
                done[word] = talk(out, word, count, rate)
        else:
            done[word] = talk(sys.stdout, word, count, rate)

threading.Thread(target=work, daemon=True).start()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    q = {k: v[0] for k, v in parse_qs(scope["query_string"].decode()).items()}
    if scope["path"] == "/order":
        orders.put((q["word"], int(q["count"]), int(q["rate"]), q["to"]))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(done.get(q.get("word"))).encode()})

@webapp(framework="asgi", processes=1)
def live_app():
    return app
`

const (
	// livePace is the pace of lines that are followed, and floodPace that of many.
	livePace, floodPace = 1000, 50_000
	liveTime, floodTime = 30 * time.Second, 30 * time.Second
	// lateLine is when a line that has not come is given up.
	lateLine = 2 * time.Minute
)

// logFigures measures logs from the line that is printed to the one that is shown.
func logFigures(ctx context.Context) (table []figure, err error) {
	b, err := newBench()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.dir)
	if err := errors.Join(b.write("fngen.yml", fmt.Sprintf(config, "xl", "us-west")), b.write("app.py", talkative)); err != nil {
		return nil, err
	}
	if err := errors.Join(command(ctx, "fngen", "create", b.project), command(ctx, "fngen", "push", b.project, b.dir)); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, command(context.WithoutCancel(ctx), "fngen", "destroy", b.project, "--yes"))
	}()
	for _, measure := range []func(context.Context) ([]figure, error){b.live, b.flood, b.setToAnswer} {
		figures, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		table = append(table, figures...)
	}
	return table, nil
}

// live follows lines, each of which says when it was printed.
func (b *bench) live(ctx context.Context) ([]figure, error) {
	agent, err := b.agent()
	if err != nil {
		return nil, err
	}
	count := livePace * int(liveTime.Seconds())
	ctx, cancel := context.WithTimeout(ctx, liveTime+lateLine)
	defer cancel()
	cmd := exec.CommandContext(ctx, "fngen", "logs", b.project, "--follow", "--json", "--grep", "live ")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	in := bufio.NewScanner(out)
	// Until one line is shown it may not follow yet, and of what was before it shows little.
	if err := b.order(ctx, "live", 1, livePace, "stdout"); err != nil {
		return nil, err
	}
	if !in.Scan() {
		return nil, errors.New("no line is followed")
	}
	before, err := agent.usage()
	if err != nil {
		return nil, err
	}
	if err := b.order(ctx, "live", count, livePace, "stdout"); err != nil {
		return nil, err
	}
	var delays []time.Duration
	for len(delays) < count && in.Scan() {
		_, printed, err := printedAt(in.Bytes())
		if err != nil {
			return nil, err
		}
		delays = append(delays, time.Since(printed))
	}
	took := time.Since(before.at)
	after, err := agent.usage()
	if err != nil {
		return nil, err
	}
	if len(delays) < count {
		return nil, fmt.Errorf("of %d lines %d were followed", count, len(delays))
	}
	slices.Sort(delays)
	at := func(share float64) string { return seconds(delays[int(float64(len(delays)-1)*share)]) }
	return []figure{
		{fmt.Sprintf("print to `logs -f`, %d lines a second: p50; p99; the most", livePace), at(0.5) + "; " + at(0.99) + "; " + at(1), "", "", "p99 < 1 s"},
		{
			fmt.Sprintf("processor time of the agent at %d lines a second", livePace),
			fmt.Sprintf("%.1f %% of one", 100*(after.cpu-before.cpu).Seconds()/took.Seconds()), "", "", "< 3 %",
		},
		{"memory of the agent before and after", fmt.Sprintf("%d MB; %d MB", before.megabytes, after.megabytes), "", "", "+ 5 MB"},
	}, nil
}

// printedAt is the number of a line of talkative, and when it was printed.
func printedAt(line []byte) (int, time.Time, error) {
	var l api.LogLine
	if err := json.Unmarshal(line, &l); err != nil {
		return 0, time.Time{}, err
	}
	fields := strings.Fields(l.Message)
	if len(fields) != 4 {
		return 0, time.Time{}, fmt.Errorf("%q is no line of the app", l.Message)
	}
	number, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0, time.Time{}, err
	}
	ns, err := strconv.ParseInt(fields[2], 10, 64)
	return number, time.Unix(0, ns), err
}

// flood prints much, and looks for all of it.
func (b *bench) flood(ctx context.Context) ([]figure, error) {
	count := floodPace * int(floodTime.Seconds())
	var took [2]spoken
	begin := time.Now()
	for i, to := range []string{"file", "stdout"} {
		word := "flood-" + to
		if i == 1 {
			begin = time.Now()
		}
		if err := b.order(ctx, word, count, floodPace, to); err != nil {
			return nil, err
		}
		var err error
		if took[i], err = b.spoken(ctx, word); err != nil {
			return nil, err
		}
	}
	end := time.Now()
	found, err := b.found(ctx, "flood-stdout ", count, begin, end)
	if err != nil {
		return nil, err
	}
	ratio := took[1].Seconds / took[0].Seconds
	return []figure{
		{
			fmt.Sprintf("%d lines printed at up to %d a second", count, floodPace), fmt.Sprintf("%.2f s", took[1].Seconds),
			fmt.Sprintf("%.2f s (into a file)", took[0].Seconds), fmt.Sprintf("%.2f", ratio), "< 1.05",
		},
		{"processor time of the thread that prints them", fmt.Sprintf("%.2f s", took[1].CPU), fmt.Sprintf("%.2f s (the same)", took[0].CPU), fmt.Sprintf("%.2f", took[1].CPU/took[0].CPU), ""},
		{"of them lost; found so long after the last was printed", fmt.Sprintf("%d; %s", count-found.lines, seconds(found.at.Sub(end))), "", "", "0"},
	}, nil
}

type spoken struct{ Seconds, CPU float64 }

func (b *bench) order(ctx context.Context, word string, count, rate int, to string) error {
	_, err := b.ask(ctx, fmt.Sprintf("/order?word=%s&count=%d&rate=%d&to=%s", word, count, rate, to))
	return err
}

// spoken waits until all lines of a word are printed.
func (b *bench) spoken(ctx context.Context, word string) (spoken, error) {
	for {
		text, err := b.ask(ctx, "/done?word="+word)
		if err != nil {
			return spoken{}, err
		}
		var s *spoken
		if err := json.Unmarshal(text, &s); err != nil || s != nil {
			return *s, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (b *bench) ask(ctx context.Context, path string) ([]byte, error) {
	client := *b.http.http
	client.Timeout = time.Minute // it may be busy printing
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cluster.URL(b.project)+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// found counts the lines of a word, until all are there or none more come.
type found struct {
	lines int
	at    time.Time
}

// settled is how old the lines of a second are when no more of them are looked for, once
// their number has stayed the same: what a program has printed comes in the order in which
// it was.
const settled = 30 * time.Second

func (b *bench) found(ctx context.Context, word string, want int, begin, end time.Time) (found, error) {
	counts, done := map[time.Time]int{}, map[time.Time]bool{}
	for last := -1; ; {
		now := found{at: time.Now()}
		for from := begin.Add(-time.Second); from.Before(now.at) && from.Before(end.Add(lateLine)); from = from.Add(time.Second) {
			if !done[from] {
				n, err := b.count(ctx, word, from)
				if err != nil {
					return now, err
				}
				done[from] = n == counts[from] && now.at.Sub(from) > settled
				counts[from] = n
			}
			now.lines += counts[from]
		}
		if now.lines >= want || now.lines == last && time.Since(end) > lateLine {
			return now, nil
		}
		last = now.lines
	}
}

// count counts the lines of a word in a second.
func (b *bench) count(ctx context.Context, word string, from time.Time) (int, error) {
	out, err := exec.CommandContext(ctx, "fngen", "logs", b.project, "--json", "--grep", word, "--limit", "100000",
		"--since", from.Format(time.RFC3339Nano), "--until", from.Add(time.Second).Format(time.RFC3339Nano)).Output()
	if err != nil {
		return 0, fmt.Errorf("read logs: %w", err)
	}
	return bytes.Count(out, []byte{'\n'}), nil
}
