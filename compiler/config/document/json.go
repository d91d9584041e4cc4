package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"fngen.dev/fngen/compiler/literal"
)

// maxJSONDepth is far beyond any lock file.
const maxJSONDepth = 64

// JSON reads a JSON file into the values that TOML has too, with their
// places.
func JSON(file string, data []byte) (*Value, *Error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r := &tomlReader{file: file, data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	if i := Invalid(data); i >= 0 {
		return nil, &Error{r.place(i, 1), "the file is not UTF-8 text"}
	}
	j := &jsonReader{places: r, d: json.NewDecoder(bytes.NewReader(data))}
	j.d.UseNumber()
	v, err := j.value(0)
	if err == nil {
		if _, end := j.d.Token(); !errors.Is(end, io.EOF) {
			err = j.fault("there is more after the end")
		}
	}
	return v, err
}

type jsonReader struct {
	places *tomlReader
	d      *json.Decoder
}

func (j *jsonReader) fault(msg string) *Error {
	return &Error{j.places.place(min(int(j.d.InputOffset()), len(j.places.data)), 1), msg}
}

// token reads the next one and finds where it begins.
func (j *jsonReader) token() (json.Token, literal.Place, *Error) {
	before := int(j.d.InputOffset())
	t, err := j.d.Token()
	if err != nil {
		msg := err.Error()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			msg = "it ends too soon"
		}
		return nil, literal.Place{}, j.fault(msg)
	}
	end := int(j.d.InputOffset())
	start := before
	for start < end && bytes.IndexByte([]byte(" \t\r\n,:"), j.places.data[start]) >= 0 {
		start++
	}
	if _, ok := t.(string); ok && end-start > 2 {
		return t, j.places.place(start+1, end-start-2), nil // within the quotes
	}
	return t, j.places.place(start, max(end-start, 1)), nil
}

func (j *jsonReader) value(depth int) (*Value, *Error) {
	t, at, err := j.token()
	if err != nil {
		return nil, err
	}
	if depth > maxJSONDepth {
		return nil, j.fault("it is nested too deeply")
	}
	v := &Value{Kind: Other, Place: at}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return v, j.array(v, depth)
		}
		return v, j.object(v, depth)
	case string:
		v.Kind, v.Str = String, t
	default:
		v.Raw = fmt.Sprint(t)
	}
	return v, nil
}

func (j *jsonReader) array(v *Value, depth int) *Error {
	v.Kind = Array
	for j.d.More() {
		item, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		v.Items = append(v.Items, item)
	}
	_, _, err := j.token()
	return err
}

func (j *jsonReader) object(v *Value, depth int) *Error {
	v.Kind = Table
	for j.d.More() {
		key, at, err := j.token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if v.index[name] != nil {
			return twice(name, at)
		}
		value, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		v.Add(name, at, value)
	}
	_, _, err := j.token()
	return err
}
