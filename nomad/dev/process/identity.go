//go:build linux

package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Record is what is kept of a started process, in run/<name>.json.
type Record struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Start is field 22 of /proc/<pid>/stat: clock ticks since boot.
	Start uint64 `json:"start"`
	// Boot tells two boots apart, since pid and ticks can repeat.
	Boot string `json:"boot"`
	// Spec is a digest of command, environment and configuration.
	Spec string `json:"spec"`
	// Order is when it was started among the others; the last stops first.
	Order int `json:"order"`
}

// Alive reports whether the very process of the record still runs.
func (r Record) Alive() bool {
	if r.PID <= 0 || r.Boot != bootID() {
		return false
	}
	start, state, err := statOf(r.PID)
	return err == nil && start == r.Start && state != "Z"
}

// statOf reads start time and state of a process.
func statOf(pid int) (start uint64, state string, err error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, "", err
	}
	return parseStat(raw)
}

// parseStat reads the fields after the command name, which stands in
// parentheses and may itself hold spaces and parentheses (proc_pid_stat(5)).
func parseStat(raw []byte) (start uint64, state string, err error) {
	end := bytes.LastIndexByte(raw, ')')
	if end < 0 {
		return 0, "", errors.New("no command name in stat")
	}
	fields := strings.Fields(string(raw[end+1:]))
	if len(fields) < 20 {
		return 0, "", fmt.Errorf("%d fields in stat, want 20", len(fields))
	}
	start, err = strconv.ParseUint(fields[19], 10, 64)
	return start, fields[0], err
}

func bootID() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

func recordPath(dir, name string) string { return filepath.Join(dir, name+".json") }

// Load reads the record of a name; a missing or unreadable one is no process.
func Load(dir, name string) (Record, bool) {
	raw, err := os.ReadFile(recordPath(dir, name))
	if err != nil {
		return Record{}, false
	}
	var r Record
	if json.Unmarshal(raw, &r) != nil || !r.Alive() {
		return Record{}, false
	}
	return r, true
}

// LoadAll reads every record of a living process and removes the stale ones.
func LoadAll(dir string) ([]Record, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var records []Record
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		if r, alive := Load(dir, name); alive {
			records = append(records, r)
		} else if err := os.Remove(recordPath(dir, name)); err != nil {
			return nil, fmt.Errorf("remove stale record: %w", err)
		}
	}
	return records, nil
}

func save(dir string, r Record) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	tmp := recordPath(dir, r.Name) + ".tmp"
	if err := os.WriteFile(tmp, raw, 0o644); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return os.Rename(tmp, recordPath(dir, r.Name))
}
