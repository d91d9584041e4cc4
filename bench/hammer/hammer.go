// Package hammer asks a server over HTTP as fast as it is answered, and sees how long
// each answer takes.
package hammer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// connections is how many a hammer holds: one browser's, or a router's, times a few.
const connections = 16

// Seen is what was seen of the answers.
type Seen struct {
	Requests int
	Took     time.Duration
	// Latencies are those of all requests, sorted.
	Latencies []time.Duration
}

// PerSecond is how many requests were answered in a second.
func (s Seen) PerSecond() float64 { return float64(s.Requests) / s.Took.Seconds() }

// Quantile is the latency below which that part of the requests stayed.
func (s Seen) Quantile(part float64) time.Duration {
	return s.Latencies[min(int(part*float64(len(s.Latencies))), len(s.Latencies)-1)]
}

// Ask asks for / at an address over kept connections, as fast as it is answered.
// Where a server closes a connection after its answer, the next one is a part of the
// next request. It does as little as a client can, since it shares the processors with
// what it measures. A request without a right answer fails it all.
func Ask(ctx context.Context, address string, lasts time.Duration) (Seen, error) {
	begin := time.Now()
	ctx, stop := context.WithDeadline(ctx, begin.Add(lasts))
	defer stop()
	var wait sync.WaitGroup
	seen := make([][]time.Duration, connections)
	faults := make([]error, connections)
	for i := range connections {
		wait.Go(func() { seen[i], faults[i] = keepAsking(ctx, address) })
	}
	wait.Wait()
	all := slices.Concat(seen...)
	slices.Sort(all)
	h := Seen{Requests: len(all), Took: time.Since(begin), Latencies: all}
	if err := errors.Join(faults...); err != nil {
		return h, err
	}
	if len(all) == 0 {
		return h, fmt.Errorf("%s answered nothing in %s", address, lasts)
	}
	return h, nil
}

func keepAsking(ctx context.Context, address string) (latencies []time.Duration, err error) {
	request := []byte("GET / HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: hammer\r\nAccept: */*\r\n\r\n")
	var conn net.Conn
	var answers *bufio.Reader
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for ctx.Err() == nil {
		begin := time.Now()
		if conn == nil {
			if conn, err = new(net.Dialer).DialContext(context.WithoutCancel(ctx), "tcp", address); err != nil {
				return latencies, fmt.Errorf("connect: %w", err)
			}
			answers = bufio.NewReader(conn)
		}
		if err := conn.SetDeadline(begin.Add(30 * time.Second)); err != nil {
			return latencies, err
		}
		if _, err := conn.Write(request); err != nil {
			return latencies, fmt.Errorf("ask: %w", err)
		}
		keep, err := readAnswer(answers)
		if err != nil {
			return latencies, fmt.Errorf("read an answer: %w", err)
		}
		latencies = append(latencies, time.Since(begin))
		if !keep {
			conn.Close()
			conn = nil
		}
	}
	return latencies, nil
}

// readAnswer reads one answer, which must be 200, and says whether the connection stays.
func readAnswer(r *bufio.Reader) (keep bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return false, fmt.Errorf("it is %q", line)
	}
	keep, length := true, 0
	for {
		line, err = r.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch len(name) { // to look closer at few of them
		case len("connection"):
			keep = keep && !(bytes.EqualFold(name, []byte("connection")) && strings.EqualFold(string(bytes.TrimSpace(value)), "close"))
		case len("content-length"):
			if bytes.EqualFold(name, []byte("content-length")) {
				if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
					return false, err
				}
			}
		case len("transfer-encoding"):
			if bytes.EqualFold(name, []byte("transfer-encoding")) {
				length = -1
			}
		}
	}
	if length < 0 {
		return keep, readChunks(r)
	}
	_, err = r.Discard(length)
	return keep, err
}

func readChunks(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, r, size+2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}
