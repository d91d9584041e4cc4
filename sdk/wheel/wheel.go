package wheel

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// entry is a file of a wheel.
type entry struct {
	name string
	data []byte
	mode fs.FileMode
}

// Wheel makes the wheel for a platform, and its name, with the program as Build made it.
func (p *Project) Wheel(t Target, program []byte) (name string, data []byte, err error) {
	entries, err := p.sources()
	if err != nil {
		return "", nil, err
	}
	id := p.Name + "-" + p.Version
	info := id + ".dist-info/"
	if t.OS != "" {
		entries = append(entries, entry{id + ".data/scripts/" + t.Program(), program, 0o755})
	}
	metadata, err := p.metadata()
	if err != nil {
		return "", nil, err
	}
	license, err := os.ReadFile(filepath.Join(p.root, "LICENSE"))
	if err != nil {
		return "", nil, fmt.Errorf("read license: %w", err)
	}
	entries = append(entries,
		entry{info + "METADATA", metadata, 0o644}, entry{info + "WHEEL", wheelFile(t), 0o644}, entry{info + "licenses/LICENSE", license, 0o644})
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	// RECORD is the last, as the format recommends, and does not list its own digest.
	entries = append(entries, entry{info + "RECORD", record(entries, info+"RECORD"), 0o644})
	data, err = pack(entries)
	return fmt.Sprintf("%s-py3-none-%s.whl", id, strings.Join(t.tags, ".")), data, err
}

// sources are the SDK's own files.
func (p *Project) sources() ([]entry, error) {
	src := filepath.Join(p.root, "sdk", "python", "src")
	var out []entry
	err := filepath.WalkDir(src, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "__pycache__" {
				return fs.SkipDir
			}
			return nil
		}
		if ext := path.Ext(d.Name()); ext != ".py" && d.Name() != "py.typed" {
			return nil // caches of editors and tools
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, file)
		out = append(out, entry{filepath.ToSlash(rel), data, 0o644})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	return out, nil
}

func wheelFile(t Target) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Wheel-Version: 1.0\nGenerator: fngen\nRoot-Is-Purelib: %t\n", t.OS == "")
	for _, tag := range t.tags {
		fmt.Fprintf(&b, "Tag: py3-none-%s\n", tag)
	}
	return b.Bytes()
}

func record(entries []entry, own string) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		sum := sha256.Sum256(e.data)
		fmt.Fprintf(&b, "%s,sha256=%s,%d\n", e.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(e.data))
	}
	fmt.Fprintf(&b, "%s,,\n", own)
	return b.Bytes()
}

// zipEpoch is 1980-01-01, the first day that a zip file knows, as MS-DOS has it.
const zipEpoch = 1<<5 | 1

// pack writes a zip file whose bytes follow from the entries alone: one time, no
// fields that depend on how it was written.
func pack(entries []entry) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		var packed bytes.Buffer
		deflate, err := flate.NewWriter(&packed, flate.BestCompression)
		if err == nil {
			_, err = deflate.Write(e.data)
		}
		if err == nil {
			err = deflate.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("compress %s: %w", e.name, err)
		}
		h := &zip.FileHeader{
			Name: e.name, Method: zip.Deflate, CreatorVersion: 3 << 8, ReaderVersion: 20, ModifiedDate: zipEpoch, //nolint:staticcheck // Modified would add a field
			CRC32: crc32.ChecksumIEEE(e.data), CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(len(e.data)),
		}
		h.SetMode(e.mode)
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = packed.WriteTo(w)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack wheel: %w", err)
	}
	return out.Bytes(), nil
}
