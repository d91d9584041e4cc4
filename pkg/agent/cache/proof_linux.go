package cache

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"fngen.dev/fngen/compiler/source"
)

// largeFile is from what size on a file of a tree is not read again at each start.
const largeFile = 1 << 20

// proof says of the large files of a tree in the cache which digest each had, and
// in which state it was then. Nobody but root gets there, so within one run of the
// machine the same state is the same content; what a crash of the machine leaves
// is met in another run, in which all is read again.
type proof struct {
	Boot  string            `json:"boot"`
	Files map[string]proven `json:"files"`

	learned bool // since it was read
}

// proven is the state of a file and its digest.
type proven struct {
	Size  int64  `json:"size"`
	Inode uint64 `json:"inode"`
	// Mtime is seconds and nanoseconds. The ctime is not here: it changes when another
	// tree begins or ends to share the file.
	Mtime  [2]int64 `json:"mtime"`
	SHA256 string   `json:"sha256"`
}

// thisBoot names the run of the machine; empty when it does not say.
func thisBoot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// readProof never fails: what cannot be read proves nothing.
func readProof(path string) *proof {
	p := &proof{Boot: thisBoot(), Files: map[string]proven{}}
	var kept proof
	text, err := os.ReadFile(path)
	if err == nil && json.Unmarshal(text, &kept) == nil && kept.Boot == p.Boot && p.Boot != "" && kept.Files != nil {
		p.Files = kept.Files
	}
	return p
}

// write keeps a proof for the next start. Without one that start takes longer.
func (p *proof) write(path string) error {
	if p.Boot == "" || !p.learned {
		return nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".proof-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// Known is the digest of a file that is as it was.
func (p *proof) Known(name string, info fs.FileInfo) (string, bool) {
	kept, ok := p.Files[name]
	if !ok {
		return "", false
	}
	now, ok := stateOf(info)
	now.SHA256 = kept.SHA256
	return kept.SHA256, ok && now == kept
}

// Learn notes a file that was read while it was as info says.
func (p *proof) Learn(name string, info fs.FileInfo, sha256 string) {
	if info.Size() < largeFile {
		return
	}
	if now, ok := stateOf(info); ok {
		now.SHA256 = sha256
		p.Files[name], p.learned = now, true
	}
}

// written notes what has just been written below dir, with the digests of the
// bytes that were.
func (p *proof) written(dir string, m source.Manifest) error {
	for _, f := range m.Files {
		if f.Size < largeFile {
			continue
		}
		info, err := os.Lstat(filepath.Join(dir, f.Path))
		if err != nil {
			return err
		}
		p.Learn(f.Path, info, f.SHA256)
	}
	return nil
}

func stateOf(info fs.FileInfo) (proven, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return proven{}, false
	}
	return proven{Size: st.Size, Inode: st.Ino, Mtime: [2]int64{st.Mtim.Sec, st.Mtim.Nsec}}, true
}
