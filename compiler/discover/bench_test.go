package discover

import (
	"os"
	"strings"
	"testing"
)

// BenchmarkScan reads the sources of a standard library that is on this machine.
func BenchmarkScan(b *testing.B) {
	pythons := systemPython()
	if len(pythons) == 0 {
		b.Skip("no python3 with a standard library below /usr/lib on this machine")
	}
	_, lib, _ := strings.Cut(pythons[len(pythons)-1], "=")
	var sources [][]byte
	var size int64
	for _, file := range pythonFiles(b, lib) {
		src, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		sources, size = append(sources, src), size+int64(len(src))
	}
	b.SetBytes(size)
	for b.Loop() {
		for _, src := range sources {
			Scan("a.py", src)
		}
	}
}
