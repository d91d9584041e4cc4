package binding

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// cursor reads values of data that is valid JSON. It copies nothing but texts and
// numbers, where the decoder of encoding/json buffers a value whole before it gives it.
type cursor struct {
	data []byte
	at   int
}

// next is the next byte that is not white space, which data has while a value is not at
// its end.
func (c *cursor) next() byte {
	for {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return b
		}
	}
}

func (c *cursor) value() (any, error) {
	switch c.next() {
	case '{':
		return c.object()
	case '[':
		return c.array()
	case '"':
		return c.text()
	case 't':
		c.at += len("true")
		return true, nil
	case 'f':
		c.at += len("false")
		return false, nil
	case 'n':
		c.at += len("null")
		return nil, nil
	}
	begin := c.at
	for c.at < len(c.data) && bytes.IndexByte([]byte("0123456789+-.eE"), c.data[c.at]) >= 0 {
		c.at++
	}
	n := json.Number(c.data[begin:c.at])
	return n, number(string(n))
}

func (c *cursor) array() (any, error) {
	out := []any{}
	for c.at++; c.next() != ']'; {
		if c.data[c.at] == ',' {
			c.at++
		}
		v, err := c.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	c.at++
	return out, nil
}

func (c *cursor) object() (any, error) {
	out := &object{values: map[string]any{}}
	for c.at++; c.next() != '}'; {
		if c.data[c.at] == ',' {
			c.at++
		}
		c.next()
		key, err := c.text()
		if err != nil {
			return nil, err
		}
		if _, twice := out.values[key]; twice {
			return nil, fmt.Errorf("the key %s is there twice", shown(key))
		}
		c.next() // the colon
		c.at++
		v, err := c.value()
		if err != nil {
			return nil, err
		}
		out.keys = append(out.keys, key)
		out.values[key] = v
	}
	c.at++
	return out, nil
}

func (c *cursor) text() (string, error) {
	begin := c.at
	c.at++
	escaped := false
	for c.data[c.at] != '"' {
		if c.data[c.at] == '\\' {
			escaped = true
			c.at++
		}
		c.at++
	}
	c.at++
	if !escaped {
		return string(c.data[begin+1 : c.at-1]), nil
	}
	var out string
	err := json.Unmarshal(c.data[begin:c.at], &out)
	return out, err
}
