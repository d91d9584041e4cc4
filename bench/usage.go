package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, on every Linux of ours.
const tick = 10 * time.Millisecond

// family is a process and all that come from it.
func family(pid int) []int {
	all := []int{pid}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file) // of a thread that has ended there is nothing
		for child := range strings.FieldsSeq(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(all, family(n)...)
			}
		}
	}
	return all
}

// processorTime is what a family has used of it, the kernel's work for it included.
func processorTime(pid int) (time.Duration, error) {
	var total time.Duration
	for _, p := range family(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may hold anything
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			return 0, fmt.Errorf("read /proc/%d/stat: it has %d fields", p, len(fields))
		}
		for _, field := range fields[11:13] { // utime and stime
			n, err := strconv.Atoi(field)
			if err != nil {
				return 0, fmt.Errorf("read /proc/%d/stat: %w", p, err)
			}
			total += time.Duration(n) * tick
		}
	}
	return total, nil
}

// sharedMemory is the memory of a family in bytes: of what several processes share,
// each has its part (PSS).
func sharedMemory(pid int) (int64, error) {
	var total int64
	for _, p := range family(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
				if err != nil {
					return 0, fmt.Errorf("read the memory of %d: %w", p, err)
				}
				total += kb << 10
			}
		}
	}
	return total, nil
}
