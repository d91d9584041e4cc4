package ship

import (
	"context"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/agent/capture"
	"fngen.dev/fngen/pkg/spool"
)

// benchLine is what the application of `bench logs` prints.
var benchLine = "flood-stdout 123456 1795881600123456789 " + strings.Repeat("x", 60) + "\n"

// BenchmarkLine takes lines from what a program writes to what is sent, one at a time or as
// many as a pipe hands on at once.
func BenchmarkLine(b *testing.B) {
	for name, lines := range map[string]int{"one": 1, "many": 300} {
		b.Run(name, func(b *testing.B) {
			sp, err := spool.Open(b.TempDir(), 1<<30)
			if err != nil {
				b.Fatal(err)
			}
			s := Start(sp, clock, func(context.Context, [][]byte, bool) (int, error) { return 0, nil })
			text := &capture.Text{Stream: capture.Stdout, Clock: clock, Take: s.Take}
			written := []byte(strings.Repeat(benchLine, lines))
			b.ReportAllocs()
			for i := 0; i < b.N; i += lines {
				_, _ = text.Write(written)
			}
			b.StopTimer()
			s.Stop(never)
			sp.Close()
		})
	}
}
