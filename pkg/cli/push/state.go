package push

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/delta"
)

// stateMagic begins a state file; another version of the form has another.
const stateMagic = "fngen-push-1 "

// pushState is what this machine remembers of the last push of one directory to
// one project of one platform, in a file of the person's cache. It only makes
// pushes faster: the platform checks all that follows from it, so that a file
// which is gone, damaged or out of date costs time and nothing else.
//
// The file is a line with the magic and the SHA-256 of the next line, that line,
// which is JSON, and the manifest of Tree: a zstd stream of its delta from the
// empty one. The manifest is read only when it is needed.
type pushState struct {
	// Tree is the digest of the last tree that the platform acknowledged.
	Tree string `json:"tree"`
	// Platform is what the platform said of itself.
	Platform *api.Platform `json:"platform"`

	path string // empty when there is nowhere to keep it
}

// loadPushState never fails: what cannot be read is not known.
func loadPushState(cache, address, project string, s *source.Scanned) *pushState {
	if cache == "" || project == "" {
		return &pushState{}
	}
	key := sha256.Sum256([]byte(strings.Join([]string{address, project, s.Root, s.Entry}, "\x00")))
	out := &pushState{path: filepath.Join(cache, "fngen", "push", hex.EncodeToString(key[:16]))}
	f, err := os.Open(out.path)
	if err != nil {
		return out
	}
	defer f.Close()
	if known, _, err := readPushState(f); err == nil {
		out.Tree, out.Platform = known.Tree, known.Platform
	}
	return out
}

// readPushState reads the lines, and leaves the reader at the manifest.
func readPushState(r io.Reader) (pushState, *bufio.Reader, error) {
	var s pushState
	in := bufio.NewReader(r)
	first, err := in.ReadString('\n')
	if err != nil {
		return s, nil, err
	}
	line, err := in.ReadBytes('\n')
	if err != nil {
		return s, nil, err
	}
	if first != stateHead(line) {
		return s, nil, io.ErrUnexpectedEOF
	}
	return s, in, json.Unmarshal(line, &s)
}

func stateHead(line []byte) string {
	sum := sha256.Sum256(line)
	return stateMagic + hex.EncodeToString(sum[:]) + "\n"
}

// manifest reads the manifest of Tree.
func (s *pushState) manifest() (*api.Manifest, bool) {
	if s.Tree == "" {
		return nil, false
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	// Another push may have replaced the file meanwhile: then its tree is as good.
	known, in, err := readPushState(f)
	if err != nil {
		return nil, false
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, false
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, delta.MaxBytes+1))
	if err != nil {
		return nil, false
	}
	m, err := delta.Apply(api.Manifest{}, text)
	return &m, err == nil && m.Digest() == known.Tree
}

// forget drops the tree, which the platform does not have any more.
func (s *pushState) forget() { s.Tree = "" }

// begin notes that an upload is under way, and broken tells of one that did not
// end: then what has arrived is not what the last tree says.
func (s *pushState) begin() {
	if s.path != "" && os.MkdirAll(filepath.Dir(s.path), 0o700) == nil {
		_ = os.WriteFile(s.path+".begun", nil, 0o600)
	}
}

func (s *pushState) broken() bool { return s.path != "" && target.Exists(s.path+".begun") }

// acknowledged keeps a tree as the last one that the platform has.
func (s *pushState) acknowledged(m api.Manifest, digest string) {
	s.Tree = digest
	if s.path == "" {
		return
	}
	_ = os.Remove(s.path + ".begun")
	if err := s.write(m); err != nil {
		_ = os.Remove(s.path) // better none than one that is behind
	}
}

func (s *pushState) write(m api.Manifest) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	text, err := delta.Encode(api.Manifest{}, m)
	if err != nil {
		return err
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString(stateHead(line))
	out.Write(line)
	out.Write(z.EncodeAll(text, nil))
	return replaceFile(s.path, out.Bytes())
}

// replaceFile writes a file of the person's own at once or not at all, also when
// another process does the same.
func replaceFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".tmp-") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
