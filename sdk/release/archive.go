package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"

	"fngen.dev/fngen/sdk/wheel"
)

// file is one of an archive.
type file struct {
	name string
	data []byte
	mode int64
}

// archive makes the archive of a platform: a zip file for Windows, else a tar file.
func (r *release) archive(t wheel.Target, program []byte) (string, []byte, error) {
	files := []file{{t.Program(), program, 0o755}}
	for _, name := range []string{"LICENSE", "CHANGELOG.md"} {
		data, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return "", nil, fmt.Errorf("read %s: %w", name, err)
		}
		files = append(files, file{name, data, 0o644})
	}
	if t.OS == "windows" {
		data, err := r.zip(files)
		return r.name(t) + ".zip", data, err
	}
	data, err := r.tar(files)
	return r.name(t) + ".tar.gz", data, err
}

func (r *release) tar(files []file) ([]byte, error) {
	var out bytes.Buffer
	packed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(packed)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: r.notes.day, Format: tar.FormatUSTAR}
		err := w.WriteHeader(h)
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack archive: %w", err)
	}
	if err := packed.Close(); err != nil {
		return nil, fmt.Errorf("pack archive: %w", err)
	}
	return out.Bytes(), nil
}

func (r *release) zip(files []file) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		to, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.notes.day})
		if err == nil {
			_, err = to.Write(f.data)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack archive: %w", err)
	}
	return out.Bytes(), nil
}
