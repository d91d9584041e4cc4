package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

const (
	// partDir is where the contents of a scope are that have not arrived whole. It
	// cannot be a digest.
	partDir = "parts"
	// stateSuffix is that of what is known of a part, beside it.
	stateSuffix = ".state"
	// maxParts of a scope may be begun.
	maxParts = 64
)

// ErrParts is a scope in which too many contents were begun and not ended.
var ErrParts = errors.New("too many uploads were begun and did not end")

// Part is a content that arrives in pieces, perhaps over several connections. Its
// digest is not known before it is whole, so it has a name of the sender's choice.
//
// What is durable of it is written down with the state of its hash after each
// step (stepBytes), so that whatever dies, no more than two of them are sent
// again, and nothing is read again. A Part is for one goroutine; one name must
// not be open twice, which the caller sees to.
type Part struct {
	dir, parts *os.Root
	id         string
	file       *os.File
	size       int64
	offset     int64
	sum        hash.Hash
}

// partState is the text of a state file.
type partState struct {
	Size   int64  `json:"size"`
	Offset int64  `json:"offset"`
	Hash   []byte `json:"hash"`
	// Check is the SHA-256 of the others: a hash that goes on from a damaged state
	// would give the blob the name of another.
	Check []byte `json:"check"`
}

// sealed is the state with its check.
func (s partState) sealed() partState {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %x", s.Size, s.Offset, s.Hash))
	s.Check = sum[:]
	return s
}

// Part opens the content of so many bytes that has the name id, 64 hex digits, in
// a scope, and begins it when it is not there.
func (d *Dir) Part(scope, id string, size int64) (*Part, error) {
	if err := valid(id); err != nil {
		return nil, err
	}
	dir, err := d.makeScope(scope)
	if err != nil {
		return nil, err
	}
	p := &Part{dir: dir, id: id, size: size, sum: sha256.New()}
	if err := p.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open part %s: %w", id, err), p.Close())
	}
	return p, nil
}

func (p *Part) open() error {
	err := p.dir.Mkdir(partDir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if p.parts, err = p.dir.OpenRoot(partDir); err != nil {
		return err
	}
	if err := p.room(); err != nil {
		return err
	}
	if p.file, err = p.parts.OpenFile(p.id, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if p.offset, err = p.known(); err != nil {
		return err
	}
	// What came after the last step is not in the hash.
	if err := p.file.Truncate(p.offset); err != nil {
		return err
	}
	_, err = p.file.Seek(p.offset, io.SeekStart)
	return err
}

// room refuses one part too many.
func (p *Part) room() error {
	if _, err := p.parts.Stat(p.id); err == nil {
		return nil
	}
	entries, err := fs.ReadDir(p.parts.FS(), ".")
	begun := 0
	for _, e := range entries {
		if digestShape.MatchString(e.Name()) {
			begun++
		}
	}
	if begun >= maxParts {
		return ErrParts
	}
	return err
}

// known takes up the state that was written down. Whatever is wrong with it, the
// part begins anew.
func (p *Part) known() (int64, error) {
	info, err := p.file.Stat()
	if err != nil {
		return 0, err
	}
	state, ok := readState(p.parts, p.id)
	if !ok || state.Size != p.size || state.Offset > info.Size() {
		return 0, nil
	}
	if p.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state.Hash) != nil {
		p.sum.Reset()
		return 0, nil
	}
	return state.Offset, nil
}

func readState(parts *os.Root, id string) (partState, bool) {
	var state partState
	text, err := parts.ReadFile(id + stateSuffix)
	ok := err == nil && json.Unmarshal(text, &state) == nil && 0 <= state.Offset && state.Offset <= state.Size
	return state, ok && bytes.Equal(state.Check, state.sealed().Check)
}

// Offset is how much is there.
func (p *Part) Offset() int64 { return p.offset }

// Whole reports whether all is there.
func (p *Part) Whole() bool { return p.offset == p.size }

// Append adds what r gives until its end. More than the content has is
// ErrMismatch. After an error, what came before it is there all the same.
func (p *Part) Append(ctx context.Context, r io.Reader) error {
	r = contextReader{ctx, r}
	err := p.steps(io.LimitReader(r, p.size-p.offset))
	if err == nil && p.Whole() {
		err = nothingMore(r)
	}
	return err
}

func nothingMore(r io.Reader) error {
	var one [1]byte
	switch _, err := io.ReadFull(r, one[:]); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("there is more than the content has: %w", ErrMismatch)
}

// save makes what came so far durable and writes it down.
func (p *Part) save(s partState) error {
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("sync part: %w", err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save state of part: %w", err)
	}
	temp := tempPrefix + rand.Text()
	if err := p.parts.WriteFile(temp, text, 0o600); err != nil {
		return errors.Join(fmt.Errorf("save state of part: %w", err), p.parts.Remove(temp))
	}
	if err := p.parts.Rename(temp, p.id+stateSuffix); err != nil {
		return errors.Join(fmt.Errorf("save state of part: %w", err), p.parts.Remove(temp))
	}
	return nil
}

func (p *Part) state() (partState, error) {
	sum, err := p.sum.(encoding.BinaryMarshaler).MarshalBinary()
	return partState{Size: p.size, Offset: p.offset, Hash: sum}.sealed(), err
}

// Keep makes a whole part a blob and returns its name.
func (p *Part) Keep() (digest string, err error) {
	if !p.Whole() {
		return "", fmt.Errorf("keep part %s: %d of %d bytes are there", p.id, p.offset, p.size)
	}
	if err := p.file.Sync(); err != nil {
		return "", fmt.Errorf("sync part: %w", err)
	}
	digest = hex.EncodeToString(p.sum.Sum(nil))
	if err := p.dir.Rename(partDir+"/"+p.id, digest); err != nil {
		return "", fmt.Errorf("name blob: %w", err)
	}
	err = p.parts.Remove(p.id + stateSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return digest, errors.Join(err, syncDir(p.dir))
}

// Close ends the use of a part.
func (p *Part) Close() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
	}
	if p.parts != nil {
		err = errors.Join(err, p.parts.Close())
	}
	return errors.Join(err, p.dir.Close())
}

// PartOffset is how much of a part is there; nothing of one that is not.
func (d *Dir) PartOffset(scope, id string, size int64) (int64, error) {
	if err := errors.Join(validScope(scope), valid(id)); err != nil {
		return 0, err
	}
	parts, err := d.root.OpenRoot(scope + "/" + partDir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open parts: %w", err)
	}
	defer parts.Close()
	info, err := parts.Stat(id)
	state, ok := readState(parts, id)
	if err != nil || !ok || state.Size != size || state.Offset > info.Size() {
		return 0, nil
	}
	return state.Offset, nil
}
