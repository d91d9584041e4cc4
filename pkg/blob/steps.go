package blob

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/pkg/panics"
)

const (
	// stepBytes is after how much a part is made durable.
	stepBytes = 16 << 20
	// blockBytes is how much is read, hashed and written at once, and blocks how
	// many wait for that.
	blockBytes = 256 << 10
	blocks     = 8
)

// steps appends what r gives. Reading, hashing with writing, and making durable
// each go on while the others do, no further ahead than a step.
func (p *Part) steps(r io.Reader) error {
	var work errgroup.Group
	full, free, saves := make(chan []byte, blocks), make(chan []byte, blocks), make(chan partState)
	for range blocks {
		free <- make([]byte, blockBytes)
	}
	var broken error // what ended reading; the rest is our own fault
	failed := make(chan struct{})
	work.Go(func() error {
		defer close(full)
		return panics.Do(func() error {
			broken = readBlocks(r, full, free, failed)
			return nil
		})
	})
	work.Go(func() error {
		defer close(saves)
		err := panics.Do(func() error { return p.write(full, free, saves) })
		if err != nil {
			close(failed)
		}
		return err
	})
	work.Go(func() error {
		var first error
		for s := range saves {
			if first == nil {
				first = panics.Do(func() error { return p.save(s) })
			}
		}
		return first
	})
	if err := work.Wait(); err != nil {
		return err
	}
	if p.Whole() || p.offset == 0 {
		return broken
	}
	last, err := p.state()
	if err == nil {
		err = p.save(last)
	}
	return errors.Join(broken, err)
}

func readBlocks(r io.Reader, full chan<- []byte, free <-chan []byte, failed <-chan struct{}) error {
	for {
		var block []byte
		select {
		case block = <-free:
		case <-failed:
			return nil
		}
		n, err := io.ReadFull(r, block[:blockBytes])
		if n > 0 {
			full <- block[:n]
		}
		switch {
		case errors.Is(err, io.EOF) || err == io.ErrUnexpectedEOF: //nolint:errorlint // a wrapped one is the sender's end, not ours
			return nil
		case err != nil:
			return err
		}
	}
}

// write hashes and writes blocks, and hands on what is to be made durable.
func (p *Part) write(full <-chan []byte, free chan<- []byte, saves chan<- partState) error {
	since := int64(0)
	for block := range full {
		if _, err := p.file.Write(block); err != nil {
			return fmt.Errorf("write part: %w", err)
		}
		p.sum.Write(block)
		p.offset += int64(len(block))
		since += int64(len(block))
		free <- block
		if since < stepBytes {
			continue
		}
		since = 0
		s, err := p.state()
		if err != nil {
			return err
		}
		saves <- s
	}
	return nil
}
