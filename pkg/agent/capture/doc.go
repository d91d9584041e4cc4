// Package capture makes log entries of what programs print.
//
// There are two ways into it. What a process writes to its standard output and error
// is text, of any kind: Text makes an entry of each line, finds out its level, and keeps
// a traceback together. What Python code prints through the runtime (lines.py) comes as
// records in packets of a socket, with what is known there and not here: the level
// of logging, the request, the task, the identity of an exception. Packets do not mix,
// however many processes write.
//
// All of it is written by strangers. Whatever they write becomes an entry, cut with a
// mark where it is too long, and nothing of it ends the reading.
package capture
