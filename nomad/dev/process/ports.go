//go:build linux

package process

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Holder is a process that listens on a port.
type Holder struct {
	PID     int
	Command string
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "a process that /proc does not show"
	}
	return fmt.Sprintf("pid %d (%s)", h.PID, h.Command)
}

// Free reports whether a TCP address can be listened on.
func Free(addr string) bool {
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// HolderOf finds who listens on a TCP port of an address, or of all addresses.
func HolderOf(addr string) Holder {
	inodes := listeners(addr)
	procs, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return Holder{}
	}
	for _, fd := range procs {
		link, err := os.Readlink(fd)
		if err != nil || !inodes[link] {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err == nil {
			return Holder{PID: pid, Command: command(pid)}
		}
	}
	return Holder{}
}

// listeners returns the "socket:[inode]" links of sockets that listen there.
func listeners(addr string) map[string]bool {
	found := map[string]bool{}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return found
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return found
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			fields := strings.Fields(s.Text())
			if len(fields) > 9 && fields[3] == "0A" && matches(fields[1], host, number) {
				found["socket:["+fields[9]+"]"] = true
			}
		}
		f.Close()
	}
	return found
}

// matches compares a kernel address, such as 0100007F:1F90 (bytes reversed),
// with a host and port. All zero listens on every address.
func matches(kernel, host string, port int) bool {
	addr, hexPort, ok := strings.Cut(kernel, ":")
	if !ok || !strings.EqualFold(hexPort, fmt.Sprintf("%04X", port)) {
		return false
	}
	if strings.Trim(addr, "0") == "" {
		return true
	}
	ip := net.ParseIP(host).To4()
	return ip != nil && strings.HasSuffix(addr, fmt.Sprintf("%02X%02X%02X%02X", ip[3], ip[2], ip[1], ip[0]))
}

func command(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(raw) == 0 {
		return "?"
	}
	text := strings.TrimSpace(strings.ReplaceAll(string(raw), "\x00", " "))
	if len(text) > 80 {
		text = text[:80] + "..."
	}
	return text
}
