package postmortem

import "fmt"

// headBytes and tailBytes are how much is kept of what a build prints: of its
// beginning, and of its end, where installers say what is wrong.
const (
	headBytes = 256 << 10
	tailBytes = 256 << 10
)

// Output is what a build has printed, as far as it is kept. A build can print
// without an end.
type Output struct {
	head, tail          []string
	headSize, tailSize  int
	leftLines, leftSize int
}

func (o *Output) Add(line string) {
	if len(o.tail) == 0 && o.headSize+len(line) <= headBytes {
		o.head, o.headSize = append(o.head, line), o.headSize+len(line)+1
		return
	}
	line = line[max(0, len(line)-tailBytes):]
	o.tail, o.tailSize = append(o.tail, line), o.tailSize+len(line)+1
	for o.tailSize > tailBytes && len(o.tail) > 1 {
		o.leftLines, o.leftSize = o.leftLines+1, o.leftSize+len(o.tail[0])+1
		o.tailSize -= len(o.tail[0]) + 1
		o.tail[0], o.tail = "", o.tail[1:]
	}
}

// Lines are those that are kept, with one that says how many are not.
func (o *Output) Lines() []string {
	out := o.head[:len(o.head):len(o.head)]
	if o.leftLines > 0 {
		out = append(out, fmt.Sprintf("... %d lines, %d bytes, are left out here ...", o.leftLines, o.leftSize))
	}
	return append(out, o.tail...)
}
