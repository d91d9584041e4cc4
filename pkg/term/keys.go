package term

import (
	"context"
	"os"
)

// Keys tells of each key that is pressed at the terminal, without waiting for the end of
// a line and without showing it, until restore is called. It tells of none where there is
// no terminal, or this program is in its background. Ctrl-C stays what it is.
func (s *IO) Keys(ctx context.Context) (keys <-chan byte, restore func()) {
	in, ok := s.In.(*os.File)
	if !ok || !s.InTTY || !s.ErrTTY {
		return nil, func() {}
	}
	restore, err := singleKeys(in)
	if err != nil {
		return nil, func() {}
	}
	out := make(chan byte)
	go func() { // a read of a terminal cannot be broken off: it ends with the program
		for b := make([]byte, 1); ; {
			if n, err := in.Read(b); err != nil || n == 0 {
				return
			}
			select {
			case out <- b[0]:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, restore
}
