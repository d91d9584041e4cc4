package tasks

import "sync"

// maxTail is how much of what a task printed last is kept for the report of its crash.
const maxTail = 8 << 10

// Tails keep the end of what each running task prints: what was written before a crash
// is part of its report. The zero value is ready, nil keeps nothing.
type Tails struct {
	mu   sync.Mutex
	text map[string][]byte
}

// Note adds a line that a task has printed.
func (t *Tails) Note(id, line string) {
	if t == nil || id == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	text, runs := t.text[id]
	if !runs {
		return
	}
	text = append(append(text, line...), '\n')
	if len(text) > 2*maxTail {
		text = append([]byte(nil), text[len(text)-maxTail:]...)
	}
	t.text[id] = text
}

func (t *Tails) begin(id string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == nil {
		t.text = map[string][]byte{}
	}
	t.text[id] = []byte{}
}

func (t *Tails) end(id string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.text, id)
}

// of is the end of what a task printed.
func (t *Tails) of(id string) string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text[id]
	return string(text[max(0, len(text)-maxTail):])
}
