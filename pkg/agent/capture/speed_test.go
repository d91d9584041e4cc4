package capture

import (
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzEncode holds Encode to encoding/json: read again, both are the same.
func FuzzEncode(f *testing.F) {
	f.Add(int64(1), "stdout", "INFO", "a \"b\" \\ \n \x00 \x7f \u2028 ä \xff <&>", "t1", "r1", "app", "0123456789abcdef", "/ä?\x1b", 200, 1.25, true)
	f.Add(int64(-1), "", "", "", "", "", "", "", "", -1, 0.0, false)
	f.Fuzz(func(t *testing.T, at int64, stream, level, message, task, request, logger, fault, path string, status int, took float64, own bool) {
		if math.IsNaN(took) || math.IsInf(took, 0) {
			took = 0 // is nothing that took a time
		}
		e := Entry{Time: at, Stream: stream, Level: level, Message: message, TaskID: task, RequestID: request, Logger: logger, Error: fault, Platform: own}
		if path != "" {
			e.Access = &Access{Method: stream, Path: path, Status: status, Duration: took}
		}
		reference, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var want, got Entry
		if err := json.Unmarshal(reference, &want); err != nil {
			t.Fatal(err)
		}
		made := Encode(nil, e)
		if err := json.Unmarshal(made, &got); err != nil {
			t.Fatalf("%v: %s", err, made)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzTells holds that no line is passed over that would tell its level.
func FuzzTells(f *testing.F) {
	for _, line := range []string{
		"hello", "a WARN b", "a PANIC b", "a FATAL b", "a NOTICE b", "a VERBOSE b", "a DEBUG b", "a SUCCESS b", "a CRIT b", "a SEVERE b", "app.py:3: UserWarning: careful", "KeyboardInterrupt", "SystemExit: 1", "x.MyException: no", "[Severe]", "severity=7", "time=1 level=ERROR",
		"ſeverity=error", "Traceback (most recent call last):", "\x1b[1mER\x1b[0mROR", "x", "GET / 200",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		head := line[:min(len(line), near)]
		if tells(head) {
			return
		}
		if warned.MatchString(head) || shouted.MatchString(head) || set.MatchString(head) || raised.MatchString(head) {
			t.Errorf("%q is passed over", head)
		}
	})
}

// dripping is a pipe to which a line is written each millisecond.
type dripping struct {
	begin       time.Time
	read, lines int
}

func (d *dripping) SetReadDeadline(time.Time) error { return nil }

func (d *dripping) Read(p []byte) (int, error) {
	if d.lines == 1000 {
		return 0, io.EOF
	}
	d.read++
	there := func() int { return min(1000, int(time.Since(d.begin)/time.Millisecond)) - d.lines }
	for there() == 0 {
		time.Sleep(time.Millisecond)
	}
	n := copy(p, strings.Repeat("a line\n", there()))
	d.lines += there()
	return n, nil
}

// TestPace holds that a busy stream is read in large pieces, and no line of it much later.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &dripping{begin: time.Now()}
		lines, late := 0, time.Duration(0)
		in := &Text{Stream: Stdout, Clock: &Clock{}, Take: func(all ...Entry) {
			late = max(late, time.Since(pipe.begin)-time.Duration(lines+1)*time.Millisecond)
			lines += len(all)
		}}
		in.Consume(pipe, io.Discard)
		if lines != 1000 || pipe.read > 150 || late > 2*linger {
			t.Errorf("%d lines in %d pieces, %s late", lines, pipe.read, late)
		}
	})
}
