package api

import "hash/maphash"

// LogKey tells lines of a log from each other, within a process. It is small: whoever
// follows a log keeps many.
type LogKey struct {
	// Time is in nanoseconds since 1970.
	Time int64
	sum  uint64
}

var logKeySeed = maphash.MakeSeed()

// KeyOf is the key of a line.
func KeyOf(line LogLine) LogKey {
	var h maphash.Hash
	h.SetSeed(logKeySeed)
	for _, part := range []string{line.Function, line.Instance, line.Stream, line.Message} {
		_, _ = h.WriteString(part) // it never fails
		_ = h.WriteByte(0)
	}
	return LogKey{line.Time.UnixNano(), h.Sum64()}
}
