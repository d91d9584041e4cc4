// Package gitindex reads the names of tracked files from git's index.
//
// git ships a file that it tracks even when a rule ignores it; whoever follows
// git's rules has to know which those are. Only names are read, from the format
// that gitformat-index(5) describes, versions 2 to 4, with SHA-1 or SHA-256.
package gitindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The kinds of entries that are no files: submodules, and directories of a
// sparse index.
const (
	kindMask  = 0o170000
	submodule = 0o160000
	directory = 0o040000
)

const (
	headerSize = 12
	statSize   = 40
	extended   = 0x4000
)

var errShort = errors.New("the index ends in the middle of an entry")

// Names returns the paths of the tracked files, sorted by bytes, relative to the
// work tree, with slashes.
func Names(index []byte) ([]string, error) {
	if len(index) < headerSize || string(index[:4]) != "DIRC" {
		return nil, errors.New("it is not a git index")
	}
	version := binary.BigEndian.Uint32(index[4:])
	if version < 2 || version > 4 {
		return nil, fmt.Errorf("version %d of the git index is not known", version)
	}
	count := binary.BigEndian.Uint32(index[8:])
	// The index does not say which hash it uses; only one length fits.
	var errs []error
	for _, hash := range []int{20, 32} {
		names, err := entries(index[headerSize:], int(version), int(count), hash)
		if err == nil {
			return names, nil
		}
		errs = append(errs, err)
	}
	return nil, errs[0]
}

func entries(data []byte, version, count, hash int) ([]string, error) {
	var names []string
	previous := ""
	for range count {
		if len(data) < statSize+hash+2 {
			return nil, errShort
		}
		mode := binary.BigEndian.Uint32(data[24:])
		fixed := statSize + hash + 2
		if binary.BigEndian.Uint16(data[fixed-2:])&extended != 0 {
			fixed += 2
		}
		name, size, err := entryName(data, fixed, version, previous)
		if err != nil {
			return nil, err
		}
		if name < previous || name == "" {
			return nil, errors.New("the names of the index are not sorted")
		}
		// A file in conflict has several entries of one name.
		if kind := mode & kindMask; kind != submodule && kind != directory && name != previous {
			names = append(names, name)
		}
		previous, data = name, data[size:]
	}
	return slices.Clip(names), nil
}

// entryName returns the name that starts at offset at, and the size of the whole
// entry.
func entryName(data []byte, at, version int, previous string) (name string, size int, err error) {
	if at > len(data) {
		return "", 0, errShort
	}
	if version < 4 {
		end := bytes.IndexByte(data[at:], 0)
		if end < 0 {
			return "", 0, errShort
		}
		// One to eight NULs fill the entry up to a multiple of eight.
		size := (at + end + 8) &^ 7
		if size > len(data) {
			return "", 0, errShort
		}
		return string(data[at : at+end]), size, nil
	}
	strip, n := offset(data[at:])
	if n == 0 || strip > len(previous) {
		return "", 0, errShort
	}
	end := bytes.IndexByte(data[at+n:], 0)
	if end < 0 {
		return "", 0, errShort
	}
	return previous[:len(previous)-strip] + string(data[at+n:at+n+end]), at + n + end + 1, nil
}

// offset reads a number in the encoding of offsets in packs, and how many bytes
// it took: 0 when it does not end.
func offset(data []byte) (value, n int) {
	for n < len(data) && n < 5 {
		c := data[n]
		n++
		value = value<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value++
	}
	return 0, 0
}
