// Package guard makes a panic an error: a fault of our own in one piece of work is
// that work's failure, and not the end of a process that works for others too.
package guard

import (
	"fmt"
	"runtime/debug"
)

// Panic is a panic that was met, with the stack of where.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Do does something; a panic in it is a *Panic. What it does in goroutines of its own
// has to be guarded there.
func Do(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Panic{value, debug.Stack()}
		}
	}()
	return do()
}
